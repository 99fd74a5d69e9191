package com.depot.portal;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import javax.servlet.http.Cookie;
import javax.servlet.http.HttpServletRequest;

public final class Inputs {

    public interface Filter {
        String apply(String value);
    }

    public static final Filter TRIM = String::trim;

    public static final Filter DIGITS = new Filter() {
        @Override
        public String apply(String value) {
            return value.replaceAll("\\D", "");
        }
    };

    private final HttpServletRequest request;

    public Inputs(HttpServletRequest request) {
        this.request = request;
    }

    public String text(String name) {
        String value = request.getParameter(name);
        return value == null ? "" : value;
    }

    public int number(String name, int fallback) {
        try {
            return Integer.parseInt(text(name));
        } catch (NumberFormatException e) {
            return fallback;
        }
    }

    public String cookie(String name) {
        Cookie[] cookies = request.getCookies();
        if (cookies == null) {
            return "";
        }
        for (Cookie c : cookies) {
            if (c.getName().equals(name)) {
                return c.getValue();
            }
        }
        return "";
    }

    public String fixed(String name) {
        return name.isEmpty() ? "none" : "default";
    }

    public static String roundTrip(String value) {
        String packed = Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8));
        return new String(Base64.getDecoder().decode(packed), StandardCharsets.UTF_8);
    }
}
