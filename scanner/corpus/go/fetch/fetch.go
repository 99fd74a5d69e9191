package fetch

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"
)

var partners = map[string]bool{
	"feeds.partner-one.example": true,
	"news.partner-two.example":  true,
}

var client = &http.Client{
	Timeout: 5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

func relay(w http.ResponseWriter, address string) {
	resp, err := client.Get(address)
	if err != nil {
		http.Error(w, "upstream", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, io.LimitReader(resp.Body, 1<<20))
}

// Preview fetches the page that the client wants to link to.
func Preview(w http.ResponseWriter, r *http.Request) {
	resp, err := http.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, "upstream", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, io.LimitReader(resp.Body, 1<<20))
}

// Partner fetches a partner's feed.
func Partner(w http.ResponseWriter, r *http.Request) {
	u, err := url.Parse(r.URL.Query().Get("url"))
	if err != nil || u.Scheme != "https" || !partners[u.Host] {
		http.Error(w, "address", http.StatusBadRequest)
		return
	}
	relay(w, u.String())
}

// TestHook calls the address of a webhook once.
func TestHook(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Callback string `json:"callback"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, "json", http.StatusBadRequest)
		return
	}
	relay(w, body.Callback)
}

// Rate asks the rate service for one currency.
func Rate(w http.ResponseWriter, r *http.Request) {
	q := url.Values{}
	q.Set("currency", r.URL.Query().Get("currency"))
	relay(w, "https://rates.northwind.example/latest?"+q.Encode())
}

// Node asks one node for its state.
func Node(w http.ResponseWriter, r *http.Request) {
	node := chi.URLParam(r, "node")
	host := node
	base := "http://" + host + ":9100"
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, base+"/state", nil)
	if err != nil {
		http.Error(w, "node", http.StatusBadRequest)
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		http.Error(w, "node", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
}

func regionHost(name string) (string, error) {
	switch name {
	case "eu":
		return "eu.feeds.northwind.example", nil
	case "us":
		return "us.feeds.northwind.example", nil
	}
	return "", errors.New("unknown region")
}

// Region fetches the feed of one region.
func Region(w http.ResponseWriter, r *http.Request) {
	host, err := regionHost(chi.URLParam(r, "region"))
	if err != nil {
		http.Error(w, "region", http.StatusNotFound)
		return
	}
	relay(w, "https://"+host+"/feed.xml")
}
