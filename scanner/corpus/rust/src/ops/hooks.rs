//! Hooks that other systems call when something happened to a repository or a host.

use axum::extract::{Json, Path, Query};
use axum::http::StatusCode;
use serde::Deserialize;
use std::net::Ipv4Addr;
use tokio::process::Command;

use crate::ops::runner::{Runner, text_of};

const USE_MIRROR: bool = false;

#[derive(Deserialize)]
pub struct Push {
    repository: String,
    branch: String,
}

#[derive(Deserialize)]
pub struct Probe {
    host: String,
}

fn bad<E>(_: E) -> StatusCode {
    StatusCode::BAD_REQUEST
}

pub async fn on_push(Json(push): Json<Push>) -> Result<String, StatusCode> {
    let line = format!("cd /srv/checkout && git fetch origin {}", push.branch);
    let output = Command::new("sh").arg("-c").arg(&line).output().await.map_err(bad)?;
    Ok(text_of(&output))
}

pub async fn on_tag(Json(push): Json<Push>) -> Result<String, StatusCode> {
    let reference = format!("refs/tags/{}", push.branch);
    let output = Command::new("git")
        .current_dir("/srv/checkout")
        .args(["fetch", "origin", "--", &reference])
        .output()
        .await
        .map_err(bad)?;
    Ok(text_of(&output))
}

pub async fn probe(Query(probe): Query<Probe>) -> Result<String, StatusCode> {
    let runner = Runner::default();
    let output = runner.line(&format!("ping -c 1 {}", probe.host)).map_err(bad)?;
    Ok(text_of(&output))
}

pub async fn probe_address(Query(probe): Query<Probe>) -> Result<String, StatusCode> {
    let address: Ipv4Addr = probe.host.parse().map_err(bad)?;
    let runner = Runner::default();
    let output = runner.line(&format!("ping -c 1 {address}")).map_err(bad)?;
    Ok(text_of(&output))
}

pub async fn uptime(Path(viewer): Path<String>) -> Result<String, StatusCode> {
    let runner = Runner::default();
    let output = runner.line("uptime --pretty").map_err(bad)?;
    Ok(format!("{viewer}: {}", text_of(&output)))
}

pub async fn mirror(Json(push): Json<Push>) -> Result<String, StatusCode> {
    if USE_MIRROR {
        let line = format!("git clone --mirror {}", push.repository);
        let output = Command::new("sh").arg("-c").arg(&line).output().await.map_err(bad)?;
        return Ok(text_of(&output));
    }
    Ok(format!("mirroring is off for {}", push.branch))
}
