package files

import (
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

const root = "/srv/documents"

func sendFile(w http.ResponseWriter, path string) {
	f, err := os.Open(path)
	if err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, f)
}

// Download sends one document.
func Download(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(data)
}

// DownloadIn sends one document of a folder.
func DownloadIn(w http.ResponseWriter, r *http.Request) {
	p := filepath.Join(root, r.URL.Query().Get("name"))
	if !strings.HasPrefix(p, root+string(os.PathSeparator)) {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	sendFile(w, p)
}

// Avatar sends the picture that the cookie names.
func Avatar(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie("avatar")
	if err != nil {
		http.Error(w, "no avatar", http.StatusNotFound)
		return
	}
	sendFile(w, "/srv/avatars/"+c.Value)
}

// Preview sends the small version of a picture.
func Preview(w http.ResponseWriter, r *http.Request) {
	base := filepath.Base(chi.URLParam(r, "picture"))
	if base == "." || base == ".." || base == string(os.PathSeparator) {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	sendFile(w, filepath.Join("/srv/previews", base))
}

// Page sends one scanned page.
func Page(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(chi.URLParam(r, "page"))
	if err != nil {
		http.Error(w, "page", http.StatusBadRequest)
		return
	}
	sendFile(w, filepath.Join(root, "scans", strconv.Itoa(n)+".tif"))
}

func extension(h *multipart.FileHeader) string {
	return strings.ToLower(filepath.Ext(h.Filename))
}
