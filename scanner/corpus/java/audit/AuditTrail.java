package com.northwind.audit;

import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.logging.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class AuditTrail {

    private static final org.slf4j.Logger log = LoggerFactory.getLogger(AuditTrail.class);
    private static final Logger JUL = Logger.getLogger("audit");

    private static String oneLine(String s) {
        return s == null ? "" : s.replaceAll("[\\p{Cntrl}\\u2028\\u2029]", "_");
    }

    private void record(String actor, String event) {
        JUL.info("actor=" + actor + " event=" + event);
    }

    @PostMapping("/audit/failed-login")
    public void failedLogin(@RequestParam("user") String user) {
        log.warn("failed login for user " + user);
    }

    @PostMapping("/audit/locked-out")
    public void lockedOut(@RequestParam("user") String user) {
        log.warn("account locked for user " + oneLine(user));
    }

    @JmsListener(destination = "audit.events")
    public void export(String message) {
        String[] cols = message.split("\t", 2);
        record(cols[0], cols[1]);
    }

    @PostMapping("/audit/deleted/{id}")
    public void deleted(@PathVariable("id") long id, @RequestBody String reason) {
        String event = reason.isBlank() ? "deleted" : "deleted-with-reason";
        record(Long.toString(id), event);
    }

    @PostMapping("/audit/batch")
    public int batch(@RequestBody List<String> names) {
        int n = 0;
        for (String name : names) {
            JUL.warning("removed member " + name + " from group");
            n++;
        }
        return n;
    }

    @PostMapping("/audit/visit")
    public void visit(HttpServletRequest request) {
        String agent = request.getHeader("User-Agent");
        log.info("visit recorded, agent length " + (agent == null ? 0 : agent.length()));
    }
}
