package gate

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os/exec"
	"regexp"

	"github.com/go-chi/chi/v5"
)

// Hooks are called by the forge when somebody pushes.
type Hooks struct {
	Checkout string
}

type push struct {
	Ref  string `json:"ref"`
	User string `json:"user"`
}

var tagName = regexp.MustCompile(`^v[0-9]+(\.[0-9]+){0,2}$`)

// Router has all hooks.
func (h *Hooks) Router() http.Handler {
	r := chi.NewRouter()
	r.Post("/build", h.Build)
	r.Post("/tag/{tag}", h.Tag)
	r.Post("/push", h.Push)
	r.Post("/merge", h.Merge)
	r.Post("/visit", h.Visit)
	r.Post("/leave", h.Leave)
	r.Post("/moved", h.Moved)
	r.Post("/named", h.Named)
	return r
}

// Build checks a branch out and builds it.
func (h *Hooks) Build(w http.ResponseWriter, r *http.Request) {
	var p push
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&p); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	line := fmt.Sprintf("cd %s && git checkout %s && make", h.Checkout, p.Ref)
	if err := exec.CommandContext(r.Context(), "/bin/sh", "-c", line).Run(); err != nil {
		http.Error(w, "build", http.StatusInternalServerError)
	}
}

// Tag checks a release out and builds it.
func (h *Hooks) Tag(w http.ResponseWriter, r *http.Request) {
	tag := chi.URLParam(r, "tag")
	if !tagName.MatchString(tag) {
		http.Error(w, "tag", http.StatusBadRequest)
		return
	}
	line := fmt.Sprintf("cd %s && git checkout %s && make", h.Checkout, tag)
	if err := exec.CommandContext(r.Context(), "/bin/sh", "-c", line).Run(); err != nil {
		http.Error(w, "build", http.StatusInternalServerError)
	}
}

// Push keeps what was pushed.
func (h *Hooks) Push(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%d bytes\n", len(raw))
}

// Merge keeps what was merged.
func (h *Hooks) Merge(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "body", http.StatusRequestEntityTooLarge)
		return
	}
	fmt.Fprintf(w, "%d bytes\n", len(raw))
}

// Visit notes who came.
func (h *Hooks) Visit(w http.ResponseWriter, r *http.Request) {
	log.Printf("visit of %s", r.PostFormValue("user"))
	w.WriteHeader(http.StatusNoContent)
}

// Leave notes who went.
func (h *Hooks) Leave(w http.ResponseWriter, r *http.Request) {
	log.Printf("leave of %q", r.PostFormValue("user"))
	w.WriteHeader(http.StatusNoContent)
}

// Moved tells old clients of the forge, which know HTTP/1.0 only, where the hook is.
func (h *Hooks) Moved(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user")
	hj, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "moved", http.StatusGone)
		return
	}
	conn, _, err := hj.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.0 410 Gone\r\nX-Hook-User: %s\r\nContent-Length: 0\r\n\r\n", user)
}

// Named tells the name back.
func (h *Hooks) Named(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user")
	w.Header().Set("X-Hook-User", user)
	w.WriteHeader(http.StatusGone)
}
