use std::path::{Path, PathBuf};

use rocket::fs::NamedFile;

#[get("/recordings?<name>")]
pub async fn recording(name: String) -> Option<NamedFile> {
    let path = Path::new("/srv/radio/recordings").join(name);
    NamedFile::open(path).await.ok()
}

#[get("/covers/<file..>")]
pub async fn cover(file: PathBuf) -> Option<NamedFile> {
    let path = Path::new("/srv/radio/covers").join(file);
    NamedFile::open(path).await.ok()
}

#[get("/playlists/<name>")]
pub async fn playlist(name: &str) -> Option<NamedFile> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let path = Path::new("/srv/radio/playlists").join(format!("{name}.m3u"));
    NamedFile::open(path).await.ok()
}
