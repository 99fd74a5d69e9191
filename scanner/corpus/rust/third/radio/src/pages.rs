use rocket::{
    http::{Cookie, CookieJar},
    response::{content::RawHtml, Redirect},
};

#[get("/greet?<listener>")]
pub fn greet(listener: &str) -> RawHtml<String> {
    RawHtml(format!("<p>This one is for <em>{listener}</em>.</p>"))
}

#[get("/thanks?<listener>")]
pub fn thanks(listener: &str) -> RawHtml<String> {
    let listener = html_escape::encode_safe(listener);
    RawHtml(format!("<p>Thank you, <em>{listener}</em>.</p>"))
}

#[get("/out?<to>")]
pub fn out(to: String, jar: &CookieJar<'_>) -> Redirect {
    jar.remove(Cookie::from("nowplaying"));
    Redirect::to(to)
}

#[get("/shows/<id>")]
pub fn show(id: u32) -> String {
    format!("show {id}")
}

#[get("/latest?<id>")]
pub fn latest(id: u32) -> Redirect {
    Redirect::to(uri!(show(id)))
}
