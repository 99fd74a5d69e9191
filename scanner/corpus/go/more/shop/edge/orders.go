package edge

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Order is one order.
type Order struct {
	ID     uint   `json:"id"`
	Owner  string `json:"owner"`
	Status string `json:"status"`
}

// API serves orders from two databases.
type API struct {
	gdb  *gorm.DB
	pool *pgxpool.Pool
}

// Mount adds the routes.
func (a *API) Mount(app *fiber.App) {
	g := app.Group("/orders")
	g.Get("/find", a.find)
	g.Get("/open", a.open)
	g.Get("/one/:id", a.one)
	g.Get("/sorted", a.sorted)
	g.Get("/ranked", a.ranked)
	g.Get("/count", a.count)
	g.Get("/sum", a.sum)
	g.Get("/echo", a.echo)
	g.Get("/plain", a.plain)
	g.Get("/move", a.move)
	g.Use(a.share)
	g.Use(a.lend)
	g.Post("/login", a.login)
}

func (a *API) find(c *fiber.Ctx) error {
	var out []Order
	cond := fmt.Sprintf("owner = '%s'", c.Query("owner"))
	if err := a.gdb.Where(cond).Limit(50).Find(&out).Error; err != nil {
		return fiber.ErrInternalServerError
	}
	return c.JSON(out)
}

func (a *API) open(c *fiber.Ctx) error {
	var out []Order
	cond := fmt.Sprintf("owner = ? AND status = '%s'", "open")
	if err := a.gdb.Where(cond, c.Query("owner")).Limit(50).Find(&out).Error; err != nil {
		return fiber.ErrInternalServerError
	}
	return c.JSON(out)
}

func (a *API) one(c *fiber.Ctx) error {
	var o Order
	if err := a.gdb.First(&o, c.Params("id")).Error; err != nil {
		return fiber.ErrNotFound
	}
	return c.JSON(o)
}

func (a *API) sorted(c *fiber.Ctx) error {
	var out []Order
	if err := a.gdb.Order(c.Query("by", "id")).Limit(50).Find(&out).Error; err != nil {
		return fiber.ErrInternalServerError
	}
	return c.JSON(out)
}

func (a *API) ranked(c *fiber.Ctx) error {
	var out []Order
	col := clause.OrderByColumn{Column: clause.Column{Name: c.Query("by", "id")}, Desc: true}
	if err := a.gdb.Order(col).Limit(50).Find(&out).Error; err != nil {
		return fiber.ErrInternalServerError
	}
	return c.JSON(out)
}

func (a *API) count(c *fiber.Ctx) error {
	var n int
	status := strings.ReplaceAll(c.Query("status"), ";", "")
	q := "SELECT count(*) FROM orders WHERE status = '" + status + "'"
	if err := a.pool.QueryRow(c.Context(), q).Scan(&n); err != nil {
		return fiber.ErrInternalServerError
	}
	return c.JSON(fiber.Map{"count": n})
}

func (a *API) sum(c *fiber.Ctx) error {
	var n int
	col := pgx.Identifier{c.Query("col", "total")}.Sanitize()
	q := "SELECT coalesce(sum(" + col + "), 0) FROM orders WHERE status = $1"
	if err := a.pool.QueryRow(c.Context(), q, c.Query("status")).Scan(&n); err != nil {
		return fiber.ErrInternalServerError
	}
	return c.JSON(fiber.Map{"sum": n})
}

func (a *API) echo(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.SendString("<p>No orders of " + c.Query("owner") + "</p>")
}

func (a *API) plain(c *fiber.Ctx) error {
	return c.SendString("no orders of " + c.Query("owner"))
}

func (a *API) move(c *fiber.Ctx) error {
	switch c.Query("to") {
	case "cart":
		return c.Redirect("/cart")
	case "shop":
		return c.Redirect("https://shop.example.org/")
	}
	return c.Redirect("/")
}

func (a *API) share(c *fiber.Ctx) error {
	if origin := c.Get(fiber.HeaderOrigin); origin != "" {
		c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
		c.Set(fiber.HeaderAccessControlAllowCredentials, "true")
	}
	return c.Next()
}

func (a *API) lend(c *fiber.Ctx) error {
	origin := c.Get(fiber.HeaderOrigin)
	switch origin {
	case "https://shop.example.org", "https://admin.example.org":
		c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
		c.Set(fiber.HeaderAccessControlAllowCredentials, "true")
		c.Vary(fiber.HeaderOrigin)
	}
	return c.Next()
}

func (a *API) login(c *fiber.Ctx) error {
	user := c.FormValue("user")
	log.Println("login by " + user)
	c.Cookie(&fiber.Cookie{Name: "theme", Value: "dark", Path: "/", Secure: true})
	return c.SendStatus(fiber.StatusNoContent)
}

// Purge removes old orders.
func (a *API) Purge(ctx context.Context, table string, days int) error {
	_, err := a.pool.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE age > %d", pgx.Identifier{table}.Sanitize(), days))
	return err
}
