package com.northwind.web;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.text.StringEscapeUtils;
import org.springframework.web.util.HtmlUtils;

@WebServlet(urlPatterns = {"/hello", "/hello/*"})
public class GreetingServlet extends HttpServlet {

    @Override
    protected void doGet(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        resp.setContentType("text/html;charset=UTF-8");
        String path = req.getPathInfo() == null ? "" : req.getPathInfo();
        if (path.startsWith("/card")) {
            card(req, resp);
        } else if (path.startsWith("/search")) {
            search(req, resp);
        } else {
            greet(req, resp);
        }
    }

    private static void heading(PrintWriter out, String html) {
        out.println("<header><h1>" + html + "</h1></header>");
    }

    private void greet(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        resp.setContentType("text/html;charset=UTF-8");
        String name = req.getParameter("name");
        PrintWriter out = resp.getWriter();
        out.println("<html><body><p>Hello " + name + "!</p></body></html>");
    }

    private void card(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        resp.setContentType("text/html;charset=UTF-8");
        String name = StringEscapeUtils.escapeHtml4(req.getParameter("name"));
        String city = HtmlUtils.htmlEscape(String.valueOf(req.getParameter("city")));
        PrintWriter out = resp.getWriter();
        heading(out, name);
        out.println("<p>from " + city + "</p>");
    }

    private void search(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        resp.setContentType("text/html;charset=UTF-8");
        String term = req.getParameter("q");
        PrintWriter out = resp.getWriter();
        heading(out, "Results for " + term.toLowerCase());
        out.println("<ul></ul>");
    }

    void echoHeaders(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        resp.setContentType("text/html");
        Map<String, String> rows = new LinkedHashMap<>();
        rows.put("Agent", req.getHeader("User-Agent"));
        rows.put("Referer", req.getHeader("Referer"));
        StringBuilder sb = new StringBuilder("<table>");
        for (Map.Entry<String, String> e : rows.entrySet()) {
            sb.append("<tr><td>").append(e.getKey()).append("</td><td>").append(e.getValue()).append("</td></tr>");
        }
        resp.getWriter().write(sb.append("</table>").toString());
    }

    void plain(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        resp.setContentType("text/plain;charset=UTF-8");
        resp.setHeader("X-Content-Type-Options", "nosniff");
        String name = req.getParameter("name");
        PrintWriter out = resp.getWriter();
        out.println("Hello " + name + "!");
    }

    void pager(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        resp.setContentType("text/html;charset=UTF-8");
        int page = Integer.parseInt(req.getParameter("page"));
        PrintWriter out = resp.getWriter();
        heading(out, "Page " + page);
        out.println("<a href=\"?page=" + (page + 1) + "\">next</a>");
    }
}
