package boards

import (
	"html/template"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/labstack/echo/v4"
)

var notes = template.Must(template.New("notes").Parse(`<ul>{{range .}}<li>{{.}}</li>{{end}}</ul>`))

func keep(dir, name string, data []byte, mode os.FileMode) error {
	return os.WriteFile(filepath.Join(dir, name), data, mode)
}

// Show prints the notes of the request.
func Show(c echo.Context) error {
	var b strings.Builder
	b.WriteString("<ul>")
	for _, n := range c.QueryParams()["note"] {
		b.WriteString("<li>" + n + "</li>")
	}
	b.WriteString("</ul>")
	return c.HTML(http.StatusOK, b.String())
}

// List prints the notes of the request with the template.
func List(c echo.Context) error {
	var b strings.Builder
	if err := notes.Execute(&b, c.QueryParams()["note"]); err != nil {
		return err
	}
	return c.HTML(http.StatusOK, b.String())
}

// Save stores the board under the name in the header.
func Save(c echo.Context) error {
	name := c.Request().Header.Get("X-Board")
	if err := keep("/srv/boards", name, []byte("[]"), 0o640); err != nil {
		return c.NoContent(http.StatusInternalServerError)
	}
	return c.NoContent(http.StatusNoContent)
}

// Reset stores the empty board of a team.
func Reset(c echo.Context) error {
	name := c.Request().Header.Get("X-Board")
	if err := keep("/srv/boards", "last-reset.txt", []byte(name), 0o640); err != nil {
		return c.NoContent(http.StatusInternalServerError)
	}
	return c.NoContent(http.StatusNoContent)
}

// SaveToken stores the token of the board's service account.
func SaveToken(token string) error {
	return keep("/var/lib/board", "token", []byte(token), 0o666)
}

// SaveSecret stores the secret of the board's service account.
func SaveSecret(secret string) error {
	return keep("/var/lib/board", "secret", []byte(secret), 0o600)
}
