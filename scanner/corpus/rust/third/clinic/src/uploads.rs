use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use actix_multipart::Multipart;
use actix_web::{error, web, Error, HttpResponse};
use futures_util::{StreamExt, TryStreamExt};
use uuid::Uuid;

const SCANS: &str = "/var/lib/clinic/scans";
const PUBLIC: &str = "/srv/clinic/static/avatars";
const BIGGEST: usize = 4 * 1024 * 1024;

pub fn assets() -> actix_files::Files {
    actix_files::Files::new("/static", "/srv/clinic/static")
}

pub async fn add_scan(mut payload: Multipart) -> Result<HttpResponse, Error> {
    while let Some(mut field) = payload.try_next().await? {
        let name = field.content_disposition().get_filename().unwrap_or("scan").to_owned();
        let mut file = fs::File::create(Path::new(SCANS).join(&name))?;
        let mut written = 0;
        while let Some(chunk) = field.try_next().await? {
            written += chunk.len();
            if written > BIGGEST {
                return Err(error::ErrorPayloadTooLarge("too large"));
            }
            file.write_all(&chunk)?;
        }
    }
    Ok(HttpResponse::Created().finish())
}

pub async fn add_film(mut payload: Multipart) -> Result<HttpResponse, Error> {
    while let Some(mut field) = payload.try_next().await? {
        let label = field.content_disposition().get_filename().unwrap_or("film").to_owned();
        let name = format!("{}.bin", Uuid::new_v4());
        log::info!("storing {label:?} as {name}");
        let mut file = fs::File::create(Path::new(SCANS).join(&name))?;
        let mut written = 0;
        while let Some(chunk) = field.try_next().await? {
            written += chunk.len();
            if written > BIGGEST {
                return Err(error::ErrorPayloadTooLarge("too large"));
            }
            file.write_all(&chunk)?;
        }
    }
    Ok(HttpResponse::Created().finish())
}

async fn bounded(field: &mut actix_multipart::Field) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.try_next().await? {
        if bytes.len() + chunk.len() > BIGGEST {
            return Err(error::ErrorPayloadTooLarge("too large"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

pub async fn set_avatar(mut payload: Multipart) -> Result<HttpResponse, Error> {
    let mut field = payload
        .try_next()
        .await?
        .ok_or_else(|| error::ErrorBadRequest("no file"))?;
    let given = field.content_disposition().get_filename().map(PathBuf::from);
    let extension = given
        .as_deref()
        .and_then(Path::extension)
        .and_then(|ext| ext.to_str())
        .unwrap_or("png")
        .to_owned();
    let bytes = bounded(&mut field).await?;
    let name = format!("{}.{extension}", Uuid::new_v4());
    fs::write(Path::new(PUBLIC).join(&name), bytes)?;
    Ok(HttpResponse::Ok().body(name))
}

pub async fn set_portrait(mut payload: Multipart) -> Result<HttpResponse, Error> {
    let mut field = payload
        .try_next()
        .await?
        .ok_or_else(|| error::ErrorBadRequest("no file"))?;
    let given = field.content_disposition().get_filename().map(PathBuf::from);
    let extension = match given.as_deref().and_then(Path::extension).and_then(|ext| ext.to_str()) {
        Some("png") => "png",
        Some("jpg" | "jpeg") => "jpg",
        _ => return Err(error::ErrorUnsupportedMediaType("png or jpg")),
    };
    let bytes = bounded(&mut field).await?;
    let name = format!("{}.{extension}", Uuid::new_v4());
    fs::write(Path::new(PUBLIC).join(&name), bytes)?;
    Ok(HttpResponse::Ok().body(name))
}

pub async fn ingest(mut payload: web::Payload) -> Result<HttpResponse, Error> {
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        body.extend_from_slice(&chunk?);
    }
    Ok(HttpResponse::Ok().body(format!("{} bytes", body.len())))
}

pub async fn ingest_reading(mut payload: web::Payload) -> Result<HttpResponse, Error> {
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > BIGGEST {
            return Err(error::ErrorPayloadTooLarge("too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse::Ok().body(format!("{} bytes", body.len())))
}

pub fn prepare_spool(root: &Path) -> std::io::Result<PathBuf> {
    let spool = root.join("spool");
    fs::create_dir_all(&spool)?;
    let mut permissions = fs::metadata(&spool)?.permissions();
    permissions.set_mode(0o777);
    fs::set_permissions(&spool, permissions)?;
    Ok(spool)
}

pub fn prepare_inbox(root: &Path) -> std::io::Result<PathBuf> {
    let inbox = root.join("inbox");
    fs::create_dir_all(&inbox)?;
    let mut permissions = fs::metadata(&inbox)?.permissions();
    permissions.set_mode(0o750);
    fs::set_permissions(&inbox, permissions)?;
    Ok(inbox)
}
