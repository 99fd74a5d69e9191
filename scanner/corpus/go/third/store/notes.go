package store

import (
	"encoding/json"
	"net/http"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
)

// Notes keeps the customers' notes in MongoDB.
type Notes struct {
	Coll *mongo.Collection
}

// Search counts the notes of an owner.
func (n *Notes) Search(w http.ResponseWriter, r *http.Request) {
	owner := r.URL.Query().Get("owner")
	filter := bson.M{"$where": "this.owner == '" + owner + "' && !this.hidden"}
	count, err := n.Coll.CountDocuments(r.Context(), filter)
	if err != nil {
		http.Error(w, "search", http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(count)
}

// Count counts the notes of an owner that are not hidden.
func (n *Notes) Count(w http.ResponseWriter, r *http.Request) {
	owner := r.URL.Query().Get("owner")
	filter := bson.M{"owner": owner, "hidden": bson.M{"$ne": true}}
	count, err := n.Coll.CountDocuments(r.Context(), filter)
	if err != nil {
		http.Error(w, "count", http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(count)
}

// Unlock opens the note that the body's words fit.
func (n *Notes) Unlock(w http.ResponseWriter, r *http.Request) {
	var words map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&words); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	var note bson.M
	if err := n.Coll.FindOne(r.Context(), bson.M{"owner": words["owner"], "pin": words["pin"]}).Decode(&note); err != nil {
		http.Error(w, "no such note", http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(note)
}

// Open opens the note that the body's fields fit.
func (n *Notes) Open(w http.ResponseWriter, r *http.Request) {
	var words struct {
		Owner string `json:"owner"`
		Pin   string `json:"pin"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&words); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	var note bson.M
	if err := n.Coll.FindOne(r.Context(), bson.M{"owner": words.Owner, "pin": words.Pin}).Decode(&note); err != nil {
		http.Error(w, "no such note", http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(note)
}
