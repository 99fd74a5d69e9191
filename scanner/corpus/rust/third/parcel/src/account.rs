use axum::{
    extract::{DefaultBodyLimit, Query, Request},
    http::StatusCode,
    response::Redirect,
    routing::{get, post},
    Router,
};
use serde::Deserialize;

const PAGES: [&str; 3] = ["/", "/shipments", "/account"];

#[derive(Deserialize)]
pub struct Next {
    next: String,
}

pub async fn after_login(Query(query): Query<Next>) -> Redirect {
    let target = query.next;
    Redirect::to(&target)
}

pub async fn after_consent(Query(query): Query<Next>) -> Redirect {
    if query.next.starts_with('/') {
        Redirect::to(&query.next)
    } else {
        Redirect::to("/")
    }
}

pub async fn after_logout(Query(query): Query<Next>) -> Redirect {
    let mut target = query.next;
    if !PAGES.contains(&target.as_str()) {
        target = String::from("/");
    }
    Redirect::to(&target)
}

pub async fn import(request: Request) -> Result<String, StatusCode> {
    let body = axum::body::to_bytes(request.into_body(), usize::MAX)
        .await
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(format!("{} bytes", body.len()))
}

pub async fn import_small(request: Request) -> Result<String, StatusCode> {
    let body = axum::body::to_bytes(request.into_body(), 256 * 1024)
        .await
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(format!("{} bytes", body.len()))
}

pub fn routes() -> Router {
    Router::new()
        .route("/welcome", get(after_login))
        .route("/bye", get(after_logout))
        .route("/import", post(import))
        .layer(DefaultBodyLimit::max(512 * 1024))
}
