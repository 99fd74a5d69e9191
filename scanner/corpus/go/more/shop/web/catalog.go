package web

import (
	"encoding/json"
	"log"
	"net/http"
	"strconv"
	"strings"

	"example.org/shop/store"
)

// Catalog serves the product pages.
type Catalog struct {
	products *store.Products
	log      *log.Logger
}

// NewCatalog builds the handlers.
func NewCatalog(p *store.Products, l *log.Logger) *Catalog {
	return &Catalog{products: p, log: l}
}

// Routes registers the handlers.
func (c *Catalog) Routes(mux *http.ServeMux) {
	mux.HandleFunc("/products", c.list)
	mux.HandleFunc("/products/page", c.page)
	mux.HandleFunc("/products/total", c.total)
	mux.HandleFunc("/products/some", c.some)
	mux.HandleFunc("/products/tagged", c.tagged)
	mux.HandleFunc("/products/seen", c.seen)
	mux.HandleFunc("/products/visit", c.visit)
	mux.HandleFunc("/products/shelf", c.shelf)
}

func writeJSON(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func filterOf(r *http.Request) store.Filter {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	return store.Filter{
		Name:  q.Get("name"),
		Shelf: q.Get("shelf"),
		Order: q.Get("order"),
		Limit: limit,
	}
}

func (c *Catalog) list(w http.ResponseWriter, r *http.Request) {
	out, err := c.products.List(r.Context(), filterOf(r))
	writeJSON(w, out, err)
}

func (c *Catalog) page(w http.ResponseWriter, r *http.Request) {
	out, err := c.products.Page(r.Context(), filterOf(r))
	writeJSON(w, out, err)
}

func (c *Catalog) total(w http.ResponseWriter, r *http.Request) {
	sum, err := c.products.Total(r.Context(), filterOf(r))
	writeJSON(w, map[string]float64{"sum": sum}, err)
}

func (c *Catalog) shelf(w http.ResponseWriter, r *http.Request) {
	f := filterOf(r)
	n, err := strconv.ParseUint(f.Shelf, 10, 16)
	if err != nil {
		http.Error(w, "bad shelf", http.StatusBadRequest)
		return
	}
	sum, err := c.products.Total(r.Context(), store.Filter{Shelf: strconv.FormatUint(n, 10)})
	writeJSON(w, map[string]float64{"sum": sum}, err)
}

func (c *Catalog) some(w http.ResponseWriter, r *http.Request) {
	out, err := c.products.ByIDs(r.Context(), strings.Split(r.FormValue("ids"), ","))
	writeJSON(w, out, err)
}

func (c *Catalog) tagged(w http.ResponseWriter, r *http.Request) {
	out, err := c.products.ByTags(r.Context(), r.URL.Query()["tag"])
	writeJSON(w, out, err)
}

func (c *Catalog) seen(w http.ResponseWriter, r *http.Request) {
	agent := r.Header.Get("User-Agent")
	name, err := urlUnescape(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "bad query", http.StatusBadRequest)
		return
	}
	c.log.Printf("seen %s by %d bytes of agent", name, len(agent))
	w.WriteHeader(http.StatusNoContent)
}

func (c *Catalog) visit(w http.ResponseWriter, r *http.Request) {
	agent := r.Header.Get("User-Agent")
	name, err := urlUnescape(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "bad query", http.StatusBadRequest)
		return
	}
	c.log.Printf("visit %q by %d bytes of agent", name, len(agent))
	w.WriteHeader(http.StatusNoContent)
}
