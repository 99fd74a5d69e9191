// Package store reads and writes what the portal keeps.
package store

import "strings"

func cityClause(city string) string {
	return "city = '" + strings.ToUpper(city) + "'"
}

func countryClause(country string) (string, []any) {
	return "country = ?", []any{strings.ToUpper(country)}
}

func quoteAll(words []string) []string {
	out := make([]string, 0, len(words))
	for _, word := range words {
		out = append(out, "'"+word+"'")
	}
	return out
}
