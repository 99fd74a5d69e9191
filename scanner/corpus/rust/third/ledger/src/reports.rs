use std::{collections::HashMap, fs::File, io::Read};

use postgres::{Client, Config, NoTls, SimpleQueryMessage};
use postgres_protocol::escape::{escape_identifier, escape_literal};
use tiny_http::{Request, Response, StatusCode};
use url::form_urlencoded;

pub fn params(request: &Request) -> HashMap<String, String> {
    let query = request.url().split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn rows(messages: Vec<SimpleQueryMessage>) -> usize {
    messages
        .iter()
        .filter(|message| matches!(message, SimpleQueryMessage::Row(_)))
        .count()
}

pub fn balance(request: Request, db: &mut Client) -> anyhow::Result<()> {
    let given = params(&request);
    let account = given.get("account").cloned().unwrap_or_default();
    let account = account.replace('\'', "\\'");
    let sql = format!("SELECT amount FROM entries WHERE account = '{account}'");
    let count = rows(db.simple_query(&sql)?);
    Ok(request.respond(Response::from_string(count.to_string()))?)
}

pub fn turnover(request: Request, db: &mut Client) -> anyhow::Result<()> {
    let given = params(&request);
    let account = given.get("account").cloned().unwrap_or_default();
    let account = escape_literal(&account);
    let sql = format!("SELECT amount FROM entries WHERE account = {account}");
    let count = rows(db.simple_query(&sql)?);
    Ok(request.respond(Response::from_string(count.to_string()))?)
}

pub fn refresh(request: Request, db: &mut Client) -> anyhow::Result<()> {
    let given = params(&request);
    if let Some(view) = given.get("view") {
        let statement = "REFRESH MATERIALIZED VIEW ".to_string() + view;
        db.batch_execute(&statement)?;
    }
    Ok(request.respond(Response::empty(StatusCode(204)))?)
}

pub fn rebuild(request: Request, db: &mut Client) -> anyhow::Result<()> {
    let given = params(&request);
    if let Some(view) = given.get("view") {
        let statement = "REFRESH MATERIALIZED VIEW ".to_string() + &escape_identifier(view);
        db.batch_execute(&statement)?;
    }
    Ok(request.respond(Response::empty(StatusCode(204)))?)
}

pub fn entries(request: Request, db: &mut Client) -> anyhow::Result<()> {
    let given = params(&request);
    let month = given.get("month").map(String::as_str).unwrap_or("");
    let found = db.query("SELECT id FROM entries WHERE month = $1", &[&month])?;
    Ok(request.respond(Response::from_string(found.len().to_string()))?)
}

pub fn connect_archive() -> anyhow::Result<Client> {
    let mut config = Config::new();
    config
        .host_path("/run/postgresql")
        .user("ledger")
        .password("nine-copper-kettles")
        .dbname("archive");
    Ok(config.connect(NoTls)?)
}

pub fn connect_live() -> anyhow::Result<Client> {
    let mut password = String::new();
    File::open("/run/credentials/ledger/password")?.read_to_string(&mut password)?;
    let mut config = Config::new();
    config
        .host_path("/run/postgresql")
        .user("ledger")
        .password(password.trim_end())
        .dbname("live");
    Ok(config.connect(NoTls)?)
}
