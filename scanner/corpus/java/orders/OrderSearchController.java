package com.northwind.orders;

import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowMapper;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/orders")
public class OrderSearchController {

    private static final Map<String, String> SORT_COLUMNS = Map.of(
            "date", "o.placed_at",
            "total", "o.total_cents",
            "customer", "c.display_name");

    private static final RowMapper<OrderRow> ROWS = (rs, i) ->
            new OrderRow(rs.getLong("id"), rs.getString("customer"), rs.getInt("total_cents"));

    private final JdbcTemplate jdbc;

    public OrderSearchController(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @GetMapping("/by-customer")
    public List<OrderRow> findByCustomer(@RequestParam("customer") String customer) {
        String sql = "SELECT id, customer, total_cents FROM orders WHERE customer = '" + customer + "'"
                + " ORDER BY id DESC";
        return jdbc.query(sql, ROWS);
    }

    @GetMapping("/by-status")
    public List<OrderRow> findByStatus(@RequestParam("status") String status) {
        String sql = "SELECT id, customer, total_cents FROM orders WHERE status = ?"
                + " ORDER BY id DESC";
        return jdbc.query(sql, ROWS, status);
    }

    @GetMapping
    public List<OrderRow> list(@RequestParam(value = "sort", defaultValue = "date") String sort) {
        String column = SORT_COLUMNS.get(sort);
        if (column == null) {
            throw new IllegalArgumentException("unknown sort key");
        }
        return jdbc.query("SELECT o.id, o.customer, o.total_cents FROM orders o"
                + " JOIN customers c ON c.id = o.customer_id ORDER BY " + column, ROWS);
    }

    @PostMapping("/bulk-status")
    public int bulkStatus(@RequestBody BulkRequest body) {
        StringBuilder in = new StringBuilder();
        for (String id : body.ids()) {
            if (in.length() > 0) {
                in.append(',');
            }
            in.append('\'').append(id).append('\'');
        }
        return jdbc.update("UPDATE orders SET archived = 1 WHERE ref IN (" + in + ")");
    }

    @GetMapping("/ref/{reference}")
    public List<OrderRow> byReference(@PathVariable String reference) {
        UUID ref = UUID.fromString(reference);
        return jdbc.query("SELECT id, customer, total_cents FROM orders WHERE ref = '" + ref + "'", ROWS);
    }

    @GetMapping("/today")
    public List<OrderRow> today() {
        return jdbc.query("SELECT id, customer, total_cents FROM orders WHERE placed_on = ?", ROWS, LocalDate.now());
    }

    public record OrderRow(long id, String customer, int totalCents) {}

    public record BulkRequest(List<String> ids) {}
}
