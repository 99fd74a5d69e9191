package partners

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"
	"github.com/valyala/fasthttp"
)

// Gateway talks to the partners.
type Gateway struct {
	Secret  []byte
	Portals map[string]string
	hosts   []string
}

func (g *Gateway) known(host string) bool {
	for _, h := range g.hosts {
		if h == host {
			return true
		}
	}
	return false
}

// Forward sends the body of a request to the address that a header names.
func (g *Gateway) Forward(ctx *fasthttp.RequestCtx) {
	req := fasthttp.AcquireRequest()
	resp := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(string(ctx.Request.Header.Peek("X-Forward-To")))
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetBody(ctx.PostBody())
	if err := fasthttp.Do(req, resp); err != nil {
		ctx.SetStatusCode(fasthttp.StatusBadGateway)
		return
	}
	ctx.SetStatusCode(resp.StatusCode())
}

// Push sends the body of a request to a partner.
func (g *Gateway) Push(ctx *fasthttp.RequestCtx) {
	u, err := url.Parse(string(ctx.Request.Header.Peek("X-Forward-To")))
	if err != nil || u.Scheme != "https" || !g.known(u.Host) {
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
		return
	}
	req := fasthttp.AcquireRequest()
	resp := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(u.String())
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetBody(ctx.PostBody())
	if err := fasthttp.Do(req, resp); err != nil {
		ctx.SetStatusCode(fasthttp.StatusBadGateway)
		return
	}
	ctx.SetStatusCode(resp.StatusCode())
}

// Out leads a visitor to a partner's site.
func (g *Gateway) Out(c echo.Context) error {
	var body struct {
		Target string `json:"target"`
	}
	if err := c.Bind(&body); err != nil {
		return c.NoContent(http.StatusBadRequest)
	}
	hops := []string{"/partners"}
	hops = append(hops, body.Target)
	return c.Redirect(http.StatusFound, hops[len(hops)-1])
}

// Portal leads a visitor to a configured portal.
func (g *Gateway) Portal(c echo.Context) error {
	target, ok := g.Portals[c.Param("name")]
	if !ok {
		return c.NoContent(http.StatusNotFound)
	}
	return c.Redirect(http.StatusFound, target)
}

func decode(raw string, p *jwt.Parser, key interface{}) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	if key == nil {
		_, _, err := p.ParseUnverified(raw, claims)
		return claims, err
	}
	_, err := p.ParseWithClaims(raw, claims, func(*jwt.Token) (interface{}, error) { return key, nil })
	return claims, err
}

// Account names the account of a cookie.
func (g *Gateway) Account(c echo.Context) error {
	ck, err := c.Cookie("partner_token")
	if err != nil {
		return c.NoContent(http.StatusUnauthorized)
	}
	claims, err := decode(ck.Value, jwt.NewParser(), nil)
	if err != nil {
		return c.NoContent(http.StatusUnauthorized)
	}
	return c.JSON(http.StatusOK, claims["sub"])
}

// Balance names the account whose balance is shown.
func (g *Gateway) Balance(c echo.Context) error {
	ck, err := c.Cookie("partner_token")
	if err != nil {
		return c.NoContent(http.StatusUnauthorized)
	}
	claims, err := decode(ck.Value, jwt.NewParser(jwt.WithValidMethods([]string{"HS256"})), g.Secret)
	if err != nil {
		return c.NoContent(http.StatusUnauthorized)
	}
	return c.JSON(http.StatusOK, claims["sub"])
}

// Dial makes the TLS client of a partner.
func Dial(host string) (*tls.Conn, error) {
	cfg := &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true,
		VerifyConnection:   func(tls.ConnectionState) error { return nil },
	}
	return tls.Dial("tcp", host+":8443", cfg)
}

// DialPlain makes the TLS client of a carrier.
func DialPlain(host string) (*tls.Conn, error) {
	cfg := &tls.Config{
		ServerName: host,
		MinVersion: tls.VersionTLS13,
	}
	return tls.Dial("tcp", host+":8443", cfg)
}

func summary(v interface{}) string {
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(v)
	return strings.TrimSpace(path.Base(os.Args[0]) + " " + b.String())
}
