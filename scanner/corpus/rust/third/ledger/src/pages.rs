use std::{
    fs::File,
    path::{Component, Path, PathBuf},
    process::Command as Run,
};

use tiny_http::{Header, Request, Response, StatusCode};

use crate::reports::params;

const FOLDER: &str = "/var/lib/ledger/reports";

fn html() -> Header {
    Header::from_bytes("Content-Type", "text/html; charset=utf-8").expect("header")
}

pub fn open_report(request: Request) -> anyhow::Result<()> {
    let given = params(&request);
    let name = given.get("name").cloned().unwrap_or_default();
    let path = format!("{FOLDER}/{}", name.replacen("../", "", 1));
    match File::open(path) {
        Ok(file) => Ok(request.respond(Response::from_file(file))?),
        Err(_) => Ok(request.respond(Response::empty(StatusCode(404)))?),
    }
}

pub fn export(request: Request) -> anyhow::Result<()> {
    let given = params(&request);
    let table = given.get("table").map_or("entries", String::as_str);
    let out = Run::new("sh")
        .args(["-c", &format!("pg_dump -t {table} archive | gzip -c")])
        .output()?;
    Ok(request.respond(Response::from_data(out.stdout))?)
}

pub fn export_month(request: Request) -> anyhow::Result<()> {
    let given = params(&request);
    let month = given.get("month").map_or("", String::as_str);
    if month.len() != 6 || !month.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(request.respond(Response::empty(StatusCode(400)))?);
    }
    let out = Run::new("sh")
        .args(["-c", &format!("pg_dump -t entries_{month} archive | gzip -c")])
        .output()?;
    Ok(request.respond(Response::from_data(out.stdout))?)
}

fn resolve(name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    let mut parts = name.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(part)), None) => Some(Path::new(FOLDER).join(part)),
        _ => None,
    }
}

pub fn open_statement(request: Request) -> anyhow::Result<()> {
    let given = params(&request);
    let name = given.get("name").cloned().unwrap_or_default();
    let Some(path) = resolve(&name) else {
        return Ok(request.respond(Response::empty(StatusCode(404)))?);
    };
    match File::open(path) {
        Ok(file) => Ok(request.respond(Response::from_file(file))?),
        Err(_) => Ok(request.respond(Response::empty(StatusCode(404)))?),
    }
}

pub fn heading(request: Request) -> anyhow::Result<()> {
    let given = params(&request);
    let title = given.get("title").cloned().unwrap_or_default();
    let page = ["<h1>", title.trim(), "</h1>"].concat();
    Ok(request.respond(Response::from_string(page).with_header(html()))?)
}

pub fn year_heading(request: Request) -> anyhow::Result<()> {
    let given = params(&request);
    let year: i32 = given.get("year").and_then(|year| year.parse().ok()).unwrap_or(2024);
    let page = ["<h1>", &year.to_string(), "</h1>"].concat();
    Ok(request.respond(Response::from_string(page).with_header(html()))?)
}
