use axum::{extract::Path, http::StatusCode, Json};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::clients::outgoing;

#[derive(Deserialize)]
pub struct Hook {
    url: String,
}

#[derive(Serialize)]
struct Event {
    kind: &'static str,
}

const PING: Event = Event { kind: "ping" };
fn gateway(err: reqwest::Error) -> StatusCode {
    tracing::warn!(%err, "hook");
    StatusCode::BAD_GATEWAY
}

pub async fn ping(Json(hook): Json<Hook>) -> Result<String, StatusCode> {
    let answer = reqwest::get(&hook.url).await.map_err(gateway)?;
    answer.text().await.map_err(gateway)
}

pub async fn register(Json(hook): Json<Hook>) -> Result<StatusCode, StatusCode> {
    let url = Url::parse(&hook.url).map_err(|_| StatusCode::BAD_REQUEST)?;
    let known = matches!(url.host_str(), Some("hooks.partner.example" | "intake.partner.example"));
    if url.scheme() != "https" || !known || url.port().is_some() {
        return Err(StatusCode::FORBIDDEN);
    }
    outgoing()
        .map_err(gateway)?
        .post(url)
        .json(&PING)
        .send()
        .await
        .map_err(gateway)?;
    Ok(StatusCode::CREATED)
}

pub async fn replay(Json(hook): Json<Hook>) -> Result<StatusCode, StatusCode> {
    if !hook.url.starts_with("https://hooks.partner.example") {
        return Err(StatusCode::FORBIDDEN);
    }
    outgoing()
        .map_err(gateway)?
        .post(hook.url)
        .json(&PING)
        .send()
        .await
        .map_err(gateway)?;
    Ok(StatusCode::OK)
}

pub async fn tenant_logo(Path(tenant): Path<String>) -> Result<Vec<u8>, StatusCode> {
    let url = format!("https://{tenant}.tenants.parcel.example/logo.png");
    let client = outgoing().map_err(gateway)?;
    let answer = client.get(url).send().await.map_err(gateway)?;
    Ok(answer.bytes().await.map_err(gateway)?.to_vec())
}

pub async fn tenant_status(Path(tenant): Path<u32>) -> Result<Vec<u8>, StatusCode> {
    let url = format!("https://status.parcel.example/tenants/{tenant}");
    let client = outgoing().map_err(gateway)?;
    let answer = client.get(url).send().await.map_err(gateway)?;
    Ok(answer.bytes().await.map_err(gateway)?.to_vec())
}
