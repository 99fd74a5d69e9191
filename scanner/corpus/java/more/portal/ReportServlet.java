package com.depot.portal;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.sql.DataSource;

public class ReportServlet extends HttpServlet {

    enum Period { DAY, WEEK, MONTH }

    private transient DataSource source;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Inputs in = new Inputs(request);
        String region = in.text("region");
        int rows = in.number("rows", 50);
        count("SELECT count(*) FROM report WHERE region = '" + region + "' LIMIT " + rows, response);
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Inputs in = new Inputs(request);
        String region = in.fixed("region");
        int rows = in.number("rows", 50);
        count("SELECT count(*) FROM report WHERE region = '" + region + "' LIMIT " + rows, response);
    }

    void byOwner(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Inputs.Filter filter = Inputs.TRIM;
        String owner = filter.apply(new Inputs(request).cookie("owner"));
        count("SELECT count(*) FROM report WHERE owner = " + owner, response);
    }

    void byNumber(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Inputs.Filter filter = Inputs.DIGITS;
        String owner = filter.apply(new Inputs(request).cookie("owner"));
        count("SELECT count(*) FROM report WHERE owner = 0" + owner, response);
    }

    void byTitle(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String title = Inputs.roundTrip(request.getParameter("title"));
        StringBuilder sql = new StringBuilder("SELECT count(*) FROM report WHERE title = '");
        sql.append(title);
        sql.append("'");
        count(sql.toString(), response);
    }

    void byPeriod(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Period period = Period.valueOf(request.getParameter("period").toUpperCase(Locale.ROOT));
        count("SELECT count(*) FROM report WHERE period = '" + period + "'", response);
    }

    void byTags(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String tags = List.of(request.getParameterValues("tag")).stream()
                .filter(t -> !t.isEmpty())
                .map(t -> "'" + t + "'")
                .collect(Collectors.joining(","));
        count("SELECT count(*) FROM report WHERE tag IN (" + tags + ")", response);
    }

    void byKind(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Map<String, Object> values = new HashMap<>();
        values.put("kind", "monthly");
        values.put("given", request.getParameter("kind"));
        String kind = (String) values.get("kind");
        count("SELECT count(*) FROM report WHERE kind = '" + kind + "'", response);
    }

    void open(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Deque<String> names = new ArrayDeque<>();
        names.addLast(request.getParameter("file"));
        names.addLast("index.txt");
        File file = new File("/srv/reports", names.pollFirst());
        try (InputStream in = new FileInputStream(file)) {
            in.transferTo(response.getOutputStream());
        }
    }

    void index(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Deque<String> names = new ArrayDeque<>();
        names.addLast(request.getParameter("file"));
        names.addLast("index.txt");
        File file = new File("/srv/reports", names.pollLast());
        try (InputStream in = new FileInputStream(file)) {
            in.transferTo(response.getOutputStream());
        }
    }

    void banner(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/html");
        StringBuilder page = new StringBuilder();
        String text = request.getParameter("text");
        Runnable build = () -> page.append(String.format(Locale.ROOT, "<b>%s</b>", text));
        build.run();
        response.getWriter().print(page);
    }

    void length(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/html");
        StringBuilder page = new StringBuilder();
        String text = request.getParameter("text");
        Runnable build = () -> page.append(String.format(Locale.ROOT, "<b>%d</b>", text.length()));
        build.run();
        response.getWriter().print(page);
    }

    private void count(String sql, HttpServletResponse response) throws IOException {
        try (Connection c = source.getConnection();
                Statement st = c.createStatement();
                ResultSet rs = st.executeQuery(sql)) {
            response.setContentType("text/plain");
            response.getWriter().print(rs.next() ? rs.getInt(1) : 0);
        } catch (SQLException e) {
            response.sendError(500);
        }
    }
}
