//! Ticket endpoints (actix-web on top of rusqlite).

use actix_web::{HttpRequest, HttpResponse, Responder, delete, get, post, web};
use rusqlite::{Connection, params};
use serde::Deserialize;
use std::sync::Mutex;

use crate::store::queries::{Ticket, tickets_in_states, tickets_where};

pub type Db = web::Data<Mutex<Connection>>;

#[derive(Deserialize)]
pub struct Search {
    q: String,
    states: Option<String>,
}

#[derive(Deserialize)]
pub struct Closing {
    ids: Vec<String>,
}

fn reply(found: rusqlite::Result<Vec<Ticket>>) -> HttpResponse {
    match found {
        Ok(tickets) => HttpResponse::Ok().json(tickets),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

#[get("/tickets/search")]
async fn search(db: Db, query: web::Query<Search>) -> impl Responder {
    let conn = db.lock().unwrap();
    let condition = format!("title LIKE '%{}%'", query.q);
    reply(tickets_where(&conn, &condition))
}

#[get("/tickets/states")]
async fn by_states(db: Db, query: web::Query<Search>) -> impl Responder {
    let conn = db.lock().unwrap();
    let states: Vec<String> =
        query.states.as_deref().unwrap_or("open").split(',').map(str::to_owned).collect();
    reply(tickets_in_states(&conn, &states))
}

#[get("/tickets/open")]
async fn open_tickets(db: Db, query: web::Query<Search>) -> impl Responder {
    let conn = db.lock().unwrap();
    let mut condition = format!("title = '{}'", query.q);
    if condition.len() > 4096 {
        return HttpResponse::BadRequest().finish();
    }
    condition = String::from("state = 'open'");
    reply(tickets_where(&conn, &condition))
}

#[delete("/tickets")]
async fn close_many(db: Db, body: web::Json<Closing>) -> impl Responder {
    let conn = db.lock().unwrap();
    let mut script = String::new();
    for id in &body.ids {
        script.push_str("UPDATE tickets SET state = 'closed' WHERE id = ");
        script.push_str(id);
        script.push_str(";\n");
    }
    match conn.execute_batch(&script) {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

#[post("/tickets/reopen")]
async fn reopen_many(db: Db, body: web::Json<Closing>) -> impl Responder {
    let conn = db.lock().unwrap();
    let mut script = String::new();
    for id in body.ids.iter().filter_map(|id| id.parse::<u64>().ok()) {
        script.push_str("UPDATE tickets SET state = 'open' WHERE id = ");
        script.push_str(&id.to_string());
        script.push_str(";\n");
    }
    match conn.execute_batch(&script) {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

#[get("/tickets/assigned")]
async fn assigned(db: Db, request: HttpRequest) -> impl Responder {
    let conn = db.lock().unwrap();
    let agent = request.headers().get("x-agent").and_then(|value| value.to_str().ok()).unwrap_or("nobody");
    let count: rusqlite::Result<i64> = conn.query_row(
        "SELECT count(*) FROM tickets WHERE agent = ?1 AND state <> 'closed'",
        params![agent],
        |row| row.get(0),
    );
    HttpResponse::Ok().json(count.unwrap_or(0))
}
