package store

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
)

// Reports reads reports, by GORM or by the pool.
type Reports struct {
	Gorm *gorm.DB
	Pool *pgxpool.Pool
}

// Report is one of them.
type Report struct {
	ID    uint
	Title string
	Body  string
}

func answer(c *gin.Context, err error, body any) {
	if err != nil {
		c.Status(http.StatusInternalServerError)
		return
	}
	c.JSON(http.StatusOK, body)
}

// Find reads by title.
func (s *Reports) Find(c *gin.Context) {
	var out []Report
	title := c.Query("title")
	res := s.Gorm.Where("title = '" + title + "'").Find(&out)
	answer(c, res.Error, out)
}

// Titled reads by title and state.
func (s *Reports) Titled(c *gin.Context) {
	var out []Report
	title := c.Query("title")
	res := s.Gorm.Where("title = ? AND published", title).Find(&out)
	answer(c, res.Error, out)
}

// Listed reads all in an order.
func (s *Reports) Listed(c *gin.Context) {
	var out []Report
	res := s.Gorm.Model(&Report{}).Order(c.DefaultQuery("sort", "title")).Limit(100).Find(&out)
	answer(c, res.Error, out)
}

// Show reads one.
func (s *Reports) Show(c *gin.Context) {
	var out Report
	res := s.Gorm.First(&out, c.Query("id"))
	answer(c, res.Error, out)
}

// Print reads one for the printer.
func (s *Reports) Print(c *gin.Context) {
	var out Report
	id, err := strconv.ParseUint(c.Query("id"), 10, 32)
	if err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	res := s.Gorm.First(&out, id)
	answer(c, res.Error, out)
}

// Export counts the rows of a month's table.
func (s *Reports) Export(c *gin.Context) {
	var n int64
	query := fmt.Sprintf("SELECT count(*) FROM report_rows WHERE month = '%s'", c.PostForm("month"))
	err := s.Pool.QueryRow(c.Request.Context(), query).Scan(&n)
	answer(c, err, n)
}

// Totals counts the rows of any table.
func (s *Reports) Totals(c *gin.Context) {
	var n int64
	table := pgx.Identifier{"reports", c.PostForm("table")}.Sanitize()
	err := s.Pool.QueryRow(c.Request.Context(), "SELECT count(*) FROM "+table).Scan(&n)
	answer(c, err, n)
}
