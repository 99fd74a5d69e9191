use log::{info, warn};
use serde::Deserialize;
use warp::{http::StatusCode, Filter, Rejection, Reply};

const ORIGINS: [&str; 2] = ["https://app.relay.example", "https://map.relay.example"];

#[derive(Debug, Deserialize)]
pub struct Login {
    user: String,
    password: String,
}

fn known(login: &Login) -> bool {
    crate::accounts::check(&login.user, &login.password)
}

pub async fn sign_in(login: Login) -> Result<impl Reply, Rejection> {
    if known(&login) {
        return Ok(StatusCode::NO_CONTENT);
    }
    warn!("sign-in refused for {}", login.user);
    Ok(StatusCode::UNAUTHORIZED)
}

pub async fn sign_in_again(login: Login) -> Result<impl Reply, Rejection> {
    if known(&login) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let user = login.user.escape_debug().to_string();
    info!("second sign-in refused for {user}");
    Ok(StatusCode::UNAUTHORIZED)
}

pub async fn feed(origin: Option<String>) -> Result<impl Reply, Rejection> {
    let allow = origin.unwrap_or_else(|| "null".to_string());
    let reply = warp::reply::json(&ORIGINS.len());
    let reply = warp::reply::with_header(reply, "access-control-allow-origin", allow);
    Ok(warp::reply::with_header(
        reply,
        "access-control-allow-credentials",
        "true",
    ))
}

pub async fn board(origin: Option<String>) -> Result<impl Reply, Rejection> {
    let allow = origin
        .filter(|given| ORIGINS.contains(&given.as_str()))
        .unwrap_or_else(|| ORIGINS[0].to_string());
    let reply = warp::reply::json(&ORIGINS.len());
    let reply = warp::reply::with_header(reply, "access-control-allow-origin", allow);
    Ok(warp::reply::with_header(
        reply,
        "access-control-allow-credentials",
        "true",
    ))
}

pub fn routes() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let forms = warp::post().and(warp::body::content_length_limit(4096));
    let sign_in = forms
        .and(warp::path("sign-in"))
        .and(warp::body::form())
        .and_then(sign_in);
    let again = forms
        .and(warp::path("sign-in-again"))
        .and(warp::body::form())
        .and_then(sign_in_again);
    let feed = warp::path("feed")
        .and(warp::header::optional::<String>("origin"))
        .and_then(feed);
    let board = warp::path("board")
        .and(warp::header::optional::<String>("origin"))
        .and_then(board);
    sign_in.or(again).or(feed).or(board)
}
