package com.northwind.auth;

import com.auth0.jwt.JWT;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.interfaces.DecodedJWT;
import io.jsonwebtoken.Claims;
import io.jsonwebtoken.Jwts;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.security.interfaces.RSAPublicKey;
import javax.crypto.SecretKey;

public class TokenService {

    private final RSAPublicKey issuerKey;
    private final SecretKey localKey;

    public TokenService(RSAPublicKey issuerKey, SecretKey localKey) {
        this.issuerKey = issuerKey;
        this.localKey = localKey;
    }

    private static String bearer(HttpServletRequest req) {
        String h = req.getHeader("Authorization");
        return h != null && h.startsWith("Bearer ") ? h.substring(7) : "";
    }

    public String currentUser(HttpServletRequest req) {
        DecodedJWT jwt = JWT.decode(bearer(req));
        return jwt.getSubject();
    }

    public String currentTenant(HttpServletRequest req) {
        DecodedJWT jwt = JWT.require(Algorithm.RSA256(issuerKey, null))
                .withIssuer("login.northwind.example")
                .build()
                .verify(bearer(req));
        return jwt.getClaim("tenant").asString();
    }

    public String roles(HttpServletRequest req) {
        Claims claims = Jwts.parser()
                .unsecured()
                .build()
                .parseUnsecuredClaims(bearer(req))
                .getPayload();
        return claims.get("roles", String.class);
    }

    public String scopes(HttpServletRequest req) {
        Claims claims = Jwts.parser()
                .verifyWith(localKey)
                .build()
                .parseSignedClaims(bearer(req))
                .getPayload();
        return claims.get("scope", String.class);
    }

    public void startSession(HttpServletResponse resp, String sid) {
        Cookie c = new Cookie("NWSESSION", sid);
        c.setHttpOnly(true);
        c.setPath("/");
        c.setSecure(false);
        resp.addCookie(c);
    }

    public void startStaffSession(HttpServletResponse resp, String sid) {
        Cookie c = new Cookie("NWSTAFF", sid);
        c.setHttpOnly(true);
        c.setPath("/staff");
        c.setSecure(true);
        resp.addCookie(c);
    }
}
