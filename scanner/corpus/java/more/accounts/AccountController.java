package com.depot.accounts;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import javax.persistence.EntityManager;
import javax.persistence.PersistenceContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.namedparam.MapSqlParameterSource;
import org.springframework.jdbc.core.namedparam.NamedParameterJdbcTemplate;
import org.springframework.web.bind.annotation.*;

@RestController
@RequestMapping("/accounts")
public class AccountController {

    private static final Set<String> STATES = Set.of("open", "closed", "frozen");
    private static final Pattern WORD = Pattern.compile("[A-Za-z_]{1,30}");

    private final JdbcTemplate jdbc;
    private final NamedParameterJdbcTemplate named;
    private final AccountMapper mapper;

    @PersistenceContext
    private EntityManager em;

    public AccountController(JdbcTemplate jdbc, NamedParameterJdbcTemplate named, AccountMapper mapper) {
        this.jdbc = jdbc;
        this.named = named;
        this.mapper = mapper;
    }

    @GetMapping
    public List<Map<String, Object>> list(@RequestParam String owner,
            @RequestParam(defaultValue = "id") String sort) {
        return jdbc.queryForList("SELECT id, owner, balance FROM account WHERE owner = ? ORDER BY " + sort, owner);
    }

    @GetMapping("/sorted")
    public List<Map<String, Object>> listSorted(@RequestParam String owner,
            @RequestParam(defaultValue = "id") String sort) {
        if (!WORD.matcher(sort).matches()) {
            throw new IllegalArgumentException("sort");
        }
        return jdbc.queryForList("SELECT id, owner, balance FROM account WHERE owner = ? ORDER BY " + sort, owner);
    }

    @GetMapping("/grouped")
    public List<Map<String, Object>> listGrouped(@RequestParam("by") String column) {
        if (!WORD.matcher(column).find()) {
            throw new IllegalArgumentException("by");
        }
        return jdbc.queryForList("SELECT " + column + ", count(*) FROM account GROUP BY " + column);
    }

    @GetMapping("/{id}/entries")
    public List<Map<String, Object>> entries(@PathVariable UUID id) {
        return jdbc.queryForList("SELECT * FROM entry WHERE account = '" + id + "' ORDER BY booked");
    }

    @PostMapping("/search")
    public List<?> search(@RequestBody AccountFilter filter) {
        String jpql = "select a from Account a where a.state = 'open'";
        if (filter.getOwner() != null) {
            jpql += " and a.owner like '%" + filter.getOwner() + "%'";
        }
        return em.createQuery(jpql).setMaxResults(filter.getLimit()).getResultList();
    }

    @PostMapping("/find")
    public List<?> find(@RequestBody AccountFilter filter) {
        String jpql = "select a from Account a where a.state = 'open'";
        boolean byOwner = filter.getOwner() != null;
        if (byOwner) {
            jpql += " and a.owner like :owner";
        }
        var query = em.createQuery(jpql);
        if (byOwner) {
            query.setParameter("owner", "%" + filter.getOwner() + "%");
        }
        return query.setMaxResults(filter.getLimit()).getResultList();
    }

    @GetMapping("/state")
    public List<Map<String, Object>> byState(@ModelAttribute AccountFilter filter) {
        String state = filter.getState();
        if (!STATES.contains(state)) {
            state = "open";
        }
        return named.queryForList("SELECT * FROM account WHERE state = '" + state + "' AND owner = :owner",
                new MapSqlParameterSource("owner", filter.getOwner()));
    }

    @GetMapping("/branch/{branch}")
    public List<Account> byBranch(@PathVariable String branch) {
        return mapper.ofBranch(branch);
    }

    @GetMapping("/city/{city}")
    public List<Account> byCity(@PathVariable String city) {
        return mapper.ofCity(city);
    }

    @PostMapping("/{id}")
    public Account update(@ModelAttribute Account account) {
        return em.merge(account);
    }

    @PostMapping("/{id}/contact")
    public Account updateContact(@PathVariable long id, @ModelAttribute AccountFilter form) {
        Account account = em.find(Account.class, id);
        account.setOwner(form.getOwner());
        account.setState(STATES.contains(form.getState()) ? form.getState() : account.getState());
        return em.merge(account);
    }
}
