#[macro_use]
extern crate rocket;

mod files;
mod pages;

use std::sync::Mutex;

use rocket::{form::Form, http::Status, serde::json::Json, State};
use rusqlite::{named_params, params, Connection};

type Db = State<Mutex<Connection>>;

#[derive(FromForm)]
struct Wish {
    song: String,
    listener: String,
}

#[get("/")]
fn index() -> &'static str {
    "radio"
}

#[get("/songs?<artist>")]
fn songs(db: &Db, artist: &str) -> Result<Json<Vec<String>>, Status> {
    let conn = db.lock().unwrap();
    let sql = "SELECT title FROM songs WHERE artist = '".to_owned() + artist + "' ORDER BY title";
    let mut statement = conn.prepare(&sql).map_err(|_| Status::InternalServerError)?;
    let titles = statement
        .query_map([], |row| row.get::<_, String>(0))
        .map_err(|_| Status::InternalServerError)?
        .filter_map(Result::ok)
        .collect();
    Ok(Json(titles))
}

#[get("/albums?<artist>")]
fn albums(db: &Db, artist: &str) -> Result<Json<Vec<String>>, Status> {
    let conn = db.lock().unwrap();
    let sql = "SELECT title FROM albums WHERE artist = ".to_owned() + ":artist" + " ORDER BY title";
    let mut statement = conn.prepare(&sql).map_err(|_| Status::InternalServerError)?;
    let titles = statement
        .query_map(named_params! {":artist": artist}, |row| row.get::<_, String>(0))
        .map_err(|_| Status::InternalServerError)?
        .filter_map(Result::ok)
        .collect();
    Ok(Json(titles))
}

#[post("/wishes", data = "<wish>")]
fn wish(db: &Db, wish: Form<Wish>) -> Status {
    let conn = db.lock().unwrap();
    let batch = format!(
        "BEGIN; INSERT INTO wishes (song, listener) VALUES ('{}', '{}'); COMMIT;",
        wish.song, wish.listener
    );
    match conn.execute_batch(&batch) {
        Ok(()) => Status::Created,
        Err(_) => Status::InternalServerError,
    }
}

#[put("/wishes", data = "<wish>")]
fn change_wish(db: &Db, wish: Form<Wish>) -> Status {
    let conn = db.lock().unwrap();
    let changed = conn.execute(
        "UPDATE wishes SET song = ?1 WHERE listener = ?2",
        params![wish.song, wish.listener],
    );
    match changed {
        Ok(0) => Status::NotFound,
        Ok(_) => Status::NoContent,
        Err(_) => Status::InternalServerError,
    }
}

#[launch]
fn rocket() -> _ {
    let conn = Connection::open("radio.db").expect("database");
    rocket::build().manage(Mutex::new(conn)).mount(
        "/",
        routes![
            index,
            songs,
            albums,
            wish,
            change_wish,
            files::recording,
            files::cover,
            files::playlist,
            pages::greet,
            pages::thanks,
            pages::out,
            pages::show,
            pages::latest
        ],
    )
}
