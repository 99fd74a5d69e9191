package com.northwind.stores;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.HtmlUtils;

@RestController
public class BranchDesk {

    private static final Pattern WORD = Pattern.compile("[a-z0-9]+");

    private final JdbcTemplate jdbc;

    public BranchDesk(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @GetMapping("/branch/hours")
    public List<Map<String, Object>> openingHours(@RequestParam("id") String id) {
        String key = HtmlUtils.htmlEscape(id);
        return jdbc.queryForList("SELECT day, opens, closes FROM hours WHERE branch_id = " + key);
    }

    @GetMapping("/branch/staff")
    public List<Map<String, Object>> staffOf(@RequestParam("id") String id) {
        String key = id;
        Object bound = key;
        String sql = "SELECT name, desk FROM staff WHERE branch_id = ?";
        return jdbc.queryForList(sql, bound);
    }

    @GetMapping("/branch/plan")
    public byte[] plan(@RequestParam("name") String name) throws IOException {
        String cleaned = name.replace("../", "");
        return Files.readAllBytes(Path.of("/srv/branches/plans/" + cleaned));
    }

    @GetMapping("/branch/floor")
    public byte[] floor(@RequestParam("no") String no) throws IOException {
        int n = Integer.parseInt(no);
        int level = n;
        return Files.readAllBytes(Path.of("/srv/branches/plans/floor" + level + ".png"));
    }

    @PostMapping("/branch/print")
    public int printQueue(@RequestHeader("X-Printer") String printer) throws IOException, InterruptedException {
        if (!WORD.matcher(printer).find()) {
            return -1;
        }
        String[] argv = {"/bin/sh", "-c", "lpstat -p " + printer};
        return Runtime.getRuntime().exec(argv).waitFor();
    }

    @PostMapping("/branch/jobs")
    public int printJobs(@RequestHeader("X-Printer") String printer) throws IOException, InterruptedException {
        if (!WORD.matcher(printer).matches()) {
            return -1;
        }
        String[] argv = {"/bin/sh", "-c", "lpstat -o " + printer};
        return Runtime.getRuntime().exec(argv).waitFor();
    }
}
