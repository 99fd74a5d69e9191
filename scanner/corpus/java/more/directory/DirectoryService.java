package com.depot.directory;

import java.io.File;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import javax.naming.NamingEnumeration;
import javax.naming.NamingException;
import javax.naming.directory.DirContext;
import javax.naming.directory.SearchControls;
import javax.naming.directory.SearchResult;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.SAXParser;
import javax.xml.parsers.SAXParserFactory;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamReader;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.springframework.web.bind.annotation.*;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.helpers.DefaultHandler;

@RestController
@RequestMapping("/directory")
public class DirectoryService {

    private final DirContext context;

    public DirectoryService(DirContext context) {
        this.context = context;
    }

    @GetMapping("/users")
    public List<String> users(@RequestParam String uid) throws NamingException {
        SearchControls controls = new SearchControls();
        controls.setSearchScope(SearchControls.SUBTREE_SCOPE);
        String filter = "(&(objectClass=person)(uid=" + uid + "))";
        return names(context.search("ou=people,dc=example,dc=com", filter, controls));
    }

    @GetMapping("/people")
    public List<String> people(@RequestParam String uid) throws NamingException {
        SearchControls controls = new SearchControls();
        controls.setSearchScope(SearchControls.SUBTREE_SCOPE);
        String filter = "(&(objectClass=person)(uid={0}))";
        return names(context.search("ou=people,dc=example,dc=com", filter, new Object[] {uid}, controls));
    }

    @GetMapping("/groups")
    public List<String> groups(@RequestParam String group) throws NamingException {
        String filter = "(cn=" + quoted(group) + ")";
        return names(context.search("ou=groups,dc=example,dc=com", filter, new SearchControls()));
    }

    @GetMapping("/teams")
    public List<String> teams(@RequestParam String team) throws NamingException {
        String filter = "(cn=" + narrowed(team) + ")";
        return names(context.search("ou=groups,dc=example,dc=com", filter, new SearchControls()));
    }

    @GetMapping("/badge")
    public int badge(@RequestParam String name) throws Exception {
        Document doc = trusted();
        XPath xpath = XPathFactory.newInstance().newXPath();
        NodeList list = (NodeList) xpath.evaluate(
                "//badge[@owner='" + name + "']", doc, XPathConstants.NODESET);
        return list.getLength();
    }

    @GetMapping("/door")
    public int door(@RequestParam String name) throws Exception {
        Document doc = trusted();
        XPath xpath = XPathFactory.newInstance().newXPath();
        xpath.setXPathVariableResolver(v -> "owner".equals(v.getLocalPart()) ? name : null);
        NodeList list = (NodeList) xpath.evaluate("//door[@owner=$owner]", doc, XPathConstants.NODESET);
        return list.getLength();
    }

    @PostMapping("/cards")
    public int cards(InputStream body) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setExpandEntityReferences(false);
        DocumentBuilder builder = factory.newDocumentBuilder();
        return builder.parse(body).getElementsByTagName("card").getLength();
    }

    @PostMapping("/keys")
    public int keys(InputStream body) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        DocumentBuilder builder = factory.newDocumentBuilder();
        return builder.parse(body).getElementsByTagName("key").getLength();
    }

    @PostMapping("/events")
    public void events(InputStream body) throws Exception {
        SAXParserFactory factory = SAXParserFactory.newInstance();
        factory.setNamespaceAware(true);
        SAXParser parser = factory.newSAXParser();
        parser.parse(body, new DefaultHandler());
    }

    @PostMapping("/ticks")
    public int ticks(InputStream body) throws Exception {
        XMLInputFactory factory = XMLInputFactory.newFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        XMLStreamReader reader = factory.createXMLStreamReader(body);
        int n = 0;
        while (reader.hasNext()) {
            n += reader.next() == XMLStreamReader.START_ELEMENT ? 1 : 0;
        }
        return n;
    }

    private Document trusted() throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        return factory.newDocumentBuilder().parse(new File("/srv/depot/badges.xml"));
    }

    private static String quoted(String s) {
        return s.replace("'", "''");
    }

    private static String narrowed(String s) {
        StringBuilder out = new StringBuilder();
        for (char c : s.toCharArray()) {
            if (c == '\\' || c == '*' || c == '(' || c == ')' || c == 0) {
                out.append(String.format("\\%02x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static List<String> names(NamingEnumeration<SearchResult> found) throws NamingException {
        List<String> out = new ArrayList<>();
        while (found.hasMore()) {
            out.add(found.next().getNameInNamespace());
        }
        return out;
    }
}
