package store

import (
	"net/http"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Customers reads the table of customers.
type Customers struct {
	DB *sqlx.DB
}

// Customer is one row.
type Customer struct {
	ID   int64  `db:"id"`
	Name string `db:"name"`
	City string `db:"city"`
}

// ByCity reads the customers of a city.
func (s *Customers) ByCity(r *http.Request) ([]Customer, error) {
	var rows []Customer
	where := cityClause(r.FormValue("city"))
	err := s.DB.SelectContext(r.Context(), &rows, "SELECT id, name, city FROM customers WHERE "+where)
	return rows, err
}

// ByCountry reads the customers of a country.
func (s *Customers) ByCountry(r *http.Request) ([]Customer, error) {
	var rows []Customer
	where, args := countryClause(r.FormValue("country"))
	err := s.DB.SelectContext(r.Context(), &rows, s.DB.Rebind("SELECT id, name, city FROM customers WHERE "+where), args...)
	return rows, err
}

// Named reads the customers of a name.
func (s *Customers) Named(r *http.Request) (*sqlx.Rows, error) {
	return s.DB.NamedQueryContext(r.Context(), "SELECT id, name, city FROM customers WHERE name = :name",
		map[string]any{"name": r.FormValue("name")})
}

// Tagged reads the customers that have one of some tags.
func (s *Customers) Tagged(r *http.Request) ([]Customer, error) {
	var rows []Customer
	tags := quoteAll(r.URL.Query()["tag"])
	err := s.DB.Select(&rows, "SELECT id, name, city FROM customers WHERE tag IN ("+strings.Join(tags, ",")+")")
	return rows, err
}

// Grouped reads the customers of some groups.
func (s *Customers) Grouped(r *http.Request) ([]Customer, error) {
	var rows []Customer
	query, args, err := sqlx.In("SELECT id, name, city FROM customers WHERE grp IN (?)", r.URL.Query()["grp"])
	if err != nil {
		return nil, err
	}
	err = s.DB.Select(&rows, s.DB.Rebind(query), args...)
	return rows, err
}

// Count counts the customers of a tenant.
func (s *Customers) Count(r *http.Request) (int, error) {
	var n int
	tenant := r.Header.Get("X-Tenant")
	err := s.DB.Get(&n, "SELECT count(*) FROM "+tenant+".customers")
	return n, err
}

// Open counts the open cases of a tenant.
func (s *Customers) Open(r *http.Request) (int, error) {
	var n int
	tenant := r.Header.Get("X-Tenant")
	err := s.DB.Get(&n, "SELECT count(*) FROM "+pq.QuoteIdentifier(tenant)+".cases WHERE open")
	return n, err
}

// Rename gives a customer another name.
func (s *Customers) Rename(id int64, name string) error {
	_, err := s.DB.Exec("UPDATE customers SET name = $1 WHERE id = $2", name, id)
	return err
}
