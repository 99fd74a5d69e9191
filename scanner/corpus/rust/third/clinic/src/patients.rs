use actix_web::{error, get, web, HttpResponse};
use diesel::{
    dsl::sql,
    pg::PgConnection,
    prelude::*,
    r2d2::{ConnectionManager, Pool},
    sql_query,
    sql_types::{Bool, Text},
};
use serde::{Deserialize, Serialize};

use crate::schema::patients;

pub type Db = Pool<ConnectionManager<PgConnection>>;

#[derive(Queryable, QueryableByName, Serialize)]
#[diesel(table_name = patients)]
pub struct Patient {
    pub id: i32,
    pub name: String,
    pub ward: String,
}

#[derive(Deserialize)]
pub struct Lookup {
    name: Option<String>,
    ward: Option<String>,
    sort: Option<String>,
}

fn fetch(db: &Db, statement: String) -> QueryResult<Vec<Patient>> {
    let mut conn = db.get().expect("pool");
    sql_query(statement).load::<Patient>(&mut conn)
}

#[get("/patients")]
pub async fn list(db: web::Data<Db>, lookup: web::Query<Lookup>) -> actix_web::Result<HttpResponse> {
    let name = lookup.into_inner().name.unwrap_or_default();
    let found = web::block(move || {
        fetch(
            &db,
            format!("SELECT id, name, ward FROM patients WHERE name ILIKE '%{name}%'"),
        )
    })
    .await?
    .map_err(|_| error::ErrorInternalServerError("lookup failed"))?;
    Ok(HttpResponse::Ok().json(found))
}

#[get("/patients/sorted")]
pub async fn sorted(db: web::Data<Db>, lookup: web::Query<Lookup>) -> actix_web::Result<HttpResponse> {
    let column = match lookup.sort.as_deref() {
        Some("ward") => "ward, name",
        Some("newest") => "id DESC",
        _ => "name",
    };
    let found = web::block(move || fetch(&db, format!("SELECT id, name, ward FROM patients ORDER BY {column}")))
        .await?
        .map_err(|_| error::ErrorInternalServerError("lookup failed"))?;
    Ok(HttpResponse::Ok().json(found))
}

#[get("/wards/patients")]
pub async fn in_ward(db: web::Data<Db>, lookup: web::Query<Lookup>) -> actix_web::Result<HttpResponse> {
    let ward = lookup.ward.clone().unwrap_or_default();
    let mut conn = db.get().map_err(|_| error::ErrorServiceUnavailable("busy"))?;
    let found = patients::table
        .filter(sql::<Bool>(&format!("ward = '{}'", ward)))
        .order(patients::name.asc())
        .load::<Patient>(&mut conn)
        .map_err(|_| error::ErrorInternalServerError("lookup failed"))?;
    Ok(HttpResponse::Ok().json(found))
}

#[get("/wards/residents")]
pub async fn residents(db: web::Data<Db>, lookup: web::Query<Lookup>) -> actix_web::Result<HttpResponse> {
    let ward = lookup.ward.clone().unwrap_or_default();
    let mut conn = db.get().map_err(|_| error::ErrorServiceUnavailable("busy"))?;
    let found = patients::table
        .filter(sql::<Bool>("ward = ").bind::<Text, _>(ward))
        .order(patients::name.asc())
        .load::<Patient>(&mut conn)
        .map_err(|_| error::ErrorInternalServerError("lookup failed"))?;
    Ok(HttpResponse::Ok().json(found))
}

#[get("/patients/{id}")]
pub async fn show(db: web::Data<Db>, id: web::Path<i32>) -> HttpResponse {
    let mut conn = match db.get() {
        Ok(conn) => conn,
        Err(_) => return HttpResponse::ServiceUnavailable().finish(),
    };
    match patients::table.find(*id).first::<Patient>(&mut conn) {
        Ok(patient) => HttpResponse::Ok().json(patient),
        Err(err) => {
            let backtrace = std::backtrace::Backtrace::force_capture();
            HttpResponse::InternalServerError().body(format!("{err:?}\n{backtrace}"))
        }
    }
}

#[get("/patients/{id}/summary")]
pub async fn summary(db: web::Data<Db>, id: web::Path<i32>) -> HttpResponse {
    let mut conn = match db.get() {
        Ok(conn) => conn,
        Err(_) => return HttpResponse::ServiceUnavailable().finish(),
    };
    match patients::table.find(*id).first::<Patient>(&mut conn) {
        Ok(patient) => HttpResponse::Ok().json(patient.name),
        Err(err) => {
            let backtrace = std::backtrace::Backtrace::force_capture();
            log::error!("summary: {err:?}\n{backtrace}");
            HttpResponse::InternalServerError().body("lookup failed")
        }
    }
}
