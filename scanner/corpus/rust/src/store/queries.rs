//! Query helpers shared by the HTTP handlers and the command-line tool.

use rusqlite::{Connection, Result, Row, params_from_iter};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Ticket {
    pub id: i64,
    pub title: String,
    pub state: String,
}

impl Ticket {
    pub fn from_row(row: &Row<'_>) -> Result<Ticket> {
        Ok(Ticket { id: row.get(0)?, title: row.get(1)?, state: row.get(2)? })
    }
}

/// Runs a SELECT over the ticket columns with a condition written by the caller.
pub fn tickets_where(conn: &Connection, condition: &str) -> Result<Vec<Ticket>> {
    let text = format!("SELECT id, title, state FROM tickets WHERE {condition} ORDER BY id");
    let mut statement = conn.prepare(&text)?;
    let rows = statement.query_map([], Ticket::from_row)?;
    rows.collect()
}

pub fn tickets_in_states(conn: &Connection, states: &[String]) -> Result<Vec<Ticket>> {
    let marks = vec!["?"; states.len()].join(", ");
    let text = format!("SELECT id, title, state FROM tickets WHERE state IN ({marks})");
    let mut statement = conn.prepare(&text)?;
    let rows = statement.query_map(params_from_iter(states), Ticket::from_row)?;
    rows.collect()
}
