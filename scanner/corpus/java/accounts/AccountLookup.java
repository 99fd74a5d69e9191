package com.northwind.accounts;

import jakarta.servlet.http.HttpServletRequest;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.function.Function;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import javax.sql.DataSource;

public class AccountLookup {

    private static final String SIGNING_SEED = "umber-river-thimble-9";

    private final DataSource ds;

    public AccountLookup(DataSource ds) {
        this.ds = ds;
    }

    public Optional<Long> balance(HttpServletRequest req) throws SQLException {
        String account = "none";
        account = req.getParameter("account");
        try (Connection c = ds.getConnection();
                PreparedStatement ps = c.prepareStatement("SELECT balance FROM accounts WHERE no = '" + account + "'")) {
            ResultSet rs = ps.executeQuery();
            return rs.next() ? Optional.of(rs.getLong(1)) : Optional.empty();
        }
    }

    public boolean exists(HttpServletRequest req) throws SQLException {
        Function<String, String> query = mail -> "SELECT 1 FROM accounts WHERE mail = '" + mail + "'";
        try (Connection c = ds.getConnection(); Statement st = c.createStatement()) {
            return st.executeQuery(query.apply(req.getHeader("X-Account-Mail"))).next();
        }
    }

    public boolean branch(HttpServletRequest req) throws SQLException {
        String where = "branch = 'main'";
        if (1 > 2) {
            where = "branch = '" + req.getParameter("branch") + "'";
        }
        try (Connection c = ds.getConnection(); Statement st = c.createStatement()) {
            return st.executeQuery("SELECT 1 FROM accounts WHERE " + where).next();
        }
    }

    public SecretKey signingKey() {
        byte[] raw = SIGNING_SEED.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        return new SecretKeySpec(raw, "HmacSHA256");
    }

    public SecretKey statementKey() {
        byte[] raw = java.util.Base64.getDecoder().decode(System.getenv("STATEMENT_KEY"));
        return new SecretKeySpec(raw, "HmacSHA256");
    }
}
