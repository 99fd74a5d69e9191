package com.northwind.feeds;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Set;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestTemplate;
import org.springframework.web.util.UriComponentsBuilder;

@RestController
public class FeedFetcher {

    private static final Set<String> PARTNERS = Set.of("feeds.partner-one.example", "news.partner-two.example");

    private final RestTemplate rest = new RestTemplate();
    private final HttpClient http = HttpClient.newHttpClient();

    @GetMapping("/feeds/preview")
    public byte[] preview(@RequestParam("url") String url) throws IOException {
        HttpURLConnection c = (HttpURLConnection) new URL(url).openConnection();
        c.setConnectTimeout(4000);
        try (InputStream in = c.getInputStream()) {
            return in.readNBytes(65536);
        }
    }

    @GetMapping("/feeds/partner")
    public byte[] partnerFeed(@RequestParam("url") String url) throws IOException {
        URI uri = URI.create(url);
        if (!"https".equals(uri.getScheme()) || !PARTNERS.contains(uri.getHost())) {
            throw new IllegalArgumentException("host");
        }
        HttpURLConnection c = (HttpURLConnection) uri.toURL().openConnection();
        c.setInstanceFollowRedirects(false);
        try (InputStream in = c.getInputStream()) {
            return in.readNBytes(65536);
        }
    }

    private String get(String address) {
        ResponseEntity<String> r = rest.getForEntity(URI.create(address), String.class);
        return r.getBody();
    }

    @PostMapping("/feeds/webhook-test")
    public String webhookTest(@RequestBody Map<String, String> body) {
        String callback = body.get("callback");
        return get(callback + "?ping=1");
    }

    @GetMapping("/feeds/rate")
    public String exchangeRate(@RequestParam("currency") String currency) {
        String address = UriComponentsBuilder.fromHttpUrl("https://rates.northwind.example/latest")
                .queryParam("currency", "{c}")
                .encode()
                .buildAndExpand(currency)
                .toUriString();
        return get(address);
    }

    @GetMapping("/feeds/mirror")
    public String mirror(@RequestParam("host") String host) throws Exception {
        String base = "http://" + host;
        String target = base;
        HttpRequest req = HttpRequest.newBuilder(URI.create(target + "/feed.xml")).GET().build();
        return http.send(req, HttpResponse.BodyHandlers.ofString()).body();
    }

    @GetMapping("/feeds/regional")
    public String regional(@RequestParam("region") String region) throws Exception {
        String host;
        if ("eu".equals(region)) {
            host = "eu.feeds.northwind.example";
        } else {
            host = "us.feeds.northwind.example";
        }
        HttpRequest req = HttpRequest.newBuilder(URI.create("https://" + host + "/feed.xml")).GET().build();
        return http.send(req, HttpResponse.BodyHandlers.ofString()).body();
    }
}
