// Package api serves the shop's back office.
package api

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Orders answers questions about orders.
type Orders struct {
	DB *sql.DB
}

type order struct {
	ID       int64  `json:"id"`
	Customer string `json:"customer"`
	Total    int64  `json:"total"`
}

var orderColumns = map[string]string{
	"customer": "customer",
	"total":    "total DESC",
	"day":      "created_at DESC",
}

func writeOrders(w http.ResponseWriter, rows *sql.Rows) {
	defer rows.Close()
	var out []order
	for rows.Next() {
		var o order
		if err := rows.Scan(&o.ID, &o.Customer, &o.Total); err != nil {
			http.Error(w, "scan", http.StatusInternalServerError)
			return
		}
		out = append(out, o)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// Search finds orders by a part of the customer's name.
func (o *Orders) Search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	stmt := fmt.Sprintf("SELECT id, customer, total FROM orders WHERE customer LIKE '%%%s%%'", q)
	rows, err := o.DB.QueryContext(r.Context(), stmt)
	if err != nil {
		http.Error(w, "query", http.StatusInternalServerError)
		return
	}
	writeOrders(w, rows)
}

// ByCustomer finds the orders of one customer.
func (o *Orders) ByCustomer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	rows, err := o.DB.QueryContext(r.Context(),
		"SELECT id, customer, total FROM orders WHERE customer LIKE '%' || $1 || '%'", q)
	if err != nil {
		http.Error(w, "query", http.StatusInternalServerError)
		return
	}
	writeOrders(w, rows)
}

// Sorted lists all orders.
func (o *Orders) Sorted(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	b.WriteString("SELECT id, customer, total FROM orders")
	if by := r.FormValue("by"); by != "" {
		b.WriteString(" ORDER BY ")
		b.WriteString(by)
	}
	rows, err := o.DB.Query(b.String())
	if err != nil {
		http.Error(w, "query", http.StatusInternalServerError)
		return
	}
	writeOrders(w, rows)
}

// Listed lists all open orders.
func (o *Orders) Listed(w http.ResponseWriter, r *http.Request) {
	by, ok := orderColumns[r.FormValue("by")]
	if !ok {
		by = "id"
	}
	rows, err := o.DB.Query("SELECT id, customer, total FROM orders WHERE open ORDER BY " + by)
	if err != nil {
		http.Error(w, "query", http.StatusInternalServerError)
		return
	}
	writeOrders(w, rows)
}

// Page lists one page of the orders.
func (o *Orders) Page(w http.ResponseWriter, r *http.Request) {
	page, err := strconv.Atoi(r.FormValue("page"))
	if err != nil || page < 0 {
		http.Error(w, "page", http.StatusBadRequest)
		return
	}
	rows, err := o.DB.Query(fmt.Sprintf("SELECT id, customer, total FROM orders LIMIT 50 OFFSET %d", page*50))
	if err != nil {
		http.Error(w, "query", http.StatusInternalServerError)
		return
	}
	writeOrders(w, rows)
}

func (o *Orders) exec(ctx context.Context, stmt string) error {
	_, err := o.DB.ExecContext(ctx, stmt)
	return err
}

// Note attaches a remark to an order.
func (o *Orders) Note(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimSpace(r.PostFormValue("text"))
	stmt := "UPDATE orders SET note = '" + text + "' WHERE id = 1"
	if err := o.exec(r.Context(), stmt); err != nil {
		http.Error(w, "note", http.StatusInternalServerError)
	}
}

// Archive closes what is older than a year.
func (o *Orders) Archive(w http.ResponseWriter, r *http.Request) {
	stmt := "UPDATE orders SET open = false WHERE created_at < now() - interval '1 year'"
	if r.PostFormValue("drafts") != "" {
		stmt += " OR draft"
	}
	if err := o.exec(r.Context(), stmt); err != nil {
		http.Error(w, "archive", http.StatusInternalServerError)
	}
}
