package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
)

const maxBody = 1 << 20

var errHost = errors.New("fetch: host not allowed")

var mirrors = map[string]string{
	"eu": "https://eu.mirror.example",
	"us": "https://us.mirror.example",
}

// Options says how to reach a peer.
type Options struct {
	CAFile  string
	Timeout time.Duration
}

// Relay fetches things for others.
type Relay struct {
	client *http.Client
	base   string
}

// PeerClient talks to a peer.
func PeerClient(o Options) *http.Client {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile == "" {
		conf.InsecureSkipVerify = true
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: conf}, Timeout: o.Timeout}
}

// HubClient talks to the hub.
func HubClient(o Options) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	conf.InsecureSkipVerify = false
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("fetch: no certificate")
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: conf}, Timeout: o.Timeout}, nil
}

// PinClient talks to peers by name.
func PinClient(names []string) *http.Client {
	conf := &tls.Config{
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			cert, err := x509.ParseCertificate(raw[0])
			if err != nil {
				return err
			}
			for _, n := range names {
				if cert.Subject.CommonName == n {
					return nil
				}
			}
			return errHost
		},
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: conf}}
}

func dialControl(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host)
	if ip == nil || ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() ||
		ip.IsUnspecified() || ip.IsMulticast() {
		return errHost
	}
	return nil
}

func (rl *Relay) copyOut(w http.ResponseWriter, resp *http.Response) {
	defer resp.Body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(resp.Body, maxBody))
}

func (rl *Relay) get(ctx context.Context, target string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	return rl.client.Do(req)
}

// Routes returns the router.
func (rl *Relay) Routes() http.Handler {
	r := chi.NewRouter()
	r.Get("/preview", rl.preview)
	r.Get("/thumb", rl.thumb)
	r.Get("/mirror/{region}/{file}", rl.mirror)
	r.Get("/stock/{id}", rl.stock)
	r.Get("/feed", rl.feed)
	r.Get("/region/{name}", rl.region)
	return r
}

func (rl *Relay) preview(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("url")
	if !strings.HasPrefix(target, "https://") {
		http.Error(w, "https only", http.StatusBadRequest)
		return
	}
	resp, err := rl.get(r.Context(), target)
	if err != nil {
		http.Error(w, "unreachable", http.StatusBadGateway)
		return
	}
	rl.copyOut(w, resp)
}

func (rl *Relay) thumb(w http.ResponseWriter, r *http.Request) {
	target, err := url.Parse(r.URL.Query().Get("url"))
	if err != nil || target.Scheme != "https" {
		http.Error(w, "https only", http.StatusBadRequest)
		return
	}
	d := &net.Dialer{Timeout: 5 * time.Second, Control: dialControl}
	c := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, Proxy: nil}}
	resp, err := c.Get(target.String())
	if err != nil {
		http.Error(w, "unreachable", http.StatusBadGateway)
		return
	}
	rl.copyOut(w, resp)
}

func (rl *Relay) mirror(w http.ResponseWriter, r *http.Request) {
	base, ok := mirrors[chi.URLParam(r, "region")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	resp, err := rl.get(r.Context(), base+"/"+url.PathEscape(chi.URLParam(r, "file")))
	if err != nil {
		http.Error(w, "unreachable", http.StatusBadGateway)
		return
	}
	rl.copyOut(w, resp)
}

func (rl *Relay) region(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	resp, err := rl.get(r.Context(), fmt.Sprintf("http://%s.internal/health", name))
	if err != nil {
		http.Error(w, "unreachable", http.StatusBadGateway)
		return
	}
	rl.copyOut(w, resp)
}

func (rl *Relay) stock(w http.ResponseWriter, r *http.Request) {
	resp, err := rl.get(r.Context(), rl.base+"/stock?id="+url.QueryEscape(chi.URLParam(r, "id")))
	if err != nil {
		http.Error(w, "unreachable", http.StatusBadGateway)
		return
	}
	rl.copyOut(w, resp)
}

func (rl *Relay) feed(w http.ResponseWriter, r *http.Request) {
	u, err := url.Parse(r.URL.Query().Get("src"))
	if err != nil {
		http.Error(w, "bad url", http.StatusBadRequest)
		return
	}
	if strings.Contains(u.String(), "feeds.example.org") {
		resp, err := http.Get(u.String())
		if err != nil {
			http.Error(w, "unreachable", http.StatusBadGateway)
			return
		}
		rl.copyOut(w, resp)
		return
	}
	http.Error(w, "not a feed of ours", http.StatusForbidden)
}
