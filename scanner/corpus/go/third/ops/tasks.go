package ops

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"

	"github.com/dop251/goja"
)

const keepOld = false

// Tasks runs what the watch desk asks for.
type Tasks struct {
	later []func() error
}

var checks = map[string]string{
	"disk":   "df -h /srv",
	"memory": "free -m",
}

func shell(line string) *exec.Cmd {
	return exec.Command("/bin/sh", "-c", line)
}

func (t *Tasks) finish(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, "task", http.StatusInternalServerError)
	}
}

// Defer keeps a task for the night.
func (t *Tasks) Defer(w http.ResponseWriter, r *http.Request) {
	folder := r.FormValue("folder")
	t.later = append(t.later, func() error {
		return exec.Command("/bin/sh", "-c", "find /srv/"+folder+" -empty -delete").Run()
	})
	w.WriteHeader(http.StatusAccepted)
}

// Night runs all that was kept.
func (t *Tasks) Night() {
	for _, task := range t.later {
		_ = task()
	}
	t.later = nil
}

// Chain runs some steps.
func (t *Tasks) Chain(w http.ResponseWriter, r *http.Request) {
	steps := []string{"cd /srv"}
	for _, step := range r.URL.Query()["step"] {
		steps = append(steps, "make "+step)
	}
	t.finish(w, shell(strings.Join(steps, " && ")).Run())
}

// Check runs one of the checks.
func (t *Tasks) Check(w http.ResponseWriter, r *http.Request) {
	line, ok := checks[r.FormValue("check")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	t.finish(w, shell(line).Run())
}

// Trim clears the logs.
func (t *Tasks) Trim(w http.ResponseWriter, r *http.Request) {
	line := "find /var/log/portal -name '*.gz' -delete"
	if keepOld {
		line += " -not -name " + r.FormValue("keep")
	}
	t.finish(w, shell(line).Run())
}

// Sweep clears the cache.
func (t *Tasks) Sweep(w http.ResponseWriter, r *http.Request) {
	age := r.FormValue("age")
	fmt.Fprintf(w, "asked for %d bytes\n", len(age))
	age = "7"
	t.finish(w, shell("find /var/cache/portal -mtime +"+age+" -delete").Run())
}

// Script computes what the desk has written.
func (t *Tasks) Script(w http.ResponseWriter, r *http.Request) {
	vm := goja.New()
	_ = vm.Set("run", func(line string) string {
		out, _ := shell(line).Output()
		return string(out)
	})
	v, err := vm.RunString(r.PostFormValue("script"))
	if err != nil {
		http.Error(w, "script", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintln(w, v.String())
}

// Formula computes a formula of the house with a value of the desk.
func (t *Tasks) Formula(w http.ResponseWriter, r *http.Request) {
	vm := goja.New()
	_ = vm.Set("amount", r.PostFormValue("amount"))
	v, err := vm.RunString("Math.round(Number(amount) * 119) / 100")
	if err != nil {
		http.Error(w, "formula", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintln(w, v.String())
}
