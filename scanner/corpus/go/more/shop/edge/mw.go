package edge

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const withShell = false

// Settings configures the front.
type Settings struct {
	Origins  []string
	Greeting string
	Audit    func(format string, args ...any)
	Query    func(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

// Front is the outermost layer.
type Front struct {
	set Settings
	dir string
}

// NewFront fills the gaps of the settings.
func NewFront(db *sql.DB, set Settings, dir string) *Front {
	if set.Audit == nil {
		set.Audit = log.Printf
	}
	if set.Query == nil {
		set.Query = db.QueryContext
	}
	return &Front{set: set, dir: dir}
}

type userKey struct{}

func (f *Front) withUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), userKey{}, r.Header.Get("X-User"))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func userOf(ctx context.Context) string {
	s, _ := ctx.Value(userKey{}).(string)
	return s
}

func names(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func (f *Front) carts(w http.ResponseWriter, r *http.Request) {
	q := "SELECT name FROM carts WHERE owner = '" + userOf(r.Context()) + "'"
	list, err := names(f.set.Query(r.Context(), q))
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, len(list))
}

func (f *Front) wishes(w http.ResponseWriter, r *http.Request) {
	q := "SELECT name FROM wishes WHERE owner = $1"
	list, err := names(f.set.Query(r.Context(), q, userOf(r.Context())))
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, len(list))
}

func (f *Front) render(w http.ResponseWriter, r *http.Request) {
	if withShell {
		_ = exec.Command("sh", "-c", "render "+r.FormValue("page")).Run()
		return
	}
	_ = exec.Command("render", "--", r.FormValue("page")).Run()
	w.WriteHeader(http.StatusAccepted)
}

func (f *Front) audit(w http.ResponseWriter, r *http.Request) {
	clean := strings.NewReplacer("\n", " ", "\r", " ").Replace(userOf(r.Context()))
	f.set.Audit("audit by %s", clean)
	w.WriteHeader(http.StatusNoContent)
}

func (f *Front) openLog(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	full := filepath.Join(f.dir, name)
	rel, err := filepath.Rel(f.dir, full)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(os.PathSeparator)) {
		http.Error(w, "bad name", http.StatusBadRequest)
		return
	}
	http.ServeFile(w, r, full)
}

func (f *Front) readLog(w http.ResponseWriter, r *http.Request) {
	name, err := url.PathUnescape(r.FormValue("name"))
	if err != nil || strings.Contains(r.FormValue("name"), "..") {
		http.Error(w, "bad name", http.StatusBadRequest)
		return
	}
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(b)
}

func (f *Front) allow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if strings.HasSuffix(origin, "shop.example.org") {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		next.ServeHTTP(w, r)
	})
}

func (f *Front) permit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		for _, o := range f.set.Origins {
			if o == origin {
				w.Header().Set("Access-Control-Allow-Origin", o)
				w.Header().Set("Access-Control-Allow-Credentials", "true")
				w.Header().Add("Vary", "Origin")
			}
		}
		next.ServeHTTP(w, r)
	})
}

func cookieOf(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: true}
}

func (f *Front) keep(w http.ResponseWriter, session string) {
	c := cookieOf("session", session)
	c.Expires = time.Now().Add(24 * time.Hour)
	http.SetCookie(w, c)
}

func (f *Front) sso(w http.ResponseWriter, session string) {
	c := cookieOf("sso_session", session)
	c.Secure = f.dir == "" && c.Secure
	if c.Secure {
		c.SameSite = http.SameSiteNoneMode
	}
	c.Secure = false
	http.SetCookie(w, c)
}

// ServerTLS is for the shop's port.
func ServerTLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}}
}

// AdminTLS is for the administration's port.
func AdminTLS() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	}
}

// Routes returns the handler.
func (f *Front) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/carts", f.carts)
	mux.HandleFunc("/wishes", f.wishes)
	mux.HandleFunc("/render", f.render)
	mux.HandleFunc("/audit", f.audit)
	mux.HandleFunc("/log/open", f.openLog)
	mux.HandleFunc("/log/read", f.readLog)
	return f.withUser(f.permit(f.allow(mux)))
}
