package com.depot.portal;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Enumeration;
import java.util.logging.Logger;
import javax.servlet.ServletException;
import javax.servlet.http.Cookie;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.http.HttpSession;
import org.apache.commons.text.StringEscapeUtils;
import org.owasp.encoder.Encode;

public class SearchServlet extends HttpServlet {

    private static final Logger LOG = Logger.getLogger(SearchServlet.class.getName());

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        response.setContentType("text/html;charset=UTF-8");
        String term = request.getParameter("q");
        String shown = term == null ? "" : term.replace("'", "''");
        PrintWriter out = response.getWriter();
        out.println("<html><body><h1>Search</h1>");
        out.printf("<p>Results for %s</p>", shown);
        out.println("</body></html>");
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        response.setContentType("text/html;charset=UTF-8");
        String term = request.getParameter("q");
        String shown = StringEscapeUtils.escapeHtml4(term == null ? "" : term);
        PrintWriter out = response.getWriter();
        out.println("<html><body><h1>Search</h1>");
        out.printf("<p>Results for %s</p>", shown);
        out.println("</body></html>");
    }

    void agents(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/html");
        String agent = "";
        Enumeration<String> values = request.getHeaders("X-Client");
        while (values != null && values.hasMoreElements()) {
            agent = values.nextElement();
        }
        agent = URLDecoder.decode(agent, StandardCharsets.UTF_8);
        response.getWriter().write("<div class=\"client\">" + agent + "</div>");
    }

    void clients(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/html");
        String agent = request.getHeader("X-Client");
        int length = agent == null ? 0 : agent.length();
        agent = length > 40 ? "long" : "short";
        response.getWriter().write("<div class=\"client\">" + agent + "</div>");
    }

    void profileLink(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/html");
        String site = request.getParameter("site");
        response.getWriter().write("<a href=\"" + Encode.forHtmlAttribute(site) + "\">home page</a>");
    }

    void profileName(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/html");
        String site = request.getParameter("site");
        response.getWriter().write("<span title=\"" + Encode.forHtmlAttribute(site) + "\">home page</span>");
    }

    void suggest(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("application/json");
        response.setHeader("X-Content-Type-Options", "nosniff");
        String term = request.getParameter("q");
        response.getWriter().write("{\"term\":\"" + StringEscapeUtils.escapeJson(term) + "\"}");
    }

    void afterLogin(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String next = request.getParameter("next");
        if (next == null || !next.startsWith("/")) {
            next = "/home";
        }
        response.sendRedirect(next);
    }

    void afterLogout(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String next = request.getParameter("next");
        String path = "/home";
        if (next != null) {
            String given = URI.create(next).getPath();
            path = given == null ? path : given;
        }
        response.sendRedirect("https://portal.example.com/" + path);
    }

    void chooseRole(HttpServletRequest request, HttpServletResponse response) throws IOException {
        HttpSession session = request.getSession();
        String role = request.getParameter("role");
        session.setAttribute("role", role);
        response.sendRedirect("/home");
    }

    void chooseView(HttpServletRequest request, HttpServletResponse response) throws IOException {
        HttpSession session = request.getSession();
        String view = "wide".equals(request.getParameter("view")) ? "wide" : "narrow";
        session.setAttribute("view", view);
        response.sendRedirect("/home");
    }

    void remember(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String[] values = request.getParameterValues("filter");
        String key = values != null && values.length > 0 ? values[0] : "none";
        request.getSession().putValue(key, "10340");
        response.sendRedirect("/home");
    }

    void rememberMe(HttpServletRequest request, HttpServletResponse response, String sessionKey) {
        Cookie cookie = new Cookie("remember", sessionKey);
        cookie.setHttpOnly(true);
        cookie.setSecure(false);
        cookie.setPath("/");
        response.addCookie(cookie);
    }

    void rememberDevice(HttpServletRequest request, HttpServletResponse response, String deviceKey) {
        Cookie cookie = new Cookie("device", deviceKey);
        cookie.setHttpOnly(true);
        cookie.setSecure(true);
        cookie.setPath("/");
        response.addCookie(cookie);
    }

    void failed(HttpServletRequest request, HttpServletResponse response) throws IOException {
        LOG.warning("login failed for " + request.getParameter("user"));
        response.sendError(401);
    }

    void locked(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String user = String.valueOf(request.getParameter("user")).replaceAll("[\\r\\n]", "_");
        LOG.warning("login locked for " + user);
        response.sendError(423);
    }
}
