use fancy_regex::RegexBuilder;
use serde::Deserialize;
use warp::{Filter, Rejection, Reply};

#[derive(Debug, Deserialize)]
pub struct Grep {
    pattern: String,
    text: String,
}

#[derive(Debug, Deserialize)]
pub struct Blank {
    count: usize,
}

pub async fn grep(wish: Grep) -> Result<impl Reply, Rejection> {
    let regex = RegexBuilder::new(&wish.pattern)
        .backtrack_limit(usize::MAX)
        .build()
        .map_err(|_| warp::reject())?;
    let found = regex.is_match(&wish.text).unwrap_or(false);
    Ok(warp::reply::json(&found))
}

pub async fn search(wish: Grep) -> Result<impl Reply, Rejection> {
    let regex = regex::RegexBuilder::new(&wish.pattern)
        .size_limit(64 * 1024)
        .build()
        .map_err(|_| warp::reject())?;
    let found = regex.is_match(&wish.text);
    Ok(warp::reply::json(&found))
}

pub async fn blank(wish: Blank) -> Result<impl Reply, Rejection> {
    let mut cells: Vec<u64> = Vec::with_capacity(wish.count);
    cells.resize(wish.count, 0);
    Ok(warp::reply::json(&cells))
}

pub async fn grid(wish: Blank) -> Result<impl Reply, Rejection> {
    let count = wish.count.min(512);
    let mut cells: Vec<u64> = Vec::with_capacity(count);
    cells.resize(count, 0);
    Ok(warp::reply::json(&cells))
}

pub fn routes() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    let posts = warp::post().and(warp::body::content_length_limit(64 * 1024));
    let grep = posts.and(warp::path("grep")).and(warp::body::json()).and_then(grep);
    let search = posts.and(warp::path("search")).and(warp::body::json()).and_then(search);
    let blank = posts.and(warp::path("blank")).and(warp::body::json()).and_then(blank);
    let grid = posts.and(warp::path("grid")).and(warp::body::json()).and_then(grid);
    grep.or(search).or(blank).or(grid)
}
