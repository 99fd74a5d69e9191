package com.depot.accounts;

import java.math.BigDecimal;
import javax.persistence.Entity;
import javax.persistence.Id;

@Entity
public class Account {
    @Id
    private long id;
    private String owner;
    private String state;
    private String role;
    private BigDecimal balance;

    public long getId() { return id; }
    public void setId(long id) { this.id = id; }
    public String getOwner() { return owner; }
    public void setOwner(String owner) { this.owner = owner; }
    public String getState() { return state; }
    public void setState(String state) { this.state = state; }
    public String getRole() { return role; }
    public void setRole(String role) { this.role = role; }
    public BigDecimal getBalance() { return balance; }
    public void setBalance(BigDecimal balance) { this.balance = balance; }
}
