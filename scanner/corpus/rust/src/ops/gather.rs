//! Collects journals and archives repositories.

use axum::extract::Form;
use axum::http::{HeaderMap, StatusCode};
use regex::Regex;
use serde::Deserialize;
use std::process::Command as Process;

use crate::ops::runner::text_of;

#[derive(Deserialize)]
pub struct Archive {
    repository: String,
}

fn bad<E>(_: E) -> StatusCode {
    StatusCode::BAD_REQUEST
}

pub async fn collect(headers: HeaderMap) -> Result<String, StatusCode> {
    let unit = headers.get("x-unit").and_then(|v| v.to_str().ok()).unwrap_or("web");
    let arguments = ["-c".to_string(), ["journalctl -n 20 -u", unit].join(" ")];
    let output = Process::new("bash").args(&arguments).output().map_err(bad)?;
    Ok(text_of(&output))
}

pub async fn collect_unit(headers: HeaderMap) -> Result<String, StatusCode> {
    let unit = headers.get("x-unit").and_then(|v| v.to_str().ok()).unwrap_or("web");
    if !matches!(unit, "web" | "worker" | "cron") {
        return Err(StatusCode::NOT_FOUND);
    }
    let arguments = ["-c".to_string(), ["journalctl -n 20 -u", unit].join(" ")];
    let output = Process::new("bash").args(&arguments).output().map_err(bad)?;
    Ok(text_of(&output))
}

pub async fn archive(Form(wanted): Form<Archive>) -> Result<String, StatusCode> {
    let run = |line: String| Process::new("/bin/bash").args(["-lc", &line]).output();
    let output = run(format!("tar czf /srv/backup/{0}.tgz /srv/git/{0}", wanted.repository)).map_err(bad)?;
    Ok(text_of(&output))
}

pub async fn archive_repository(Form(wanted): Form<Archive>) -> Result<String, StatusCode> {
    let pattern = Regex::new(r"^[a-z0-9]{1,40}$").map_err(bad)?;
    if !pattern.is_match(&wanted.repository) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let run = |line: String| Process::new("/bin/bash").args(["-lc", &line]).output();
    let output = run(format!("tar czf /srv/backup/{0}.tgz /srv/git/{0}", wanted.repository)).map_err(bad)?;
    Ok(text_of(&output))
}
