package com.northwind.jobs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.stereotype.Component;

@Component
public class MaintenanceConsumer {

    private static final Pattern HOST = Pattern.compile("[a-z0-9][a-z0-9.-]{0,62}");
    private static final boolean LEGACY_SHELL = false;

    private final ObjectMapper mapper = new ObjectMapper();

    @KafkaListener(topics = "maintenance.purge")
    public void onPurge(String payload) throws IOException {
        JsonNode msg = mapper.readTree(payload);
        Map<String, String> options = new HashMap<>();
        options.put("dir", msg.path("directory").asText());
        options.put("age", "30");
        String cmd = "find " + options.get("dir") + " -mtime +" + options.get("age") + " -delete";
        new ProcessBuilder("sh", "-c", cmd).inheritIO().start();
    }

    @KafkaListener(topics = "maintenance.rotate")
    public void onRotate(String payload) throws IOException {
        JsonNode msg = mapper.readTree(payload);
        Map<String, String> options = new HashMap<>();
        options.put("requestedBy", msg.path("user").asText());
        options.put("dir", "/var/log/northwind");
        String cmd = "logrotate -s /var/lib/rotate.state " + options.get("dir") + "/rotate.conf";
        new ProcessBuilder("sh", "-c", cmd).inheritIO().start();
    }

    @KafkaListener(topics = "maintenance.ping")
    public void onPing(String payload) throws IOException {
        String host = mapper.readTree(payload).path("host").asText();
        if (!HOST.matcher(host).matches()) {
            return;
        }
        new ProcessBuilder("ping", "-c", "1", host).inheritIO().start();
    }

    @KafkaListener(topics = "maintenance.backup")
    public void onBackup(String payload) throws IOException {
        String target = mapper.readTree(payload).path("target").asText();
        ProcessBuilder pb;
        if (LEGACY_SHELL) {
            pb = new ProcessBuilder("sh", "-c", "tar czf " + target + " /srv/data");
        } else {
            pb = new ProcessBuilder("tar", "czf", "/backup/nightly.tgz", "/srv/data");
        }
        pb.inheritIO().start();
    }

    @KafkaListener(topics = "maintenance.restart")
    public void onRestart(String payload) throws IOException {
        String unit = mapper.readTree(payload).path("unit").asText();
        if (unit.isEmpty()) {
            unit = "northwind-web.service";
        }
        String[] argv = {"/bin/bash", "-c", "systemctl restart " + unit};
        Runtime.getRuntime().exec(argv);
    }
}
