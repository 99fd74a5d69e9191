package api

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	text "text/template"
)

// Pages renders the few pages that the shop has itself.
type Pages struct {
	Shop  string
	Owner Owner
}

// Owner is who runs the shop.
type Owner struct {
	Name   string
	Ledger string
}

var cardPage = template.Must(template.New("card").Parse(`<div class="card">{{.}}</div>`))

var letterPage = text.Must(text.New("letter").Parse(`<p>Dear {{.Name}},</p><p>thank you.</p>`))

var layouts = map[string]*template.Template{
	"wide":   template.Must(template.New("wide").Parse(`<main class="wide">{{.Shop}}</main>`)),
	"narrow": template.Must(template.New("narrow").Parse(`<main>{{.Shop}}</main>`)),
}

// Hello greets.
func (p *Pages) Hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<h1>Welcome to %s, %s</h1>", p.Shop, r.URL.Query().Get("name"))
}

// Bye says goodbye.
func (p *Pages) Bye(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<h1>See you, %s</h1>", html.EscapeString(r.URL.Query().Get("name")))
}

// Banner shows a line on top of the card.
func (p *Pages) Banner(w http.ResponseWriter, r *http.Request) {
	line := r.FormValue("line")
	if err := cardPage.Execute(w, template.HTML("<b>"+line+"</b>")); err != nil {
		http.Error(w, "banner", http.StatusInternalServerError)
	}
}

// Card shows a card.
func (p *Pages) Card(w http.ResponseWriter, r *http.Request) {
	line := r.FormValue("line")
	if err := cardPage.Execute(w, "<b>"+line+"</b>"); err != nil {
		http.Error(w, "card", http.StatusInternalServerError)
	}
}

// Preview shows what a mail to the customers looks like.
func (p *Pages) Preview(w http.ResponseWriter, r *http.Request) {
	t, err := text.New("mail").Parse("To all customers\n\n" + r.PostFormValue("layout"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_ = t.Execute(w, p)
}

// Render shows the front page in one of the layouts.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request) {
	t, ok := layouts[r.PostFormValue("layout")]
	if !ok {
		t = layouts["narrow"]
	}
	_ = t.Execute(w, p)
}

// Letter shows the letter of thanks.
func (p *Pages) Letter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	data := struct{ Name string }{r.FormValue("name")}
	_ = letterPage.Execute(w, data)
}

// Feed hands back the query for the page's script.
func (p *Pages) Feed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"asked": r.FormValue("name")})
}

// Ping tells that the service lives.
func (p *Pages) Ping(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok")
}
