package com.northwind.support;

import com.unboundid.ldap.sdk.Filter;
import com.unboundid.ldap.sdk.LDAPConnection;
import com.unboundid.ldap.sdk.LDAPException;
import com.unboundid.ldap.sdk.SearchScope;
import io.pebbletemplates.pebble.PebbleEngine;
import io.pebbletemplates.pebble.loader.StringLoader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.dom4j.Document;
import org.dom4j.Node;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.handler.annotation.Payload;
import org.springframework.stereotype.Controller;

@Controller
public class SupportDesk {

    private final LDAPConnection ldap;
    private final Document tickets;
    private final PebbleEngine files;

    public SupportDesk(LDAPConnection ldap, Document tickets, PebbleEngine files) {
        this.ldap = ldap;
        this.tickets = tickets;
        this.files = files;
    }

    @MessageMapping("/agents")
    public int agents(@Payload Map<String, String> msg) throws LDAPException {
        String group = msg.get("group");
        String cn = group;
        String filter = "(&(objectClass=groupOfNames)(cn=" + cn + "))";
        return ldap.search("ou=groups,dc=northwind,dc=example", SearchScope.SUB, filter).getEntryCount();
    }

    @MessageMapping("/agents/named")
    public int agentsNamed(@Payload Map<String, String> msg) throws LDAPException {
        String group = msg.get("group");
        Filter filter = Filter.createANDFilter(
                Filter.createEqualityFilter("objectClass", "groupOfNames"),
                Filter.createEqualityFilter("cn", group));
        return ldap.search("ou=groups,dc=northwind,dc=example", SearchScope.SUB, filter).getEntryCount();
    }

    @MessageMapping("/tickets/tagged")
    public List<String> tagged(@Payload List<String> tags) {
        List<String> out = new ArrayList<>();
        for (String tag : tags) {
            for (Node n : tickets.selectNodes("//ticket[tag='" + tag + "']")) {
                out.add(n.valueOf("@id"));
            }
        }
        return out;
    }

    @MessageMapping("/tickets/with-tag")
    public List<String> withTag(@Payload List<String> tags) {
        List<String> out = new ArrayList<>();
        for (Node n : tickets.selectNodes("//ticket[tag]")) {
            if (tags.contains(n.valueOf("tag"))) {
                out.add(n.valueOf("@id"));
            }
        }
        return out;
    }

    private static String renderText(String source, Map<String, Object> model) throws IOException {
        PebbleEngine engine = new PebbleEngine.Builder().loader(new StringLoader()).autoEscaping(true).build();
        StringWriter w = new StringWriter();
        engine.getTemplate(source).evaluate(w, model);
        return w.toString();
    }

    @MessageMapping("/macros/run")
    public String macro(@Payload Map<String, String> msg) throws IOException {
        Map<String, Object> model = new HashMap<>();
        model.put("agent", msg.get("agent"));
        return renderText(msg.get("macro"), model);
    }

    @MessageMapping("/macros/greeting")
    public String greeting(@Payload Map<String, String> msg) throws IOException {
        Map<String, Object> model = new HashMap<>();
        model.put("agent", msg.get("agent"));
        return renderText("Hello, my name is {{ agent }}. How can I help?", model);
    }

    @MessageMapping("/notices")
    public void pushNotice(@Payload Map<String, String> msg, OutputStream wire) throws IOException {
        String topic = msg.get("topic");
        String header = "X-Topic: " + topic;
        wire.write(("POST /notices HTTP/1.1\r\nHost: notices.local\r\n" + header + "\r\nContent-Length: 0\r\n\r\n")
                .getBytes(StandardCharsets.ISO_8859_1));
    }

    @MessageMapping("/alerts")
    public void pushAlert(@Payload Map<String, String> msg, OutputStream wire) throws IOException {
        String topic = msg.get("topic").replaceAll("[^\\x20-\\x7e]", "");
        String header = "X-Topic: " + topic;
        wire.write(("POST /alerts HTTP/1.1\r\nHost: notices.local\r\n" + header + "\r\nContent-Length: 0\r\n\r\n")
                .getBytes(StandardCharsets.ISO_8859_1));
    }

    String fixedPage(String name) throws IOException {
        StringWriter w = new StringWriter();
        files.getTemplate("help.peb").evaluate(w, Map.of("name", name));
        return w.toString();
    }
}
