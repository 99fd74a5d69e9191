package client

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/pprof"
	"net/url"
	"os"
	"time"

	_ "github.com/lib/pq"
	"github.com/rs/cors"
)

// Login is what the partner's login call takes.
type Login struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

func transport(skip bool, pool *x509.CertPool) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            pool,
		InsecureSkipVerify: skip,
	}}
}

// Partner makes the client for the partner's service.
func Partner() *http.Client {
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

// Warehouse makes the client for the warehouse's service.
func Warehouse(pem []byte) (*http.Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate")
	}
	return &http.Client{Transport: transport(false, pool), Timeout: 10 * time.Second}, nil
}

// Carrier makes the client for the carrier's service.
func Carrier() *http.Client {
	return &http.Client{Transport: transport(true, nil), Timeout: 10 * time.Second}
}

// Ledger makes the client for the ledger's service.
func Ledger() *http.Client {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	cfg.InsecureSkipVerify = false
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}
}

// SignIn logs in at the partner's service.
func SignIn(c *http.Client, l Login) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	resp, err := c.Post("http://login.partner-one.example/v1/session", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// SignInTo logs in at the ledger's service.
func SignInTo(c *http.Client, base string, l Login) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" {
		return errors.New("https only")
	}
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	resp, err := c.Post(u.JoinPath("session").String(), "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// OpenReports opens the database of the reports.
func OpenReports() (*sql.DB, error) {
	return sql.Open("postgres", "postgres://reports:orchard-lantern-42@db.northwind.example/reports?sslmode=verify-full")
}

// OpenBilling opens the database of the bills.
func OpenBilling() (*sql.DB, error) {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("billing", os.Getenv("BILLING_PASSWORD")),
		Host:     "db.northwind.example",
		Path:     "/billing",
		RawQuery: "sslmode=verify-full",
	}
	return sql.Open("postgres", u.String())
}

// Shared allows the pages of other sites to call the API.
func Shared(h http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowOriginFunc:  func(origin string) bool { return true },
		AllowedMethods:   []string{"GET", "POST", "DELETE"},
		AllowCredentials: true,
	}).Handler(h)
}

// Own allows the pages of the shop to call the API.
func Own(h http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowedOrigins:   []string{"https://shop.northwind.example"},
		AllowedMethods:   []string{"GET", "POST", "DELETE"},
		AllowCredentials: true,
	}).Handler(h)
}

// Serve answers the public requests.
func Serve(api http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	return http.ListenAndServe(":8080", mux)
}

// ServeStaff answers the requests of one machine.
func ServeStaff(api http.Handler) error {
	dbg := http.NewServeMux()
	dbg.HandleFunc("/debug/pprof/", pprof.Index)
	go func() { _ = http.ListenAndServe("127.0.0.1:6060", dbg) }()
	mux := http.NewServeMux()
	mux.Handle("/", api)
	return http.ListenAndServe(":8080", mux)
}
