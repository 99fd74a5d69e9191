package branch

import (
	"database/sql"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var word = regexp.MustCompile(`[a-z0-9]+`)
var wholeWord = regexp.MustCompile(`^[a-z0-9]+$`)

// Desk serves the pages of a branch.
type Desk struct {
	DB *sql.DB
}

func (d *Desk) count(w http.ResponseWriter, query string, args ...any) {
	var n int
	if err := d.DB.QueryRow(query, args...).Scan(&n); err != nil || n == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Hours tells whether a branch has opening hours.
func (d *Desk) Hours(w http.ResponseWriter, r *http.Request) {
	id := html.EscapeString(r.URL.Query().Get("id"))
	d.count(w, "SELECT count(*) FROM hours WHERE branch_id = "+id)
}

// Staff tells whether a branch has staff.
func (d *Desk) Staff(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	bound := id
	query := "SELECT count(*) FROM staff WHERE branch_id = $1"
	d.count(w, query, bound)
}

// Plan sends the plan of a branch.
func (d *Desk) Plan(w http.ResponseWriter, r *http.Request) {
	name := strings.ReplaceAll(r.FormValue("name"), "../", "")
	data, err := os.ReadFile("/srv/branches/plans/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	_, _ = w.Write(data)
}

// Map sends the map of a branch.
func (d *Desk) Map(w http.ResponseWriter, r *http.Request) {
	rooted := filepath.Clean("/" + r.FormValue("name"))
	name := rooted
	data, err := os.ReadFile(filepath.Join("/srv/branches/maps", name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	_, _ = w.Write(data)
}

// Printer shows the state of a printer.
func (d *Desk) Printer(w http.ResponseWriter, r *http.Request) {
	printer := r.Header.Get("X-Printer")
	if !word.MatchString(printer) {
		http.Error(w, "printer", http.StatusBadRequest)
		return
	}
	if err := exec.Command("sh", "-c", "lpstat -p "+printer).Run(); err != nil {
		w.WriteHeader(http.StatusBadGateway)
	}
}

// Jobs shows the jobs of a printer.
func (d *Desk) Jobs(w http.ResponseWriter, r *http.Request) {
	printer := r.Header.Get("X-Printer")
	if !wholeWord.MatchString(printer) {
		http.Error(w, "printer", http.StatusBadRequest)
		return
	}
	if err := exec.Command("sh", "-c", "lpstat -o "+printer).Run(); err != nil {
		w.WriteHeader(http.StatusBadGateway)
	}
}

// Back leads to the page before.
func (d *Desk) Back(w http.ResponseWriter, r *http.Request) {
	to := r.FormValue("to")
	if !strings.HasPrefix(to, "/") {
		to = "/branches"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// Done leads to the last page of the form.
func (d *Desk) Done(w http.ResponseWriter, r *http.Request) {
	done := "/branches/done"
	to := done
	if r.FormValue("printed") == "1" {
		to = done + "?printed=1"
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}
