package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
)

// Product is one row of the catalogue.
type Product struct {
	ID    int64   `db:"id" json:"id"`
	Name  string  `db:"name" json:"name"`
	Price float64 `db:"price" json:"price"`
	Shelf string  `db:"shelf" json:"shelf"`
}

// Filter narrows a listing down.
type Filter struct {
	Name  string
	Shelf string
	Order string
	Limit int
}

// Products gives access to the catalogue.
type Products struct {
	db *sqlx.DB
}

var ErrOrder = errors.New("store: unknown order")

var orders = map[string]string{
	"name":  "name ASC",
	"price": "price DESC",
	"new":   "id DESC",
}

// NewProducts wraps a handle.
func NewProducts(db *sqlx.DB) *Products {
	return &Products{db: db}
}

func (f Filter) where() (string, []any) {
	var parts []string
	var args []any
	if f.Name != "" {
		parts = append(parts, "name = ?")
		args = append(args, f.Name)
	}
	if f.Shelf != "" {
		parts = append(parts, "shelf = ?")
		args = append(args, f.Shelf)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

func (f Filter) clause() string {
	var parts []string
	if f.Name != "" {
		parts = append(parts, fmt.Sprintf("name = '%s'", f.Name))
	}
	if f.Shelf != "" {
		parts = append(parts, fmt.Sprintf("shelf = '%s'", f.Shelf))
	}
	if len(parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(parts, " AND ")
}

// List returns the products that match, in a known order.
func (p *Products) List(ctx context.Context, f Filter) ([]Product, error) {
	order, ok := orders[f.Order]
	if !ok {
		return nil, ErrOrder
	}
	where, args := f.where()
	var out []Product
	query := "SELECT id, name, price, shelf FROM products" + where + " ORDER BY " + order
	if f.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(f.Limit)
	}
	err := p.db.SelectContext(ctx, &out, p.db.Rebind(query), args...)
	return out, err
}

// Page returns the products that match, page by page.
func (p *Products) Page(ctx context.Context, f Filter) ([]Product, error) {
	order, ok := orders[f.Order]
	if !ok {
		order = f.Order
	}
	where, args := f.where()
	var out []Product
	query := "SELECT id, name, price, shelf FROM products" + where + " ORDER BY " + order
	if f.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(f.Limit)
	}
	err := p.db.SelectContext(ctx, &out, p.db.Rebind(query), args...)
	return out, err
}

// Total sums the prices up.
func (p *Products) Total(ctx context.Context, f Filter) (float64, error) {
	var sum sql.NullFloat64
	row := p.db.QueryRowContext(ctx, "SELECT sum(price) FROM products"+f.clause())
	if err := row.Scan(&sum); err != nil {
		return 0, err
	}
	return sum.Float64, nil
}

// ByIDs returns the named products.
func (p *Products) ByIDs(ctx context.Context, ids []string) ([]Product, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query, args, err := sqlx.In("SELECT id, name, price, shelf FROM products WHERE id IN (?)", ids)
	if err != nil {
		return nil, err
	}
	var out []Product
	err = p.db.SelectContext(ctx, &out, p.db.Rebind(query), args...)
	return out, err
}

// ByTags returns the products that carry one of the tags.
func (p *Products) ByTags(ctx context.Context, tags []string) ([]Product, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	var out []Product
	list := "'" + strings.Join(tags, "','") + "'"
	err := p.db.SelectContext(ctx, &out,
		"SELECT p.id, name, price, shelf FROM products p JOIN tags t ON t.product = p.id WHERE t.tag IN ("+list+")")
	return out, err
}
