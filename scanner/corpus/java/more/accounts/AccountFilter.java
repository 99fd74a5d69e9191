package com.depot.accounts;

public class AccountFilter {
    private String owner;
    private String state;
    private int limit = 20;

    public String getOwner() { return owner; }
    public void setOwner(String owner) { this.owner = owner; }
    public String getState() { return state; }
    public void setState(String state) { this.state = state; }
    public int getLimit() { return limit; }
    public void setLimit(int limit) { this.limit = limit; }
}
