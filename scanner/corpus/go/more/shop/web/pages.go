package web

import (
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	texttmpl "text/template"
)

var (
	profilePage = template.Must(template.New("profile").Parse(
		`<h1>{{.Name}}</h1><div class="bio">{{.Bio}}</div>`))
	receiptPage = texttmpl.Must(texttmpl.New("receipt").Parse(
		`<h1>Receipt for {{.Name}}</h1><p>{{.Note}}</p>`))
	ticketText = texttmpl.Must(texttmpl.New("ticket").Parse(
		"Ticket for {{.Name}}\n\n{{.Note}}\n"))
)

type profile struct {
	Name string
	Bio  template.HTML
}

type order struct {
	Name string
	Note string
}

func urlUnescape(s string) (string, error) {
	return url.QueryUnescape(s)
}

// Hello greets.
func Hello(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "guest"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<p>Hello, %s</p>", name)
}

// Welcome greets.
func Welcome(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "guest"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<p>Welcome, %s</p>", html.EscapeString(name))
}

// Profile shows somebody's page.
func Profile(w http.ResponseWriter, r *http.Request) {
	p := profile{
		Name: r.FormValue("name"),
		Bio:  template.HTML(r.FormValue("bio")),
	}
	if err := profilePage.Execute(w, p); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}

// Card shows somebody's card.
func Card(w http.ResponseWriter, r *http.Request) {
	p := profile{
		Name: r.FormValue("name"),
		Bio:  template.HTML("<em>" + template.HTMLEscapeString(r.FormValue("bio")) + "</em>"),
	}
	if err := profilePage.Execute(w, p); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}

// Receipt shows what was bought.
func Receipt(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	o := order{Name: r.FormValue("name"), Note: r.FormValue("note")}
	_ = receiptPage.Execute(w, o)
}

// Ticket sends a ticket to print.
func Ticket(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	o := order{Name: r.FormValue("name"), Note: r.FormValue("note")}
	_ = ticketText.Execute(w, o)
}

// Search echoes what was looked for.
func Search(w http.ResponseWriter, r *http.Request) {
	q := strings.ReplaceAll(r.FormValue("q"), "<script>", "")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<h2>Results for "+q+"</h2>")
}

// After sends people back to where they came from.
func After(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	if !strings.HasPrefix(next, "/") {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// Back sends people back to where they came from.
func Back(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || strings.ContainsAny(next, "\\\t\r\n") {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	local := url.URL{Path: path.Clean("/" + u.Path), RawQuery: u.RawQuery}
	http.Redirect(w, r, local.String(), http.StatusSeeOther)
}

// Partner leads to a partner's site.
func Partner(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	u, err := url.Parse(to)
	if err != nil || !strings.HasSuffix(u.Host, "partner.example") {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, u.String(), http.StatusFound)
}

// Sponsor leads to a sponsor's site.
func Sponsor(w http.ResponseWriter, r *http.Request) {
	sites := map[string]string{"blue": "https://blue.example/", "green": "https://green.example/"}
	to, ok := sites[r.URL.Query().Get("to")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}
