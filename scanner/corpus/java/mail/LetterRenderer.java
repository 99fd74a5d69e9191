package com.northwind.mail;

import freemarker.template.Configuration;
import freemarker.template.Template;
import freemarker.template.TemplateException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.Map;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;

@Controller
public class LetterRenderer {

    private final Configuration freemarker;
    private final VelocityEngine velocity;

    public LetterRenderer(Configuration freemarker, VelocityEngine velocity) {
        this.freemarker = freemarker;
        this.velocity = velocity;
    }

    private String process(Template t, Map<String, Object> model) throws IOException, TemplateException {
        StringWriter out = new StringWriter();
        t.process(model, out);
        return out.toString();
    }

    @PostMapping(value = "/letters/preview", produces = "text/plain")
    @ResponseBody
    public String previewLetter(@RequestParam("body") String body) throws Exception {
        Template t = new Template("preview", new StringReader(body), freemarker);
        Map<String, Object> model = new HashMap<>();
        model.put("company", "Northwind");
        return process(t, model);
    }

    @PostMapping(value = "/letters/send", produces = "text/plain")
    @ResponseBody
    public String sendLetter(@RequestParam("body") String body) throws Exception {
        Template t = freemarker.getTemplate("letter.ftl");
        Map<String, Object> model = new HashMap<>();
        model.put("company", "Northwind");
        model.put("body", body);
        return process(t, model);
    }

    private String merge(String templateText, VelocityContext ctx) {
        StringWriter out = new StringWriter();
        velocity.evaluate(ctx, out, "inline", templateText);
        return out.toString();
    }

    @PostMapping(value = "/letters/signature", produces = "text/plain")
    @ResponseBody
    public String signature(HttpServletRequest request) {
        VelocityContext ctx = new VelocityContext();
        ctx.put("company", "Northwind");
        return merge("Kind regards,\n" + request.getParameter("signature") + "\n$company", ctx);
    }

    @PostMapping(value = "/letters/footer", produces = "text/plain")
    @ResponseBody
    public String footer(HttpServletRequest request) {
        VelocityContext ctx = new VelocityContext();
        ctx.put("company", "Northwind");
        ctx.put("department", request.getParameter("department"));
        return merge("$company - $department\nDo not reply to this letter.", ctx);
    }

    @PostMapping(value = "/letters/parts", produces = "text/plain")
    @ResponseBody
    public String fromParts(HttpServletRequest request) throws Exception {
        String[] parts = {"Dear ${name},", request.getParameter("intro"), "Yours"};
        String source = String.join("\n\n", parts);
        Template t = new Template("parts", source, freemarker);
        Map<String, Object> model = new HashMap<>();
        model.put("name", request.getParameter("name"));
        return process(t, model);
    }

    @PostMapping(value = "/letters/kind", produces = "text/plain")
    @ResponseBody
    public String byKind(HttpServletRequest request) throws Exception {
        String name = switch (request.getParameter("kind")) {
            case "welcome" -> "welcome.ftl";
            case "reminder" -> "reminder.ftl";
            default -> throw new IllegalArgumentException("kind");
        };
        Map<String, Object> model = new HashMap<>();
        model.put("name", request.getParameter("name"));
        return process(freemarker.getTemplate(name), model);
    }
}
