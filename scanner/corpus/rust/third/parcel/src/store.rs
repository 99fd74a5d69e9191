use std::{
    io,
    path::{Path, PathBuf},
};

use sqlx::PgPool;
use tokio::fs;

pub const LABELS: &str = "/srv/parcel/labels";

pub async fn count_shipments(db: &PgPool, condition: &str) -> Result<i64, sqlx::Error> {
    let sql = format!("SELECT count(*) FROM shipments WHERE {condition}");
    sqlx::query_scalar::<_, i64>(&sql).fetch_one(db).await
}

pub async fn load_label(name: &str) -> io::Result<Vec<u8>> {
    let mut path = PathBuf::from(LABELS);
    path.push(name);
    fs::read(path).await
}

pub async fn load_inside(base: &Path, name: &str) -> io::Result<Vec<u8>> {
    let base = fs::canonicalize(base).await?;
    let path = fs::canonicalize(base.join(name)).await?;
    if !path.starts_with(&base) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such label"));
    }
    fs::read(&path).await
}

pub fn label_name(id: u64, pages: u8) -> String {
    format!("{id:012}-{pages}.pdf")
}
