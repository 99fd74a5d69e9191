package convert

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"
)

var geometry = regexp.MustCompile(`^[0-9]{1,4}x[0-9]{1,4}$`)

const traceShell = false

func shell(ctx context.Context, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	return out.String(), err
}

// Identify prints what is known about an uploaded image.
func Identify(c echo.Context) error {
	name := c.QueryParam("file")
	out, err := shell(c.Request().Context(), fmt.Sprintf("identify -verbose /srv/uploads/%s | head -40", name))
	if err != nil {
		return c.NoContent(http.StatusUnprocessableEntity)
	}
	return c.String(http.StatusOK, out)
}

// DiskUsage reports the size of the upload folder.
func DiskUsage(c echo.Context) error {
	format := c.QueryParam("format")
	out, err := shell(c.Request().Context(), "du -sh /srv/uploads | cut -f1")
	if err != nil {
		return c.NoContent(http.StatusInternalServerError)
	}
	if format == "json" {
		return c.JSON(http.StatusOK, map[string]string{"size": out})
	}
	return c.String(http.StatusOK, out)
}

// Resize scales an image.
func Resize(c echo.Context) error {
	size := c.FormValue("size")
	if !geometry.MatchString(size) {
		return c.NoContent(http.StatusBadRequest)
	}
	cmd := exec.CommandContext(c.Request().Context(), "convert", "/srv/uploads/current.png", "-resize", size, "/srv/out/current.png")
	if err := cmd.Run(); err != nil {
		return c.NoContent(http.StatusUnprocessableEntity)
	}
	return c.NoContent(http.StatusNoContent)
}

// Annotate writes a caption into an image.
func Annotate(c echo.Context) error {
	caption := c.FormValue("caption")
	cmd := exec.Command("bash", "-c", "convert /srv/uploads/current.png -annotate +10+10 '"+caption+"' /srv/out/current.png")
	if err := cmd.Run(); err != nil {
		return c.NoContent(http.StatusUnprocessableEntity)
	}
	return c.NoContent(http.StatusNoContent)
}

// Rotate turns an image.
func Rotate(c echo.Context) error {
	degrees := c.Request().Header.Get("X-Degrees")
	cmd := exec.Command("mogrify", "-rotate", "90", "/srv/out/current.png")
	if traceShell {
		cmd = exec.Command("sh", "-c", "set -x; mogrify -rotate "+degrees+" /srv/out/current.png")
	}
	if err := cmd.Run(); err != nil {
		return c.NoContent(http.StatusUnprocessableEntity)
	}
	return c.NoContent(http.StatusNoContent)
}
