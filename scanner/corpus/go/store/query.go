package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Order is one row of the orders table.
type Order struct {
	ID       int64
	Customer string
	Total    int64
}

// Store gives access to the order database.
type Store struct {
	db *sql.DB
}

// New returns a store over db.
func New(db *sql.DB) *Store {
	return &Store{db: db}
}

func (s *Store) selectWhere(ctx context.Context, cond string, args ...interface{}) ([]Order, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, customer, total FROM orders WHERE "+cond, args...)
	if err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	defer rows.Close()
	var out []Order
	for rows.Next() {
		var o Order
		if err := rows.Scan(&o.ID, &o.Customer, &o.Total); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}
