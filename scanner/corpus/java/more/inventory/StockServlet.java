package com.depot.inventory;

import java.io.BufferedReader;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.servlet.ServletException;
import javax.servlet.annotation.WebServlet;
import javax.servlet.http.Cookie;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.sql.DataSource;

@WebServlet("/stock/*")
public class StockServlet extends HttpServlet {

    private static final Map<String, String> COLUMNS = Map.of(
            "name", "item_name", "qty", "quantity", "added", "created_at");

    private transient DataSource dataSource;
    private transient StockRepository repository;

    @Override
    public void init() throws ServletException {
        dataSource = (DataSource) getServletContext().getAttribute("dataSource");
        repository = new StockRepository(dataSource);
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        String order = COLUMNS.getOrDefault(request.getParameter("sort"), "item_name");
        String sql = "SELECT item_name, quantity FROM stock WHERE warehouse = ? ORDER BY " + order;
        try (Connection c = dataSource.getConnection();
                PreparedStatement ps = c.prepareStatement(sql)) {
            ps.setString(1, request.getParameter("warehouse"));
            render(ps.executeQuery(), response);
        } catch (SQLException e) {
            response.sendError(500);
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        Map<String, String[]> form = request.getParameterMap();
        String[] bins = form.get("bin");
        String bin = bins == null || bins.length == 0 ? "" : bins[0];
        String sql = "SELECT item_name, quantity FROM stock WHERE active = ? AND bin = '" + bin + "'";
        try (Connection c = dataSource.getConnection();
                PreparedStatement ps = c.prepareStatement(sql)) {
            ps.setBoolean(1, true);
            render(ps.executeQuery(), response);
        } catch (SQLException e) {
            response.sendError(500);
        }
    }

    @Override
    protected void doPut(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        String tenant = request.getHeader("X-Tenant");
        List<String> names = repository.namesOf(tenant, 50);
        for (String n : names) {
            response.getWriter().println(n.length());
        }
    }

    @Override
    protected void doDelete(HttpServletRequest request, HttpServletResponse response)
            throws ServletException, IOException {
        String tenant = "";
        if (request.getCookies() != null) {
            for (Cookie cookie : request.getCookies()) {
                if ("tenant".equals(cookie.getName())) {
                    tenant = cookie.getValue();
                }
            }
        }
        response.getWriter().println(repository.removeOf(tenant));
    }

    void exportRange(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Map<String, String> options = new HashMap<>();
        options.put("limit", "200");
        options.put("range", request.getQueryString());
        String range = options.get("range");
        try (Connection c = dataSource.getConnection(); Statement st = c.createStatement()) {
            StringBuilder sql = new StringBuilder("SELECT item_name, quantity FROM stock WHERE ");
            sql.append("lot BETWEEN ").append(range.replace("-", " AND "));
            render(st.executeQuery(sql.toString()), response);
        } catch (SQLException e) {
            response.sendError(500);
        }
    }

    void exportLots(HttpServletRequest request, HttpServletResponse response) throws IOException {
        List<String> lots = new ArrayList<>();
        lots.add(request.getParameter("lot"));
        lots.add("current");
        lots.add("archived");
        lots.remove(0);
        String lot = lots.get(0);
        try (Connection c = dataSource.getConnection(); Statement st = c.createStatement()) {
            render(st.executeQuery(
                    "SELECT item_name, quantity FROM stock WHERE lot_state = '" + lot + "'"), response);
        } catch (SQLException e) {
            response.sendError(500);
        }
    }

    void bulkLookup(HttpServletRequest request, HttpServletResponse response) throws IOException {
        StringBuilder in = new StringBuilder();
        try (BufferedReader reader = request.getReader()) {
            String line;
            while ((line = reader.readLine()) != null) {
                if (in.length() > 0) {
                    in.append(',');
                }
                in.append('\'').append(line.trim()).append('\'');
            }
        }
        try (Connection c = dataSource.getConnection(); Statement st = c.createStatement()) {
            render(st.executeQuery("SELECT item_name, quantity FROM stock WHERE sku IN (" + in + ")"), response);
        } catch (SQLException e) {
            response.sendError(500);
        }
    }

    void bulkLookupById(HttpServletRequest request, HttpServletResponse response) throws IOException {
        StringBuilder in = new StringBuilder("0");
        try (BufferedReader reader = request.getReader()) {
            String line;
            while ((line = reader.readLine()) != null) {
                long id = Long.parseLong(line.trim());
                in.append(',').append(id);
            }
        }
        try (Connection c = dataSource.getConnection(); Statement st = c.createStatement()) {
            render(st.executeQuery("SELECT item_name, quantity FROM stock WHERE id IN (" + in + ")"), response);
        } catch (SQLException e) {
            response.sendError(500);
        }
    }

    private void render(ResultSet rs, HttpServletResponse response) throws SQLException, IOException {
        response.setContentType("text/plain");
        while (rs.next()) {
            response.getWriter().println(rs.getString(1) + "\t" + rs.getInt(2));
        }
    }
}
