use actix_cors::Cors;
use actix_web::{
    http::header::{self, ContentType},
    post, web, HttpRequest, HttpResponse, Responder,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Note {
    patient: i32,
    text: String,
}

#[post("/notes/preview")]
pub async fn note_preview(note: web::Form<Note>) -> impl Responder {
    let mut page = String::from("<!doctype html><title>note</title>");
    for line in note.text.lines() {
        page.push_str("<p>");
        page.push_str(line);
        page.push_str("</p>");
    }
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

#[post("/notes/print")]
pub async fn note_print(note: web::Form<Note>) -> impl Responder {
    let mut page = String::from("<!doctype html><title>note</title>");
    for line in note.text.lines() {
        page.push_str("<p>");
        page.push_str(&v_htmlescape::escape(line).to_string());
        page.push_str("</p>");
    }
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

#[post("/notes/raw")]
pub async fn note_raw(note: web::Form<Note>) -> impl Responder {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(format!("{}: {}", note.patient, note.text))
}

pub fn portal_cors() -> Cors {
    Cors::default()
        .allow_any_origin()
        .allow_any_header()
        .allowed_methods(vec!["GET", "POST"])
        .supports_credentials()
        .max_age(3600)
}

pub fn desk_cors() -> Cors {
    Cors::default()
        .allowed_origin("https://desk.clinic.example")
        .allowed_origin("https://portal.clinic.example")
        .allow_any_header()
        .allowed_methods(vec!["GET", "POST"])
        .supports_credentials()
        .max_age(3600)
}

pub async fn whoami(req: HttpRequest) -> impl Responder {
    let agent = req.headers().get(header::USER_AGENT).is_some();
    HttpResponse::Ok().json(agent)
}
