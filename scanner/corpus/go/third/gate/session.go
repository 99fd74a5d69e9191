package gate

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/oauth2"
)

// Sessions knows who is logged in.
type Sessions struct {
	Provider *oauth2.Config
	Origins  map[string]bool
	Start    func(user string) string
}

func randomWord() (string, error) {
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// Enter sets the session of the portal.
func (s *Sessions) Enter(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name:     "session",
		Value:    s.Start(r.PostFormValue("user")),
		Path:     "/",
		HttpOnly: true,
		Secure:   false,
		SameSite: http.SameSiteLaxMode,
	})
	w.WriteHeader(http.StatusNoContent)
}

// EnterDesk sets the session of the help desk.
func (s *Sessions) EnterDesk(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name:     "desk_session",
		Value:    s.Start(r.PostFormValue("user")),
		Path:     "/desk",
		HttpOnly: true,
		Secure:   true,
		SameSite: http.SameSiteStrictMode,
	})
	w.WriteHeader(http.StatusNoContent)
}

// Remember keeps the customer logged in.
func (s *Sessions) Remember(c *fiber.Ctx) error {
	c.Cookie(&fiber.Cookie{
		Name:     "remember_token",
		Value:    s.Start(c.FormValue("user")),
		Expires:  time.Now().Add(30 * 24 * time.Hour),
		Secure:   true,
		HTTPOnly: false,
		SameSite: "Lax",
	})
	return c.SendStatus(fiber.StatusNoContent)
}

// Extend keeps the session for one more day.
func (s *Sessions) Extend(c *fiber.Ctx) error {
	c.Cookie(&fiber.Cookie{
		Name:     "session",
		Value:    s.Start(c.FormValue("user")),
		Expires:  time.Now().Add(24 * time.Hour),
		Secure:   true,
		HTTPOnly: true,
		SameSite: "Strict",
	})
	return c.SendStatus(fiber.StatusNoContent)
}

// Connect goes to the provider of identities.
func (s *Sessions) Connect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, s.Provider.AuthCodeURL("portal"), http.StatusFound)
}

// Join goes to the provider for the first time.
func (s *Sessions) Join(w http.ResponseWriter, r *http.Request) {
	state, err := randomWord()
	if err != nil {
		http.Error(w, "state", http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "join_state", Value: state, Path: "/join", HttpOnly: true, Secure: true})
	http.Redirect(w, r, s.Provider.AuthCodeURL(state), http.StatusFound)
}

// Shared lets pages of other hosts read the customer's data.
func (s *Sessions) Shared(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		next.ServeHTTP(w, r)
	})
}

// Partnered lets pages of the partners read the customer's data.
func (s *Sessions) Partnered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); s.Origins[origin] {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			w.Header().Add("Vary", "Origin")
		}
		next.ServeHTTP(w, r)
	})
}
