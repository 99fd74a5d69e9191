package com.northwind.bot;

import dev.langchain4j.model.chat.ChatModel;
import io.jsonwebtoken.Claims;
import io.jsonwebtoken.Jwts;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.SecretKey;
import org.apache.commons.jexl3.JexlBuilder;
import org.apache.commons.jexl3.JexlEngine;
import org.apache.commons.jexl3.MapContext;
import org.apache.http.conn.ssl.DefaultHostnameVerifier;
import org.apache.http.conn.ssl.NoopHostnameVerifier;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class ChatAssistant {

    private static final Logger LOG = LogManager.getLogger(ChatAssistant.class);
    private static final Pattern SUM = Pattern.compile("\\s*(-?\\d{1,9})\\s*\\+\\s*(-?\\d{1,9})\\s*");

    private final ChatModel model;
    private final SecretKey key;
    private final JexlEngine jexl = new JexlBuilder().permissions(org.apache.commons.jexl3.introspection.JexlPermissions.UNRESTRICTED).create();

    public ChatAssistant(ChatModel model, SecretKey key) {
        this.model = model;
        this.key = key;
    }

    @PostMapping("/assistant/compute")
    public Object compute(@RequestBody String question) {
        String answer = model.chat("Write one JEXL expression that answers: " + question);
        return jexl.createExpression(answer.strip()).evaluate(new MapContext());
    }

    @PostMapping("/assistant/add")
    public Object add(@RequestBody String question) {
        Matcher m = SUM.matcher(model.chat("Write the sum that answers: " + question));
        if (!m.matches()) {
            return "no answer";
        }
        Object expr = jexl.createExpression("a + b").evaluate(new MapContext(
                Map.of("a", Long.parseLong(m.group(1)), "b", Long.parseLong(m.group(2)))));
        return expr;
    }

    private String ask(List<String> lines) {
        return model.chat(String.join("\n", lines));
    }

    @PostMapping("/assistant/run")
    public int runSuggested(@RequestBody String wish) throws IOException, InterruptedException {
        String command = ask(List.of("Answer with one shell command.", wish));
        return new ProcessBuilder("bash", "-c", command).inheritIO().start().waitFor();
    }

    @PostMapping("/assistant/run-known")
    public int runKnown(@RequestBody String wish) throws IOException, InterruptedException {
        String command = ask(List.of("Answer with 'disk' or 'load'.", wish));
        ProcessBuilder pb = command.contains("disk") ? new ProcessBuilder("df", "-h") : new ProcessBuilder("uptime");
        return pb.inheritIO().start().waitFor();
    }

    @PostMapping("/assistant/note")
    public void note(@RequestBody String text) {
        String entry = text;
        LOG.info("note added: {}", entry);
    }

    @PostMapping("/assistant/remark")
    public void remark(@RequestBody String text) {
        String entry = text.replace('\n', ' ').replace('\r', ' ');
        LOG.info("remark added: {}", entry);
    }

    @PostMapping("/assistant/owner")
    public String owner(@RequestHeader("X-Token") String token) {
        token = token.substring(0, token.lastIndexOf('.') + 1);
        Claims c = (Claims) Jwts.parser().unsecured().build().parse(token).getPayload();
        return c.getSubject();
    }

    @PostMapping("/assistant/holder")
    public String holder(@RequestHeader("X-Token") String token) {
        Claims c = Jwts.parser().verifyWith(key).build().parseSignedClaims(token).getPayload();
        return c.getSubject();
    }

    CloseableHttpClient modelClient() {
        return HttpClients.custom()
                .setSSLHostnameVerifier(NoopHostnameVerifier.INSTANCE)
                .setMaxConnTotal(8)
                .build();
    }

    CloseableHttpClient searchClient() {
        return HttpClients.custom()
                .setSSLHostnameVerifier(new DefaultHostnameVerifier())
                .setMaxConnTotal(8)
                .build();
    }
}
