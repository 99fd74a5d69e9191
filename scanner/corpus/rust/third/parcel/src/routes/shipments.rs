use std::collections::HashMap;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    Json,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};

use crate::store;

#[derive(Clone)]
pub struct App {
    pub db: PgPool,
}

#[derive(Debug, Deserialize)]
pub struct Search {
    pub city: Option<String>,
    pub carriers: Option<String>,
    pub depot: Option<String>,
    pub page: Option<u32>,
}

#[derive(Serialize, FromRow)]
pub struct Shipment {
    id: i64,
    reference: String,
    city: String,
    carrier: String,
}

const COLUMNS: &str = "id, reference, city, carrier";

fn internal(err: sqlx::Error) -> StatusCode {
    tracing::error!(error = ?err, "query failed");
    StatusCode::INTERNAL_SERVER_ERROR
}

pub async fn health() -> &'static str {
    "ok"
}

pub async fn by_city(State(app): State<App>, Query(search): Query<Search>) -> Result<Json<Vec<Shipment>>, StatusCode> {
    let city = search.city.unwrap_or_default();
    let wanted = city.trim().to_lowercase();
    let sql = format!("SELECT {COLUMNS} FROM shipments WHERE lower(city) = '{wanted}' ORDER BY id");
    let rows = sqlx::query_as::<_, Shipment>(&sql)
        .fetch_all(&app.db)
        .await
        .map_err(internal)?;
    Ok(Json(rows))
}

pub async fn by_city_start(
    State(app): State<App>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Shipment>>, StatusCode> {
    let city = search.city.unwrap_or_default();
    let wanted = format!("{}%", city.trim().to_lowercase());
    let sql = format!("SELECT {COLUMNS} FROM shipments WHERE lower(city) LIKE $1 ORDER BY id");
    let rows = sqlx::query_as::<_, Shipment>(&sql)
        .bind(wanted)
        .fetch_all(&app.db)
        .await
        .map_err(internal)?;
    Ok(Json(rows))
}

pub async fn by_carriers(
    State(app): State<App>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Shipment>>, StatusCode> {
    let listed = search.carriers.unwrap_or_default();
    let names: Vec<String> = listed.split(',').map(|name| format!("'{}'", name.trim())).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM shipments WHERE carrier IN ({})",
        names.join(", ")
    );
    let rows = sqlx::query_as::<_, Shipment>(&sql)
        .fetch_all(&app.db)
        .await
        .map_err(internal)?;
    Ok(Json(rows))
}

pub async fn by_carrier_numbers(
    State(app): State<App>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Shipment>>, StatusCode> {
    let listed = search.carriers.unwrap_or_default();
    let numbers: Vec<String> = listed
        .split(',')
        .filter_map(|number| number.trim().parse::<i64>().ok())
        .map(|number| number.to_string())
        .collect();
    if numbers.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM shipments WHERE carrier_id IN ({})",
        numbers.join(", ")
    );
    let rows = sqlx::query_as::<_, Shipment>(&sql)
        .fetch_all(&app.db)
        .await
        .map_err(internal)?;
    Ok(Json(rows))
}

pub async fn filtered(
    State(app): State<App>,
    Query(filters): Query<HashMap<String, String>>,
) -> Result<Json<Vec<Shipment>>, StatusCode> {
    let mut query: QueryBuilder<Postgres> =
        QueryBuilder::new("SELECT id, reference, city, carrier FROM shipments WHERE true");
    for (column, value) in &filters {
        query.push(" AND ");
        query.push(column);
        query.push(" = ");
        query.push_bind(value);
    }
    let rows = query
        .build_query_as::<Shipment>()
        .fetch_all(&app.db)
        .await
        .map_err(internal)?;
    Ok(Json(rows))
}

pub async fn narrowed(
    State(app): State<App>,
    Query(filters): Query<HashMap<String, String>>,
) -> Result<Json<Vec<Shipment>>, StatusCode> {
    let mut query: QueryBuilder<Postgres> =
        QueryBuilder::new("SELECT id, reference, city, carrier FROM shipments WHERE true");
    for column in ["city", "carrier", "reference"] {
        if let Some(value) = filters.get(column) {
            query.push(" AND ");
            query.push(column);
            query.push(" = ");
            query.push_bind(value);
        }
    }
    let rows = query
        .build_query_as::<Shipment>()
        .fetch_all(&app.db)
        .await
        .map_err(internal)?;
    Ok(Json(rows))
}

pub async fn depot_load(State(app): State<App>, Query(search): Query<Search>) -> Result<Json<i64>, StatusCode> {
    let depot = search.depot.ok_or(StatusCode::BAD_REQUEST)?;
    let condition = format!("depot = '{depot}' AND delivered_at IS NULL");
    store::count_shipments(&app.db, &condition)
        .await
        .map(Json)
        .map_err(internal)
}

pub async fn open_load(State(app): State<App>, headers: HeaderMap) -> Result<Json<i64>, StatusCode> {
    let caller = headers.get("x-caller").and_then(|v| v.to_str().ok());
    tracing::debug!(?caller, "open load");
    let condition = String::from("delivered_at IS NULL");
    store::count_shipments(&app.db, &condition)
        .await
        .map(Json)
        .map_err(internal)
}

pub async fn one(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<Shipment>, StatusCode> {
    sqlx::query_as::<_, Shipment>("SELECT id, reference, city, carrier FROM shipments WHERE id = $1")
        .bind(id)
        .fetch_optional(&app.db)
        .await
        .map_err(internal)?
        .map(Json)
        .ok_or(StatusCode::NOT_FOUND)
}
