package com.northwind.newsletter;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;
import org.springframework.web.util.HtmlUtils;

@Controller
public class NewsletterController {

    private static final boolean ESCAPE_SUBJECT = false;

    private static String slurp(URL url) throws IOException {
        try (InputStream in = url.openStream()) {
            return new String(in.readNBytes(1 << 16), java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    @PostMapping("/newsletter/unsubscribe")
    public void unsubscribe(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        String to = req.getParameter("to");
        if (!to.startsWith("/")) {
            to = "/newsletter";
        }
        resp.sendRedirect(to);
    }

    @PostMapping("/newsletter/subscribe")
    public void subscribe(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        String list = req.getParameter("list");
        String done = "/newsletter/thanks";
        String to = done;
        if ("weekly".equals(list)) {
            to = done + "?weekly=1";
        }
        resp.sendRedirect(to);
    }

    @GetMapping("/newsletter/subject")
    public ResponseEntity<String> previewSubject(@RequestParam("subject") String subject) {
        String shown = subject;
        if (ESCAPE_SUBJECT) {
            shown = HtmlUtils.htmlEscape(subject);
        }
        return ResponseEntity.ok().contentType(MediaType.TEXT_HTML).body("<h1>" + shown + "</h1>");
    }

    @GetMapping("/newsletter/footer")
    public ResponseEntity<String> previewFooter(@RequestParam("footer") String footer) {
        String escaped = HtmlUtils.htmlEscape(footer);
        String shown = escaped;
        return ResponseEntity.ok().contentType(MediaType.TEXT_HTML).body("<footer>" + shown + "</footer>");
    }

    @GetMapping(value = "/newsletter/teaser", produces = "text/plain")
    @ResponseBody
    public String teaser(@RequestParam("url") String url) throws IOException {
        if (!url.contains("news.partner-two.example")) {
            return "";
        }
        return slurp(new URL(url));
    }

    @GetMapping(value = "/newsletter/headline", produces = "text/plain")
    @ResponseBody
    public String headline(@RequestParam("url") String url) throws IOException {
        URI u = URI.create(url);
        if (!"https".equals(u.getScheme()) || !"news.partner-two.example".equals(u.getHost())) {
            return "";
        }
        return slurp(u.toURL());
    }
}
