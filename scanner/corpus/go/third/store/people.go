package store

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/antchfx/xmlquery"
	"github.com/go-ldap/ldap/v3"
)

// People asks the directory and the phone book.
type People struct {
	Conn  *ldap.Conn
	Phone *xmlquery.Node
}

const people = "ou=people,dc=portal,dc=example"

func (p *People) search(filter string) (*ldap.SearchResult, error) {
	return p.Conn.Search(ldap.NewSearchRequest(people, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		50, 5, false, filter, []string{"cn", "mail"}, nil))
}

// Lookup finds by user name.
func (p *People) Lookup(r *http.Request) (*ldap.SearchResult, error) {
	return p.search(fmt.Sprintf("(&(objectClass=person)(uid=%s))", r.FormValue("uid")))
}

// Mail finds by mail address.
func (p *People) Mail(r *http.Request) (*ldap.SearchResult, error) {
	return p.search(fmt.Sprintf("(&(objectClass=person)(mail=%s))", ldap.EscapeFilter(r.FormValue("mail"))))
}

// Enter binds as a user.
func (p *People) Enter(r *http.Request) error {
	word := r.PostFormValue("word")
	if word == "" {
		return errors.New("empty word")
	}
	return p.Conn.Bind("uid="+r.PostFormValue("uid")+","+people, word)
}

// EnterDesk binds as a user of the desk.
func (p *People) EnterDesk(r *http.Request) error {
	word := r.PostFormValue("word")
	if word == "" {
		return errors.New("empty word")
	}
	return p.Conn.Bind("uid="+ldap.EscapeDN(r.PostFormValue("uid"))+","+people, word)
}

// Number reads a phone number.
func (p *People) Number(r *http.Request) (string, error) {
	name := r.FormValue("name")
	node, err := xmlquery.Query(p.Phone, "//entry[name='"+name+"']/number")
	if err != nil || node == nil {
		return "", errors.New("no number")
	}
	return node.InnerText(), nil
}

// Room reads a room's number.
func (p *People) Room(r *http.Request) (string, error) {
	name := r.FormValue("name")
	for _, entry := range xmlquery.Find(p.Phone, "//entry") {
		if n := entry.SelectElement("name"); n != nil && n.InnerText() == name {
			if room := entry.SelectElement("room"); room != nil {
				return room.InnerText(), nil
			}
		}
	}
	return "", errors.New("no room")
}
