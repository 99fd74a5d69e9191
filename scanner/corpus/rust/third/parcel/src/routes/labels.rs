use std::path::Path as FsPath;

use axum::{
    extract::{Path, Query},
    http::{header, StatusCode},
    response::IntoResponse,
    Form,
};
use serde::Deserialize;
use tokio::process::Command;

use crate::store;

#[derive(Deserialize)]
pub struct PrintJob {
    printer: String,
    label: u64,
    copies: Option<String>,
}

#[derive(Deserialize)]
pub struct Conversion {
    tool: String,
    label: u64,
}

fn failed<E: std::fmt::Display>(err: E) -> StatusCode {
    tracing::warn!("label: {err}");
    StatusCode::INTERNAL_SERVER_ERROR
}

pub async fn print(Form(job): Form<PrintJob>) -> Result<StatusCode, StatusCode> {
    let file = format!("{}/{:012}.pdf", store::LABELS, job.label);
    let line = format!("lp -d {} {}", job.printer, file);
    let status = Command::new("sh").arg("-c").arg(&line).status().await.map_err(failed)?;
    if status.success() {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(StatusCode::BAD_GATEWAY)
    }
}

pub async fn print_again(Form(job): Form<PrintJob>) -> Result<StatusCode, StatusCode> {
    let file = format!("{}/{:012}.pdf", store::LABELS, job.label);
    let copies: u8 = job
        .copies
        .as_deref()
        .unwrap_or("1")
        .parse()
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    let status = Command::new("lp")
        .arg("-d")
        .arg(&job.printer)
        .arg("-n")
        .arg(copies.to_string())
        .arg("--")
        .arg(&file)
        .status()
        .await
        .map_err(failed)?;
    if status.success() {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(StatusCode::BAD_GATEWAY)
    }
}

pub async fn convert(Query(wish): Query<Conversion>) -> Result<Vec<u8>, StatusCode> {
    let file = format!("{}/{:012}.pdf", store::LABELS, wish.label);
    let program = &wish.tool;
    let out = Command::new(program)
        .arg(&file)
        .arg("-")
        .output()
        .await
        .map_err(failed)?;
    Ok(out.stdout)
}

pub async fn render(Query(wish): Query<Conversion>) -> Result<Vec<u8>, StatusCode> {
    let file = format!("{}/{:012}.pdf", store::LABELS, wish.label);
    let program = match wish.tool.as_str() {
        "text" => "pdftotext",
        "image" => "pdftocairo",
        _ => return Err(StatusCode::BAD_REQUEST),
    };
    let out = Command::new(program)
        .arg(&file)
        .arg("-")
        .output()
        .await
        .map_err(failed)?;
    Ok(out.stdout)
}

pub async fn download(Path(name): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let bytes = store::load_label(&name).await.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes))
}

pub async fn numbered(Path((id, pages)): Path<(u64, u8)>) -> Result<impl IntoResponse, StatusCode> {
    let name = store::label_name(id, pages);
    let bytes = store::load_label(&name).await.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes))
}

pub async fn archived(Path(name): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let bytes = store::load_inside(FsPath::new("/srv/parcel/archive"), &name)
        .await
        .map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], bytes))
}
