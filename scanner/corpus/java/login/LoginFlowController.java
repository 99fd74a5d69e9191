package com.northwind.login;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.view.RedirectView;

@Controller
public class LoginFlowController {

    private static final Map<String, String> LANDING = Map.of(
            "orders", "/orders", "profile", "/profile", "billing", "/account/billing");

    private final AccountService accounts;

    public LoginFlowController(AccountService accounts) {
        this.accounts = accounts;
    }

    @PostMapping("/login")
    public String afterLogin(@RequestParam String user, @RequestParam String password, @RequestParam String next) {
        if (!accounts.check(user, password)) {
            return "login";
        }
        return "redirect:" + next;
    }

    @PostMapping("/signup")
    public String afterSignup(@RequestParam String user, @RequestParam String password, @RequestParam String next) {
        accounts.create(user, password);
        return "redirect:" + LANDING.getOrDefault(next, "/");
    }

    @GetMapping("/logout")
    public void logout(HttpServletRequest req, HttpServletResponse resp) throws IOException {
        HttpSession s = req.getSession(false);
        if (s != null) {
            s.invalidate();
        }
        resp.sendRedirect(req.getParameter("return"));
    }

    private static ResponseEntity<Void> found(String location) {
        HttpHeaders h = new HttpHeaders();
        h.setLocation(URI.create(location));
        return new ResponseEntity<>(h, HttpStatus.FOUND);
    }

    @GetMapping("/tenant")
    public ResponseEntity<Void> switchTenant(@RequestParam("back") String back) {
        String target = back.isBlank() ? "/" : back;
        return found(target);
    }

    @GetMapping("/open")
    public ResponseEntity<Void> openOrder(@RequestParam("id") long id) {
        return found("/orders/" + id);
    }

    @GetMapping("/expired")
    public RedirectView expired(@RequestParam(value = "next", required = false) String next) {
        next = "/login?expired=1";
        return new RedirectView(next, true);
    }

    @PostMapping("/remember")
    public String remember(HttpServletRequest req) {
        HttpSession session = req.getSession();
        session.setAttribute("role", req.getParameter("role"));
        return "home";
    }

    @PostMapping("/refresh")
    public String refresh(HttpServletRequest req) {
        HttpSession session = req.getSession();
        String view = "compact".equals(req.getParameter("view")) ? "compact" : "home";
        session.setAttribute("role", accounts.roleOf(req.getUserPrincipal().getName()));
        return view;
    }

    public interface AccountService {
        boolean check(String user, String password);

        void create(String user, String password);

        String roleOf(String user);
    }
}
