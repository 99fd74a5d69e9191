package com.northwind.reports;

import jakarta.servlet.ServletException;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.sql.SQLException;
import java.util.List;

@WebServlet("/reports/*")
public class ReportServlet extends HttpServlet {

    private transient ReportDao dao;

    @Override
    public void init() throws ServletException {
        dao = (ReportDao) getServletContext().getAttribute("reportDao");
    }

    @Override
    protected void doGet(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        try {
            String view = req.getPathInfo() == null ? "/" : req.getPathInfo();
            switch (view) {
                case "/search" -> print(resp, searchByTitle(req));
                case "/year" -> print(resp, byYear(req));
                case "/mine" -> print(resp, mine(req));
                default -> print(resp, featured(req));
            }
        } catch (SQLException e) {
            resp.sendError(500);
        }
    }

    private List<String> searchByTitle(HttpServletRequest req) throws SQLException {
        String title = req.getParameter("title");
        return dao.selectTitles("title LIKE '%" + title + "%'");
    }

    private List<String> byYear(HttpServletRequest req) throws SQLException {
        int year = Integer.parseInt(req.getParameter("year"));
        return dao.selectTitles("fiscal_year = " + year);
    }

    private List<String> mine(HttpServletRequest req) throws SQLException {
        String owner = "guest";
        for (Cookie c : req.getCookies()) {
            if ("report_owner".equals(c.getName())) {
                owner = c.getValue();
            }
        }
        return dao.titlesOwnedBy(owner);
    }

    private List<String> featured(HttpServletRequest req) throws SQLException {
        boolean compact = "1".equals(req.getParameter("compact"));
        String where = compact ? "featured = 1 AND archived = 0" : "featured = 1";
        return dao.selectTitles(where);
    }

    private void print(HttpServletResponse resp, List<String> titles) throws IOException {
        resp.setContentType("text/plain;charset=UTF-8");
        for (String t : titles) {
            resp.getWriter().println(t);
        }
    }
}
