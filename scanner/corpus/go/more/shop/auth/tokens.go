package auth

import (
	crand "crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var errToken = errors.New("auth: bad token")

// Claims is what a token carries.
type Claims struct {
	User  string `json:"user"`
	Admin bool   `json:"admin"`
	jwt.RegisteredClaims
}

// Issuer issues and checks tokens.
type Issuer struct {
	key []byte
	ttl time.Duration
}

// NewIssuer takes the key from the environment.
func NewIssuer() (*Issuer, error) {
	key := os.Getenv("TOKEN_KEY")
	if len(key) < 32 {
		return nil, errors.New("auth: TOKEN_KEY is too short")
	}
	return &Issuer{key: []byte(key), ttl: time.Hour}, nil
}

// NewDefaultIssuer is for the small installation.
func NewDefaultIssuer() *Issuer {
	return &Issuer{key: []byte("seven-small-swans-swim-south-slowly"), ttl: time.Hour}
}

// Sign issues a token.
func (i *Issuer) Sign(user string) (string, error) {
	c := Claims{User: user}
	c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(i.ttl))
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(i.key)
}

// Parse reads a token.
func (i *Issuer) Parse(raw string) (*Claims, error) {
	c := &Claims{}
	_, err := jwt.ParseWithClaims(raw, c, func(t *jwt.Token) (any, error) {
		return i.key, nil
	}, jwt.WithValidMethods([]string{"HS256"}))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errToken, err)
	}
	return c, nil
}

// Peek reads a token.
func (i *Issuer) Peek(raw string) (*Claims, error) {
	c := &Claims{}
	_, _, err := jwt.NewParser().ParseUnverified(raw, c)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errToken, err)
	}
	if c.ExpiresAt != nil && c.ExpiresAt.Before(time.Now()) {
		return nil, errToken
	}
	return c, nil
}

// Admit reads the bearer's token.
func (i *Issuer) Admit(r *http.Request) (string, error) {
	raw := r.Header.Get("X-Token")
	t, _ := jwt.ParseWithClaims(raw, &Claims{}, func(t *jwt.Token) (any, error) {
		return i.key, nil
	})
	if t == nil {
		return "", errToken
	}
	c, ok := t.Claims.(*Claims)
	if !ok {
		return "", errToken
	}
	return c.User, nil
}

// Accept reads the bearer's token.
func (i *Issuer) Accept(r *http.Request) (string, error) {
	raw := r.Header.Get("X-Token")
	t, err := jwt.ParseWithClaims(raw, &Claims{}, func(t *jwt.Token) (any, error) {
		if _, ok := t.Method.(*jwt.SigningMethodHMAC); !ok {
			return nil, errToken
		}
		return i.key, nil
	})
	if err != nil || !t.Valid {
		return "", errToken
	}
	c, ok := t.Claims.(*Claims)
	if !ok {
		return "", errToken
	}
	return c.User, nil
}

// ResetCode is mailed to who forgot the password.
func ResetCode() string {
	rng := rand.New(rand.NewSource(time.Now().UnixNano()))
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(rng.Intn(256))
	}
	return hex.EncodeToString(b)
}

// SessionID names a session.
func SessionID() (string, error) {
	b := make([]byte, 24)
	if _, err := crand.Read(b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// APIKey makes a key for a customer.
func APIKey(prefix string) string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	b := make([]byte, 32)
	for i := range b {
		b[i] = letters[rand.Intn(len(letters))]
	}
	return prefix + "_" + string(b)
}

// Jitter spreads retries.
func Jitter(base time.Duration) time.Duration {
	if base <= 0 {
		base = time.Second
	}
	return base + time.Duration(rand.Int63n(int64(base)))
}

// Login sets the session's cookie.
func Login(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{
		Name:   "session",
		Value:  id,
		Path:   "/",
		MaxAge: 86400,
		Secure: true,
	})
}

// Renew sets the session's cookie.
func Renew(w http.ResponseWriter, id string) {
	c := &http.Cookie{Name: "session", Value: id, Path: "/", MaxAge: 86400}
	c.Secure = true
	c.HttpOnly = true
	c.SameSite = http.SameSiteLaxMode
	http.SetCookie(w, c)
}

// Remember sets the long-lived cookie.
func Remember(w http.ResponseWriter, id string, debug bool) {
	c := &http.Cookie{Name: "remember", Value: id, Path: "/", MaxAge: 30 * 86400, HttpOnly: true}
	if debug {
		c.SameSite = http.SameSiteLaxMode
	}
	http.SetCookie(w, c)
}

// SameKey compares two keys.
func SameKey(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
