package com.depot.feeds;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.mongodb.BasicDBObject;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Filters;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import org.bson.Document;
import org.springframework.expression.Expression;
import org.springframework.expression.spel.standard.SpelExpressionParser;
import org.springframework.expression.spel.support.SimpleEvaluationContext;
import org.springframework.web.bind.annotation.*;
import org.springframework.web.reactive.function.client.WebClient;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.Constructor;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import reactor.core.publisher.Mono;

@RestController
@RequestMapping("/feeds")
public class FeedController {

    private static final Set<String> HOSTS = Set.of("news.example.com", "weather.example.com");

    private final WebClient web;
    private final MongoCollection<Document> feeds;
    private final SpelExpressionParser spel = new SpelExpressionParser();

    public FeedController(WebClient web, MongoCollection<Document> feeds) {
        this.web = web;
        this.feeds = feeds;
    }

    @GetMapping("/fetch")
    public byte[] fetch(@RequestParam String url) throws Exception {
        URL address = new URL(url);
        if (!address.getHost().endsWith("example.com")) {
            throw new IllegalArgumentException("host");
        }
        HttpURLConnection connection = (HttpURLConnection) address.openConnection();
        try (InputStream in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }

    @GetMapping("/pull")
    public byte[] pull(@RequestParam String url) throws Exception {
        URL address = new URL(url);
        if (!"https".equals(address.getProtocol()) || !HOSTS.contains(address.getHost())) {
            throw new IllegalArgumentException("host");
        }
        HttpURLConnection connection = (HttpURLConnection) address.openConnection();
        connection.setInstanceFollowRedirects(false);
        try (InputStream in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }

    @GetMapping("/mirror/{host}")
    public Mono<String> mirror(@PathVariable String host) {
        return web.get().uri("http://" + host + "/feed.xml").retrieve().bodyToMono(String.class);
    }

    @GetMapping("/story/{slug}")
    public Mono<String> story(@PathVariable String slug) {
        return web.get().uri("https://news.example.com/story/{slug}", slug).retrieve().bodyToMono(String.class);
    }

    @GetMapping("/resume")
    public Object resume(@CookieValue("state") String state) throws Exception {
        byte[] raw = Base64.getDecoder().decode(state);
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(raw))) {
            return in.readObject();
        }
    }

    @GetMapping("/continue")
    public Object carryOn(@CookieValue("state") String state) throws Exception {
        byte[] raw = Base64.getDecoder().decode(state);
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(raw))) {
            in.setObjectInputFilter(ObjectInputFilter.Config.createFilter("com.depot.feeds.Position;!*"));
            return in.readObject();
        }
    }

    @PostMapping("/settings")
    public Object settings(@RequestBody String body) throws Exception {
        ObjectMapper json = new ObjectMapper();
        json.enableDefaultTyping();
        return json.readValue(body, Object.class);
    }

    @PostMapping("/outline")
    public Object outline(@RequestBody String body) {
        Yaml yaml = new Yaml(new SafeConstructor(new LoaderOptions()));
        return yaml.load(body);
    }

    @PostMapping("/tagged")
    public long tagged(@RequestBody Map<String, String> body) {
        return feeds.countDocuments(new BasicDBObject("$where", "this.tags.includes('" + body.get("tag") + "')"));
    }

    @PostMapping("/labelled")
    public long labelled(@RequestBody Map<String, String> body) {
        return feeds.countDocuments(Filters.eq("tags", body.get("tag")));
    }

    @GetMapping("/score")
    public Object score(@RequestParam String formula) {
        Expression expression = spel.parseExpression("(" + formula + ") * 10");
        return expression.getValue(new Document("base", 2));
    }

    @GetMapping("/weight")
    public Object weight(@RequestParam String formula) {
        Expression expression = spel.parseExpression("length() * 10");
        return expression.getValue(SimpleEvaluationContext.forReadOnlyDataBinding().withInstanceMethods().build(), formula);
    }

    @GetMapping("/private")
    public org.springframework.http.ResponseEntity<String> inbox(@RequestHeader("Origin") String origin) {
        return org.springframework.http.ResponseEntity.ok()
                .header("Access-Control-Allow-Origin", origin)
                .header("Access-Control-Allow-Credentials", "true")
                .body(String.valueOf(feeds.countDocuments()));
    }

    @GetMapping("/shared")
    public org.springframework.http.ResponseEntity<String> shared(@RequestHeader("Origin") String origin) {
        String allowed = HOSTS.contains(URI.create(origin).getHost()) && origin.startsWith("https://")
                ? origin : "https://news.example.com";
        return org.springframework.http.ResponseEntity.ok()
                .header("Access-Control-Allow-Origin", allowed)
                .header("Access-Control-Allow-Credentials", "true")
                .body(String.valueOf(feeds.countDocuments()));
    }
}
