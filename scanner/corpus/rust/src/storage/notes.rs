//! Notes that users keep as text files.

use actix_web::{Error, error, web};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::{fs, io};

const ROOT: &str = "/srv/blobs";

#[derive(Deserialize)]
pub struct Named {
    name: String,
}

pub struct Shelf {
    root: PathBuf,
}

impl Shelf {
    pub fn new(name: &str) -> Self {
        Shelf { root: Path::new(ROOT).join(name) }
    }

    pub fn read(&self, name: &str) -> io::Result<String> {
        fs::read_to_string(self.root.join(name))
    }

    pub fn total(&self) -> io::Result<usize> {
        Ok(fs::read_dir(&self.root)?.count())
    }
}

pub async fn note(query: web::Query<Named>) -> Result<String, Error> {
    let shelf = Shelf::new("notes");
    shelf.read(&query.name).map_err(error::ErrorNotFound)
}

pub async fn front_note(query: web::Query<Named>) -> Result<String, Error> {
    let shelf = Shelf::new("notes");
    let text = shelf.read("front.txt").map_err(error::ErrorNotFound)?;
    Ok(text.replace("{name}", &query.name))
}
