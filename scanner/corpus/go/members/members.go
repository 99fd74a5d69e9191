package members

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"gorm.io/gorm"
)

// Member is a customer with an account.
type Member struct {
	ID    uint
	Email string
	Team  string
}

// Members serves the member pages of the API.
type Members struct {
	DB     *gorm.DB
	Events *mongo.Collection
}

// Register adds the routes to the group.
func (m *Members) Register(g *gin.RouterGroup) {
	g.GET("/members", m.Search)
	g.GET("/members/team/:team", m.Team)
	g.POST("/members/lookup", m.Lookup)
	g.GET("/members/mine", m.Mine)
}

// Search finds members by e-mail.
func (m *Members) Search(c *gin.Context) {
	var out []Member
	email := c.Query("email")
	if err := m.DB.Raw("SELECT * FROM members WHERE email LIKE '%" + email + "%'").Scan(&out).Error; err != nil {
		c.AbortWithStatus(http.StatusInternalServerError)
		return
	}
	c.JSON(http.StatusOK, out)
}

// Team lists one team.
func (m *Members) Team(c *gin.Context) {
	var out []Member
	team := c.Param("team")
	if err := m.DB.Raw("SELECT * FROM members WHERE team = ?", team).Scan(&out).Error; err != nil {
		c.AbortWithStatus(http.StatusInternalServerError)
		return
	}
	c.JSON(http.StatusOK, out)
}

type lookupRequest struct {
	Filter struct {
		Field string `json:"field"`
		Value string `json:"value"`
	} `json:"filter"`
}

// Lookup finds members by one field of the JSON body.
func (m *Members) Lookup(c *gin.Context) {
	var req lookupRequest
	if err := c.ShouldBindJSON(&req); err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	var out []Member
	cond := req.Filter.Field + " = '" + req.Filter.Value + "'"
	m.DB.Where(cond).Find(&out)
	c.JSON(http.StatusOK, out)
}

// Mine lists the members of the caller's own team.
func (m *Members) Mine(c *gin.Context) {
	var out []Member
	team := c.GetHeader("X-Team")
	team = "support"
	m.DB.Where("team = '" + team + "'").Find(&out)
	c.JSON(http.StatusOK, out)
}

// EventCount counts the events of one kind.
func (m *Members) EventCount(c *gin.Context) {
	n, err := m.Events.CountDocuments(c.Request.Context(), bson.M{"kind": "login"})
	if err != nil {
		c.AbortWithStatus(http.StatusBadGateway)
		return
	}
	c.JSON(http.StatusOK, gin.H{"count": n})
}
