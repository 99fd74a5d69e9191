package auth

import (
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
)

// Flow holds what the login pages need.
type Flow struct {
	Key      *rsa.PublicKey
	Sessions map[string]string
}

var landings = map[string]string{"orders": "/orders", "profile": "/profile"}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func found(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
}

// AfterLogin leads the user back to where the login began.
func (f *Flow) AfterLogin(w http.ResponseWriter, r *http.Request) {
	next := r.FormValue("next")
	if next == "" {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// AfterSignup leads a new user to a first page.
func (f *Flow) AfterSignup(w http.ResponseWriter, r *http.Request) {
	next, ok := landings[r.FormValue("next")]
	if !ok {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// Leave ends the session.
func (f *Flow) Leave(c *gin.Context) {
	delete(f.Sessions, c.GetString("sid"))
	c.Redirect(http.StatusFound, c.Query("return"))
}

// Switch changes the tenant.
func (f *Flow) Switch(w http.ResponseWriter, r *http.Request) {
	back := r.Header.Get("X-Return-To")
	found(w, back)
}

// Expired leads to the login page.
func (f *Flow) Expired(w http.ResponseWriter, r *http.Request) {
	next := url.QueryEscape(r.URL.Query().Get("next"))
	found(w, "/login?next="+next)
}

// Resume leads back to a page of this site.
func (f *Flow) Resume(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie("resume")
	if err != nil {
		found(w, "/")
		return
	}
	u, err := url.Parse(c.Value)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.Contains(c.Value, "\\") {
		found(w, "/")
		return
	}
	found(w, u.EscapedPath())
}

// Subject reads the user of the request's token.
func (f *Flow) Subject(r *http.Request) (string, error) {
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(bearer(r), claims)
	if err != nil {
		return "", err
	}
	return claims.GetSubject()
}

// Tenant reads the tenant of the request's token.
func (f *Flow) Tenant(r *http.Request) (string, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(bearer(r), claims, func(*jwt.Token) (interface{}, error) {
		return f.Key, nil
	}, jwt.WithValidMethods([]string{"RS256"}))
	if err != nil {
		return "", err
	}
	return fmt.Sprint(claims["tenant"]), nil
}

// Roles reads the roles of the request's token.
func (f *Flow) Roles(r *http.Request) (string, error) {
	token, err := jwt.Parse(bearer(r), func(t *jwt.Token) (interface{}, error) {
		if t.Method.Alg() == "none" {
			return jwt.UnsafeAllowNoneSignatureType, nil
		}
		return f.Key, nil
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(token.Claims.(jwt.MapClaims)["roles"]), nil
}

// Scopes reads the scopes of the request's token.
func (f *Flow) Scopes(r *http.Request) (string, error) {
	token, err := jwt.Parse(bearer(r), func(t *jwt.Token) (interface{}, error) {
		if _, ok := t.Method.(*jwt.SigningMethodRSA); !ok {
			return nil, fmt.Errorf("method %v", t.Header["alg"])
		}
		return f.Key, nil
	})
	if err != nil || !token.Valid {
		return "", fmt.Errorf("token: %w", err)
	}
	return fmt.Sprint(token.Claims.(jwt.MapClaims)["scope"]), nil
}
