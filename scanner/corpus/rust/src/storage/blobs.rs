//! Pictures, exports and uploads of users.

use actix_files::NamedFile;
use actix_multipart::Field;
use actix_web::{Error, HttpRequest, error};
use futures_util::StreamExt;
use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use uuid::Uuid;

const ROOT: &str = "/srv/blobs";

fn plain(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let ordinary = path.components().all(|part| matches!(part, Component::Normal(_)));
    (ordinary && !name.is_empty()).then_some(path)
}

pub async fn picture(request: HttpRequest) -> Result<NamedFile, Error> {
    let name: PathBuf = request.match_info().query("tail").into();
    Ok(NamedFile::open(Path::new(ROOT).join("pictures").join(name))?)
}

pub async fn drawing(request: HttpRequest) -> Result<NamedFile, Error> {
    let name = request.match_info().query("tail");
    let name = plain(name).ok_or_else(|| error::ErrorNotFound("no such drawing"))?;
    Ok(NamedFile::open(Path::new(ROOT).join("drawings").join(name))?)
}

pub async fn remove_export(request: HttpRequest) -> Result<String, Error> {
    let cookie = request.cookie("export").ok_or_else(|| error::ErrorBadRequest("no export"))?;
    fs::remove_file(format!("{ROOT}/exports/{}", cookie.value()))?;
    Ok("removed".to_string())
}

pub async fn remove_bundle(request: HttpRequest) -> Result<String, Error> {
    let cookie = request.cookie("bundle").ok_or_else(|| error::ErrorBadRequest("no bundle"))?;
    let key = Uuid::parse_str(cookie.value()).map_err(error::ErrorBadRequest)?;
    fs::remove_file(format!("{ROOT}/bundles/{key}"))?;
    Ok("removed".to_string())
}

pub async fn upload(mut field: Field) -> Result<String, Error> {
    let disposition = field.content_disposition().cloned();
    let name = disposition.as_ref().and_then(|d| d.get_filename()).unwrap_or("upload.bin");
    let mut out = fs::File::create(Path::new(ROOT).join("uploads").join(name))?;
    while let Some(chunk) = field.next().await {
        out.write_all(&chunk.map_err(error::ErrorBadRequest)?)?;
    }
    Ok("stored".to_string())
}

pub async fn upload_file(mut field: Field) -> Result<String, Error> {
    let disposition = field.content_disposition().cloned();
    let given = disposition.as_ref().and_then(|d| d.get_filename()).unwrap_or("upload.bin");
    let name = Path::new(given).file_name().ok_or_else(|| error::ErrorBadRequest("no name"))?;
    let mut out = fs::File::create(Path::new(ROOT).join("uploads").join(name))?;
    while let Some(chunk) = field.next().await {
        out.write_all(&chunk.map_err(error::ErrorBadRequest)?)?;
    }
    Ok("stored".to_string())
}
