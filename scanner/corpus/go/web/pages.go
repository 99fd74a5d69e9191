package web

import (
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

var page = template.Must(template.New("page").Parse(`<html><body><h1>{{.Title}}</h1><div>{{.Body}}</div></body></html>`))

type pageData struct {
	Title string
	Body  interface{}
}

func writeHTML(w io.Writer, fragments ...string) {
	_, _ = io.WriteString(w, "<main>"+strings.Join(fragments, "\n")+"</main>")
}

// Hello greets the visitor.
func Hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	name := r.URL.Query().Get("name")
	fmt.Fprintf(w, "<html><body><p>Hello %s</p></body></html>", name)
}

// Welcome greets the visitor in the new layout.
func Welcome(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	name := r.URL.Query().Get("name")
	_ = page.Execute(w, pageData{Title: "Welcome", Body: name})
}

// Comment shows a comment before it is stored.
func Comment(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	text := r.FormValue("text")
	_ = page.Execute(w, pageData{Title: "Preview", Body: template.HTML("<p>" + text + "</p>")})
}

// Notice shows the maintenance notice.
func Notice(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	text := "<p>All systems work.</p>"
	if r.FormValue("lang") == "de" {
		text = "<p>Alles l&auml;uft.</p>"
	}
	_ = page.Execute(w, pageData{Title: "Notice", Body: template.HTML(text)})
}

// Results shows the head of the result page.
func Results(c *gin.Context) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	term := c.Query("q")
	writeHTML(c.Writer, "<h2>Results</h2>", "<p>for "+term+"</p>")
}

// Empty shows the page without results.
func Empty(c *gin.Context) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	term := html.EscapeString(c.Query("q"))
	writeHTML(c.Writer, "<h2>Nothing found</h2>", "<p>for "+term+"</p>")
}
