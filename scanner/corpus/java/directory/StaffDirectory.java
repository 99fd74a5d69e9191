package com.northwind.directory;

import jakarta.servlet.http.HttpServletRequest;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import javax.naming.NamingEnumeration;
import javax.naming.NamingException;
import javax.naming.directory.DirContext;
import javax.naming.directory.SearchControls;
import javax.naming.directory.SearchResult;
import org.springframework.ldap.core.AttributesMapper;
import org.springframework.ldap.core.LdapTemplate;
import org.springframework.ldap.query.LdapQueryBuilder;
import org.springframework.ldap.support.LdapEncoder;
import org.springframework.web.bind.annotation.CookieValue;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class StaffDirectory {

    private static final String BASE = "ou=people,dc=northwind,dc=example";
    private static final AttributesMapper<String> MAIL = a -> String.valueOf(a.get("mail").get());

    private final DirContext context;
    private final LdapTemplate ldap;

    public StaffDirectory(DirContext context, LdapTemplate ldap) {
        this.context = context;
        this.ldap = ldap;
    }

    private List<String> names(String filter) throws NamingException {
        SearchControls sc = new SearchControls();
        sc.setSearchScope(SearchControls.SUBTREE_SCOPE);
        NamingEnumeration<SearchResult> found = context.search(BASE, filter, sc);
        List<String> out = new ArrayList<>();
        while (found.hasMore()) {
            out.add(found.next().getName());
        }
        return out;
    }

    @GetMapping("/staff")
    public boolean find(@RequestParam("uid") String uid) throws NamingException {
        SearchControls sc = new SearchControls();
        sc.setSearchScope(SearchControls.SUBTREE_SCOPE);
        String filter = "(&(objectClass=person)(uid=" + uid + "))";
        return context.search(BASE, filter, sc).hasMore();
    }

    @GetMapping("/staff/v2")
    public boolean findArgs(@RequestParam("uid") String uid) throws NamingException {
        SearchControls sc = new SearchControls();
        sc.setSearchScope(SearchControls.SUBTREE_SCOPE);
        String filter = "(&(objectClass=person)(uid={0}))";
        return context.search(BASE, filter, new Object[] {uid}, sc).hasMore();
    }

    @GetMapping("/staff/team")
    public List<String> inTeam(@CookieValue("team") String team) throws NamingException {
        return names("(departmentNumber=" + team + ")");
    }

    @GetMapping("/staff/office")
    public List<String> inOffice(@RequestHeader("X-Office") String office) throws NamingException {
        return names("(physicalDeliveryOfficeName=" + LdapEncoder.filterEncode(office) + ")");
    }

    @GetMapping("/staff/mails")
    public List<String> mails(HttpServletRequest request) {
        String sn = request.getParameter("sn");
        return ldap.search(BASE, String.format("(&(objectClass=inetOrgPerson)(sn=%s*))", sn), MAIL);
    }

    @GetMapping("/staff/mails-of")
    public List<String> mailsOf(HttpServletRequest request) {
        String sn = request.getParameter("sn");
        return ldap.search(LdapQueryBuilder.query().base(BASE).where("objectClass").is("inetOrgPerson").and("sn").is(sn), MAIL);
    }

    InputStream logo() {
        return StaffDirectory.class.getResourceAsStream("/directory-logo.png");
    }
}
