use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tiny_http::{Request, Response, StatusCode};

const ROOT: &str = "/var/lib/agentd/files";

#[derive(Deserialize)]
struct Batch {
    files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Names {
    names: Vec<String>,
}

fn under_root(name: &str) -> PathBuf {
    let name = name.trim_start_matches('/');
    Path::new(ROOT).join(name)
}

fn checked(name: &str) -> io::Result<PathBuf> {
    let root = fs::canonicalize(ROOT)?;
    let path = fs::canonicalize(root.join(name))?;
    path.strip_prefix(&root)
        .map_err(|_| io::Error::from(io::ErrorKind::PermissionDenied))?;
    Ok(path)
}

fn reply(request: Request, code: u16) -> io::Result<()> {
    request.respond(Response::empty(StatusCode(code)))
}

pub fn store_batch(mut request: Request) -> anyhow::Result<()> {
    let batch: Batch = serde_json::from_reader(request.as_reader())?;
    for (name, text) in batch.files {
        let path = under_root(&name);
        fs::write(path, text)?;
    }
    Ok(reply(request, 204)?)
}

pub fn store_numbered(mut request: Request) -> anyhow::Result<()> {
    let batch: Batch = serde_json::from_reader(request.as_reader())?;
    for (index, text) in batch.files.into_values().enumerate() {
        let path = under_root(&format!("{index:04}.txt"));
        fs::write(path, text)?;
    }
    Ok(reply(request, 204)?)
}

pub fn remove(request: Request) -> anyhow::Result<()> {
    let name = request.url().trim_start_matches("/files/").to_string();
    let name = urlencoding::decode(&name)?.into_owned();
    let drop_it = |name: &str| fs::remove_file(Path::new(ROOT).join(name));
    let code = if drop_it(&name).is_ok() { 204 } else { 404 };
    Ok(reply(request, code)?)
}

pub fn discard(request: Request) -> anyhow::Result<()> {
    let name = request.url().trim_start_matches("/files/").to_string();
    let name = urlencoding::decode(&name)?.into_owned();
    let drop_it = |name: &str| checked(name).and_then(fs::remove_file);
    let code = if drop_it(&name).is_ok() { 204 } else { 404 };
    Ok(reply(request, code)?)
}

pub fn sizes(mut request: Request) -> anyhow::Result<()> {
    let wanted: Names = serde_json::from_reader(request.as_reader())?;
    let total: u64 = wanted
        .names
        .iter()
        .filter_map(|name| checked(name).ok())
        .filter_map(|path| fs::metadata(path).ok())
        .map(|meta| meta.len())
        .sum();
    Ok(request.respond(Response::from_string(total.to_string()))?)
}
