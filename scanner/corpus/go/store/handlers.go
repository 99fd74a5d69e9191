package store

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

var sortColumns = map[string]string{
	"date":  "placed_at",
	"total": "total",
	"name":  "customer",
}

func writeJSON(w http.ResponseWriter, v interface{}) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// ByCustomer lists the orders of one customer.
func (s *Store) ByCustomer(w http.ResponseWriter, r *http.Request) {
	customer := r.URL.Query().Get("customer")
	orders, err := s.selectWhere(r.Context(), "customer = '"+customer+"'")
	if err != nil {
		http.Error(w, "query failed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, orders)
}

// ByStatus lists the orders in one state.
func (s *Store) ByStatus(w http.ResponseWriter, r *http.Request) {
	status := r.FormValue("status")
	orders, err := s.selectWhere(r.Context(), "status = $1", status)
	if err != nil {
		http.Error(w, "query failed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, orders)
}

// Recent lists orders sorted by a column of the client's choice.
func (s *Store) Recent(w http.ResponseWriter, r *http.Request) {
	col, ok := sortColumns[r.URL.Query().Get("sort")]
	if !ok {
		http.Error(w, "sort", http.StatusBadRequest)
		return
	}
	orders, err := s.selectWhere(r.Context(), fmt.Sprintf("archived = false ORDER BY %s DESC LIMIT 50", col))
	if err != nil {
		http.Error(w, "query failed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, orders)
}

// Archive marks several orders as archived.
func (s *Store) Archive(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "form", http.StatusBadRequest)
		return
	}
	var quoted []string
	for _, ref := range r.Form["ref"] {
		quoted = append(quoted, "'"+ref+"'")
	}
	stmt := "UPDATE orders SET archived = true WHERE ref IN (" + strings.Join(quoted, ",") + ")"
	if _, err := s.db.ExecContext(r.Context(), stmt); err != nil {
		http.Error(w, "update failed", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Delete removes several orders.
func (s *Store) Delete(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "form", http.StatusBadRequest)
		return
	}
	var ids []string
	for _, raw := range r.Form["id"] {
		id, err := strconv.ParseInt(raw, 10, 64)
		if err != nil {
			http.Error(w, "id", http.StatusBadRequest)
			return
		}
		ids = append(ids, strconv.FormatInt(id, 10))
	}
	stmt := "DELETE FROM orders WHERE id IN (" + strings.Join(ids, ",") + ")"
	if _, err := s.db.ExecContext(r.Context(), stmt); err != nil {
		http.Error(w, "delete failed", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
