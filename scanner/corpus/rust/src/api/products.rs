//! Product endpoints (axum with sqlx and Postgres).

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, PgPool, QueryBuilder};

#[derive(FromRow, Serialize)]
pub struct Product {
    pub id: i64,
    pub name: String,
    pub cents: i64,
}

#[derive(Deserialize)]
pub struct Listing {
    sort: Option<String>,
    brand: Option<String>,
}

fn failed(_: sqlx::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

fn column(wanted: Option<&str>) -> &'static str {
    match wanted {
        Some("price") => "cents",
        Some("age") => "created_at",
        _ => "name",
    }
}

pub async fn list_products(
    State(pool): State<PgPool>,
    Query(listing): Query<Listing>,
) -> Result<Json<Vec<Product>>, StatusCode> {
    let sort = listing.sort.unwrap_or_else(|| "name".into());
    let text = "SELECT id, name, cents FROM products ORDER BY ".to_owned() + &sort;
    let rows = sqlx::query_as::<_, Product>(AssertSqlSafe(text)).fetch_all(&pool).await;
    rows.map(Json).map_err(failed)
}

pub async fn list_sorted(
    State(pool): State<PgPool>,
    Query(listing): Query<Listing>,
) -> Result<Json<Vec<Product>>, StatusCode> {
    let sort = column(listing.sort.as_deref());
    let text = "SELECT id, name, cents FROM products ORDER BY ".to_owned() + sort;
    let rows = sqlx::query_as::<_, Product>(AssertSqlSafe(text)).fetch_all(&pool).await;
    rows.map(Json).map_err(failed)
}

pub async fn one_brand(
    State(pool): State<PgPool>,
    Query(listing): Query<Listing>,
) -> Result<Json<Vec<Product>>, StatusCode> {
    let mut builder = QueryBuilder::new("SELECT id, name, cents FROM products WHERE 1 = 1");
    if let Some(brand) = listing.brand {
        builder.push(" AND brand = '").push(brand).push("'");
    }
    let rows = builder.build_query_as::<Product>().fetch_all(&pool).await;
    rows.map(Json).map_err(failed)
}

pub async fn brand_page(
    State(pool): State<PgPool>,
    Query(listing): Query<Listing>,
) -> Result<Json<Vec<Product>>, StatusCode> {
    let mut builder = QueryBuilder::new("SELECT id, name, cents FROM products WHERE 1 = 1");
    if let Some(brand) = listing.brand {
        builder.push(" AND brand = ").push_bind(brand);
    }
    let rows = builder.build_query_as::<Product>().fetch_all(&pool).await;
    rows.map(Json).map_err(failed)
}

pub async fn rename_product(
    State(pool): State<PgPool>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, StatusCode> {
    let name = headers.get("x-name").and_then(|v| v.to_str().ok()).ok_or(StatusCode::BAD_REQUEST)?;
    let set = |column: &str| format!("UPDATE products SET {column} = '{name}' WHERE id = {id}");
    sqlx::raw_sql(AssertSqlSafe(set("name"))).execute(&pool).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn relabel_product(
    State(pool): State<PgPool>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, StatusCode> {
    let name = headers.get("x-name").and_then(|v| v.to_str().ok()).ok_or(StatusCode::BAD_REQUEST)?;
    sqlx::query("UPDATE products SET label = $1 WHERE id = $2")
        .bind(name)
        .bind(id)
        .execute(&pool)
        .await
        .map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}
