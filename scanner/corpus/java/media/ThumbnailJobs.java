package com.northwind.media;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/media")
public class ThumbnailJobs {

    private static final Set<String> FORMATS = Set.of("png", "jpeg", "webp");

    private static String capture(Process p) throws IOException, InterruptedException {
        StringBuilder sb = new StringBuilder();
        try (BufferedReader r = new BufferedReader(new InputStreamReader(p.getInputStream(), StandardCharsets.UTF_8))) {
            String line;
            while ((line = r.readLine()) != null) {
                sb.append(line).append('\n');
            }
        }
        p.waitFor();
        return sb.toString();
    }

    private String runShell(String commandLine) throws IOException, InterruptedException {
        ProcessBuilder pb = new ProcessBuilder("/bin/sh", "-c", commandLine);
        pb.redirectErrorStream(true);
        return capture(pb.start());
    }

    @PostMapping("/resize")
    public ResponseEntity<String> resize(@RequestParam("geometry") String geometry, @RequestParam("id") long id)
            throws Exception {
        String out = runShell("convert /srv/media/" + id + ".png -resize " + geometry + " /srv/thumbs/" + id + ".png");
        return ResponseEntity.ok(out);
    }

    @PostMapping("/rotate")
    public ResponseEntity<String> rotate(@RequestParam("degrees") int degrees, @RequestParam("id") long id)
            throws Exception {
        String out = runShell("convert /srv/media/" + id + ".png -rotate " + degrees + " /srv/thumbs/" + id + ".png");
        return ResponseEntity.ok(out);
    }

    @PostMapping("/transcode")
    public ResponseEntity<String> transcode(@RequestParam("format") String format, @RequestParam("id") long id)
            throws Exception {
        if (!FORMATS.contains(format)) {
            return ResponseEntity.badRequest().body("format");
        }
        List<String> argv = new ArrayList<>(List.of("convert", "/srv/media/" + id + ".png"));
        argv.add("/srv/thumbs/" + id + "." + format);
        return ResponseEntity.ok(capture(new ProcessBuilder(argv).start()));
    }

    @PostMapping("/probe")
    public ResponseEntity<String> probe(@RequestHeader("X-Probe-Tool") String tool) throws Exception {
        Process p = Runtime.getRuntime().exec(tool + " --version");
        return ResponseEntity.ok(capture(p));
    }
}
