package files

import (
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gin-gonic/gin"
)

// Server hands files out and takes them in.
type Server struct {
	Root   string
	Upload string
}

// Register adds the routes.
func (s *Server) Register(r *gin.Engine) {
	g := r.Group("/files")
	g.GET("/raw", s.raw)
	g.GET("/doc", s.doc)
	g.GET("/image", s.image)
	g.GET("/print", s.print)
	g.POST("/upload", s.upload)
	g.POST("/attach", s.attach)
	g.DELETE("/old", s.drop)
	g.POST("/import", s.importAll)
	g.POST("/import/one", s.importOne)
}

func (s *Server) raw(c *gin.Context) {
	name := c.Query("name")
	b, err := os.ReadFile(filepath.Join(s.Root, filepath.Clean(name)))
	if err != nil {
		c.AbortWithStatus(http.StatusNotFound)
		return
	}
	c.Data(http.StatusOK, "application/octet-stream", b)
}

func (s *Server) doc(c *gin.Context) {
	name := c.Query("name")
	b, err := os.ReadFile(filepath.Join(s.Root, filepath.Clean("/"+name)))
	if err != nil {
		c.AbortWithStatus(http.StatusNotFound)
		return
	}
	c.Data(http.StatusOK, "application/octet-stream", b)
}

func (s *Server) image(c *gin.Context) {
	name := "/" + c.Query("name")
	if strings.HasPrefix(name, "..") {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	c.File(s.Root + "/images" + name)
}

func (s *Server) print(c *gin.Context) {
	c.File(s.Root + "/prints" + path.Clean("/"+c.Query("name")))
}

func (s *Server) upload(c *gin.Context) {
	fh, err := c.FormFile("file")
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	folder := c.PostForm("folder")
	if err := c.SaveUploadedFile(fh, filepath.Join(s.Upload, folder, fh.Filename)); err != nil {
		c.AbortWithStatus(http.StatusInternalServerError)
		return
	}
	c.Status(http.StatusCreated)
}

func (s *Server) attach(c *gin.Context) {
	fh, err := c.FormFile("file")
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	name := filepath.Base(fh.Filename)
	if name == "." || name == ".." || name == "/" {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	if err := c.SaveUploadedFile(fh, filepath.Join(s.Upload, name)); err != nil {
		c.AbortWithStatus(http.StatusInternalServerError)
		return
	}
	c.Status(http.StatusCreated)
}

func (s *Server) drop(c *gin.Context) {
	var in struct {
		Name string `json:"name"`
	}
	if err := c.ShouldBindJSON(&in); err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	if err := os.Remove(s.Upload + "/" + in.Name); err != nil {
		c.AbortWithStatus(http.StatusNotFound)
		return
	}
	c.Status(http.StatusNoContent)
}

func (s *Server) importAll(c *gin.Context) {
	b, err := io.ReadAll(c.Request.Body)
	if err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	c.JSON(http.StatusOK, gin.H{"lines": strings.Count(string(b), "\n")})
}

func (s *Server) importOne(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 1<<20)
	b, err := io.ReadAll(c.Request.Body)
	if err != nil {
		c.AbortWithStatus(http.StatusRequestEntityTooLarge)
		return
	}
	c.JSON(http.StatusOK, gin.H{"lines": strings.Count(string(b), "\n")})
}
