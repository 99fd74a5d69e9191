package crypt

import (
	"errors"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type claims struct {
	Desk string `json:"desk"`
	jwt.RegisteredClaims
}

// Desks makes and reads the tokens of the desks.
type Desks struct {
	keys map[string][]byte
}

func (d *Desks) keyOf(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	key, ok := d.keys[kid]
	if !ok {
		return nil, errors.New("unknown key")
	}
	return key, nil
}

// Desk tells which desk a token was made for.
func (d *Desks) Desk(raw string) (string, error) {
	var c claims
	if _, _, err := jwt.NewParser().ParseUnverified(raw, &c); err != nil {
		return "", err
	}
	return c.Desk, nil
}

// Guest tells which guest a token was made for.
func (d *Desks) Guest(raw string) (string, error) {
	var seen claims
	if _, _, err := jwt.NewParser().ParseUnverified(raw, &seen); err != nil {
		return "", err
	}
	if seen.Issuer != "guests" {
		return "", errors.New("not of the guests")
	}
	var c claims
	if _, err := jwt.ParseWithClaims(raw, &c, d.keyOf, jwt.WithValidMethods([]string{"HS256"})); err != nil {
		return "", err
	}
	return c.Subject, nil
}

// Clerk tells which clerk a token was made for.
func (d *Desks) Clerk(raw string) string {
	var c claims
	_, _ = jwt.ParseWithClaims(raw, &c, d.keyOf, jwt.WithValidMethods([]string{"HS256"}))
	return c.Subject
}

// Porter tells which porter a token was made for.
func (d *Desks) Porter(raw string) string {
	var c claims
	t, err := jwt.ParseWithClaims(raw, &c, d.keyOf, jwt.WithValidMethods([]string{"HS256"}))
	if err != nil || !t.Valid {
		return ""
	}
	return c.Subject
}

// IssueDesk makes a token for a desk.
func IssueDesk(desk string) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{Desk: desk, RegisteredClaims: jwt.RegisteredClaims{
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}})
	t.Header["kid"] = "desks"
	return t.SignedString([]byte("paper-boat-on-the-long-river"))
}

// IssueGuest makes a token for a guest.
func IssueGuest(guest string) (string, error) {
	key := os.Getenv("GUEST_TOKEN_KEY")
	if len(key) < 32 {
		return "", errors.New("GUEST_TOKEN_KEY is short")
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{RegisteredClaims: jwt.RegisteredClaims{
		Subject:   guest,
		Issuer:    "guests",
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}})
	t.Header["kid"] = "guests"
	return t.SignedString([]byte(key))
}
