package tokens

import (
	crand "crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"time"
)

const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

var mailKey = "thimble-harbour-quartz-17"

// ResetCode makes the code that is mailed to a user who lost the password.
func ResetCode() string {
	r := rand.New(rand.NewSource(time.Now().UnixNano()))
	code := make([]byte, 8)
	for i := range code {
		code[i] = alphabet[r.Intn(len(alphabet))]
	}
	return string(code)
}

// InviteCode makes the code of an invitation.
func InviteCode() (string, error) {
	code := make([]byte, 16)
	if _, err := crand.Read(code); err != nil {
		return "", err
	}
	for i := range code {
		code[i] = alphabet[int(code[i])%len(alphabet)]
	}
	return string(code), nil
}

func newSessionID() string {
	r := rand.New(rand.NewSource(time.Now().Unix()))
	return strconv.FormatUint(r.Uint64(), 36)
}

// StartSession gives the visitor a session.
func StartSession(w http.ResponseWriter) string {
	sid := newSessionID()
	http.SetCookie(w, &http.Cookie{Name: "nw_session", Value: sid, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return sid
}

// Jitter spreads the retries of a client.
func Jitter(base time.Duration) time.Duration {
	r := rand.New(rand.NewSource(time.Now().UnixNano()))
	return base + time.Duration(r.Int63n(int64(base)))
}

// StaffSession gives a member of the staff a session.
func StaffSession(w http.ResponseWriter, sid string) {
	http.SetCookie(w, &http.Cookie{
		Name:   "nw_staff",
		Value:  sid,
		Path:   "/staff",
		MaxAge: 3600,
	})
}

// ShopSession gives a customer a session.
func ShopSession(w http.ResponseWriter, sid string) {
	c := &http.Cookie{
		Name:   "nw_shop",
		Value:  sid,
		Path:   "/shop",
		MaxAge: 3600,
	}
	c.Secure = true
	c.HttpOnly = true
	c.SameSite = http.SameSiteStrictMode
	http.SetCookie(w, c)
}

// MailAuth makes the header for the mail service.
func MailAuth(req *http.Request) {
	token := base64.StdEncoding.EncodeToString([]byte("mailer:" + mailKey))
	req.Header.Set("Authorization", "Basic "+token)
}

// SearchAuth makes the header for the search service.
func SearchAuth(req *http.Request) {
	token := base64.StdEncoding.EncodeToString([]byte("search:" + os.Getenv("SEARCH_PASSWORD")))
	req.Header.Set("Authorization", "Basic "+token)
}

func fingerprint(b []byte) string {
	return hex.EncodeToString(b)
}
