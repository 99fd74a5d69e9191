package com.depot.rules;

import java.io.IOException;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import javax.script.ScriptEngine;
import javax.script.ScriptEngineManager;
import javax.script.ScriptException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.Velocity;

public class RuleServlet extends HttpServlet {

    private static final Pattern WORDS = Pattern.compile("(\\w+\\s?)*!");
    private static final Pattern NUMBER = Pattern.compile("-?\\d{1,9}(?:\\.\\d{1,4})?");

    private final ScriptEngine engine = new ScriptEngineManager().getEngineByName("javascript");

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Holder holder = new Holder();
        holder.put("rule", request.getParameter("rule"));
        holder.put("label", "preview");
        try {
            response.getWriter().print(engine.eval(holder.get("rule")) != null);
        } catch (ScriptException e) {
            response.sendError(400);
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String rule = request.getParameter("rule");
        if (rule == null || !NUMBER.matcher(rule).matches()) {
            response.sendError(400);
            return;
        }
        try {
            response.getWriter().print(engine.eval("2 * " + rule) != null);
        } catch (ScriptException e) {
            response.sendError(400);
        }
    }

    void preview(HttpServletRequest request, HttpServletResponse response) throws IOException {
        StringWriter out = new StringWriter();
        VelocityContext context = new VelocityContext();
        context.put("title", "preview");
        Velocity.evaluate(context, out, "preview", request.getParameter("layout"));
        response.setContentType("text/plain");
        response.getWriter().print(out);
    }

    void show(HttpServletRequest request, HttpServletResponse response) throws IOException {
        StringWriter out = new StringWriter();
        VelocityContext context = new VelocityContext();
        context.put("title", request.getParameter("layout"));
        Velocity.evaluate(context, out, "show", "Title: $title");
        response.setContentType("text/plain");
        response.getWriter().print(out);
    }

    void shout(HttpServletRequest request, HttpServletResponse response) throws IOException {
        boolean loud = WORDS.matcher(request.getHeader("X-Text")).matches();
        response.getWriter().print(loud);
    }

    void number(HttpServletRequest request, HttpServletResponse response) throws IOException {
        boolean fits = NUMBER.matcher(request.getHeader("X-Text")).matches();
        response.getWriter().print(fits);
    }

    String rawAnswer(HttpServletRequest request) {
        String name = request.getParameter("name").replace(" ", "%20");
        return "HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=" + name + "\r\n\r\n";
    }

    java.sql.Connection connect() throws java.sql.SQLException {
        return java.sql.DriverManager.getConnection("jdbc:postgresql://db/rules", "rules", "correct-horse-staple");
    }

    java.sql.Connection connectReplica() throws java.sql.SQLException {
        String word = System.getenv("RULES_DB_WORD");
        return java.sql.DriverManager.getConnection("jdbc:postgresql://replica/rules", "rules", word);
    }

    private static class Holder {
        private final Map<String, String> values = new HashMap<>();

        void put(String key, String value) {
            values.put(key, value);
        }

        String get(String key) {
            return values.get(key);
        }
    }
}
