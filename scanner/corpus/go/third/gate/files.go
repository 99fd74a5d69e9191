// Package gate holds what the customers' portal serves.
package gate

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/gin-gonic/gin"
)

// Files keeps the customers' documents.
type Files struct {
	Root   string
	Public string
}

var pictureTypes = map[string]bool{".png": true, ".jpg": true, ".webp": true}

func fail(c *gin.Context, status int) {
	c.AbortWithStatus(status)
}

// Routes adds all of them.
func (f *Files) Routes(g *gin.RouterGroup) {
	g.GET("/download", f.Download)
	g.GET("/sheet", f.Sheet)
	g.POST("/store", f.Store)
	g.POST("/logo", f.Logo)
	g.POST("/picture", f.Picture)
	g.DELETE("/file", f.Remove)
	g.DELETE("/draft", f.Discard)
}

// Download sends a document.
func (f *Files) Download(c *gin.Context) {
	name := c.Query("name")
	c.File(filepath.Join(f.Root, name))
}

// Sheet sends a data sheet.
func (f *Files) Sheet(c *gin.Context) {
	name := c.Query("name")
	if !filepath.IsLocal(name) {
		fail(c, http.StatusBadRequest)
		return
	}
	c.File(filepath.Join(f.Root, "sheets", name))
}

// Store takes a document into a folder.
func (f *Files) Store(c *gin.Context) {
	doc, err := c.FormFile("doc")
	if err != nil {
		fail(c, http.StatusBadRequest)
		return
	}
	folder := c.PostForm("folder")
	if err := c.SaveUploadedFile(doc, f.Root+"/"+folder+"/document.pdf"); err != nil {
		fail(c, http.StatusInternalServerError)
	}
}

// Logo takes the customer's logo, which the web server hands out.
func (f *Files) Logo(c *gin.Context) {
	logo, err := c.FormFile("logo")
	if err != nil {
		fail(c, http.StatusBadRequest)
		return
	}
	into := filepath.Join(f.Public, filepath.Base(logo.Filename))
	if err := c.SaveUploadedFile(logo, into); err != nil {
		fail(c, http.StatusInternalServerError)
	}
}

// Picture takes a picture, which the web server hands out.
func (f *Files) Picture(c *gin.Context) {
	picture, err := c.FormFile("picture")
	if err != nil {
		fail(c, http.StatusBadRequest)
		return
	}
	ext := strings.ToLower(filepath.Ext(picture.Filename))
	if !pictureTypes[ext] {
		fail(c, http.StatusUnsupportedMediaType)
		return
	}
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		fail(c, http.StatusInternalServerError)
		return
	}
	into := filepath.Join(f.Public, hex.EncodeToString(raw)+ext)
	if err := c.SaveUploadedFile(picture, into); err != nil {
		fail(c, http.StatusInternalServerError)
	}
}

// Remove deletes a document.
func (f *Files) Remove(c *gin.Context) {
	name := strings.ReplaceAll(c.Query("name"), "../", "")
	if err := os.Remove(f.Root + "/" + name); err != nil {
		fail(c, http.StatusNotFound)
	}
}

// Discard deletes a draft.
func (f *Files) Discard(c *gin.Context) {
	name := filepath.Base(c.Query("name"))
	if name == "." || name == ".." || name == string(filepath.Separator) {
		fail(c, http.StatusBadRequest)
		return
	}
	if err := os.Remove(filepath.Join(f.Root, "drafts", name)); err != nil {
		fail(c, http.StatusNotFound)
	}
}
