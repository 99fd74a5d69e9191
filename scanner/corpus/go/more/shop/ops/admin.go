package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

var branchRE = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}$`)
var hostRE = regexp.MustCompile(`[A-Za-z0-9.-]+`)

// Runner starts programs.
type Runner struct {
	Dir     string
	Timeout time.Duration
	Log     *slog.Logger
}

func (r *Runner) shell(ctx context.Context, script string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	cmd.Dir = r.Dir
	return cmd.CombinedOutput()
}

func (r *Runner) run(ctx context.Context, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = r.Dir
	return cmd.CombinedOutput()
}

// Register adds the routes.
func (r *Runner) Register(g *echo.Group) {
	g.POST("/checkout", r.checkout)
	g.POST("/fetch", r.fetch)
	g.GET("/ping/:host", r.ping)
	g.GET("/dig/:host", r.dig)
	g.GET("/top", r.top)
	g.POST("/task", r.task)
	g.POST("/hook", r.hook)
	g.GET("/goto", r.forward)
	g.GET("/jump", r.jump)
}

func (r *Runner) checkout(c echo.Context) error {
	out, err := r.shell(c.Request().Context(), "git checkout --quiet "+c.FormValue("branch"))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadGateway, "git failed")
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, out)
}

func (r *Runner) fetch(c echo.Context) error {
	branch := c.FormValue("branch")
	if !branchRE.MatchString(branch) {
		return echo.NewHTTPError(http.StatusBadRequest, "bad branch")
	}
	out, err := r.shell(c.Request().Context(), "git fetch --quiet origin "+branch)
	if err != nil {
		return echo.NewHTTPError(http.StatusBadGateway, "git failed")
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, out)
}

func (r *Runner) ping(c echo.Context) error {
	host := c.Param("host")
	if !hostRE.MatchString(host) {
		return echo.NewHTTPError(http.StatusBadRequest, "bad host")
	}
	out, err := r.shell(c.Request().Context(), fmt.Sprintf("ping -c 1 %s", host))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadGateway, "no answer")
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, out)
}

func (r *Runner) dig(c echo.Context) error {
	out, err := r.run(c.Request().Context(), "dig", "+short", "-q", c.Param("host"))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadGateway, "no answer")
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, out)
}

func (r *Runner) top(c echo.Context) error {
	n, err := strconv.Atoi(c.QueryParam("n"))
	if err != nil || n < 1 {
		n = 10
	}
	out, err := r.shell(c.Request().Context(), "ps aux | head -n "+strconv.Itoa(n))
	if err != nil {
		return echo.NewHTTPError(http.StatusInternalServerError, "ps failed")
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, out)
}

func (r *Runner) task(c echo.Context) error {
	var in struct {
		Name string   `json:"name"`
		Args []string `json:"args"`
	}
	if err := c.Bind(&in); err != nil {
		return err
	}
	out, err := r.run(c.Request().Context(), in.Name, in.Args...)
	if err != nil {
		r.Log.Error("task failed", "err", err)
		return echo.NewHTTPError(http.StatusBadGateway, "task failed")
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, out)
}

func (r *Runner) hook(c echo.Context) error {
	var in struct {
		Name string `json:"name"`
	}
	if err := c.Bind(&in); err != nil {
		return err
	}
	known := map[string][]string{"index": {"bin/index", "--all"}, "sweep": {"bin/sweep"}}
	argv, ok := known[in.Name]
	if !ok {
		return errors.New("ops: no such hook")
	}
	out, err := r.run(c.Request().Context(), argv[0], argv[1:]...)
	if err != nil {
		return echo.NewHTTPError(http.StatusBadGateway, "hook failed")
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, out)
}

func (r *Runner) forward(c echo.Context) error {
	to := c.QueryParam("to")
	if to == "" {
		to = "/"
	}
	return c.Redirect(http.StatusFound, to)
}

func (r *Runner) jump(c echo.Context) error {
	to := c.QueryParam("to")
	if to != "" {
		r.Log.Info("jump", "to", to)
	}
	to = "/"
	return c.Redirect(http.StatusFound, to)
}

// SaveState writes what the service knows.
func (r *Runner) SaveState(b []byte) error {
	if err := os.MkdirAll(filepath.Join(r.Dir, "state"), 0o777); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.Dir, "state", "db"), b, 0o666)
}

// SaveKeys writes the keys.
func (r *Runner) SaveKeys(b []byte) error {
	dir := filepath.Join(r.Dir, "keys")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "db"), b, 0o600)
}

// OpenSocket lets others talk to the service.
func (r *Runner) OpenSocket() error {
	name := filepath.Join(r.Dir, "ctl.sock")
	if err := os.Chmod(name, os.ModePerm); err != nil {
		return fmt.Errorf("ops: %w", err)
	}
	return nil
}

// Scratch writes a report to sort.
func (r *Runner) Scratch(b []byte) (string, error) {
	name := filepath.Join(os.TempDir(), "report-"+strconv.Itoa(os.Getpid())+".txt")
	return name, os.WriteFile(name, b, 0o600)
}

// Draft writes a report to print.
func (r *Runner) Draft(b []byte) (string, error) {
	f, err := os.CreateTemp("", "report-*.txt")
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.Write(b)
	return f.Name(), err
}
