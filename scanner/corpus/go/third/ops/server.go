// Package ops runs the portal and what watches it.
package ops

import (
	"crypto/tls"
	"log"
	"net/http"
	"net/http/pprof"
	"time"
)

// Login checks a user's password.
type Login func(user, password string) bool

// Public is what the world sees.
func Public(portal http.Handler) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/", portal)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	return &http.Server{Addr: ":8443", Handler: mux, ReadHeaderTimeout: 5 * time.Second}
}

// Local is what the host itself sees.
func Local(health http.Handler) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/health", health)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	return &http.Server{Addr: "127.0.0.1:6060", Handler: mux, ReadHeaderTimeout: 5 * time.Second}
}

// ServeUploads waits for uploads.
func ServeUploads(h http.Handler) error {
	srv := &http.Server{Addr: ":8081", Handler: h}
	return srv.ListenAndServe()
}

// ServeOrders waits for orders.
func ServeOrders(h http.Handler) error {
	srv := &http.Server{
		Addr:              ":8082",
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    1 << 16,
	}
	return srv.ListenAndServe()
}

// Terminals is the configuration for the terminals.
func Terminals(cert tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
	}
}

// Scanners is the configuration for the scanners.
func Scanners(cert tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// Enter is the login of the portal.
func Enter(check Login) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password := r.PostFormValue("user"), r.PostFormValue("password")
		if !check(user, password) {
			log.Printf("login of %q with %q failed", user, password)
			http.Error(w, "login", http.StatusUnauthorized)
		}
	}
}

// EnterDesk is the login of the desk.
func EnterDesk(check Login) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password := r.PostFormValue("user"), r.PostFormValue("password")
		if !check(user, password) {
			log.Printf("login of %q with a password of %d bytes failed", user, len(password))
			http.Error(w, "login", http.StatusUnauthorized)
		}
	}
}
