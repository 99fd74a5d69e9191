use axum::{extract::Query, response::Html};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Preview {
    title: String,
    note: Option<String>,
}

pub async fn preview(Query(text): Query<Preview>) -> Html<String> {
    let note = text.note.as_deref().unwrap_or("");
    Html(format!(
        "<article><h1>{}</h1><p>{}</p></article>",
        html_escape::encode_text(&text.title),
        note
    ))
}

pub async fn draft(Query(text): Query<Preview>) -> Html<String> {
    let note = text.note.as_deref().unwrap_or("");
    Html(format!(
        "<article><h1>{}</h1><p>{}</p></article>",
        html_escape::encode_text(&text.title),
        html_escape::encode_text(note)
    ))
}

pub async fn plain(Query(text): Query<Preview>) -> String {
    format!("{}\n\n{}\n", text.title, text.note.unwrap_or_default())
}
