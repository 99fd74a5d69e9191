mod account;
mod clients;
mod hooks;
mod routes;
mod store;

use axum::{
    routing::{get, post},
    Router,
};
use sqlx::postgres::PgPoolOptions;

use routes::{labels, pages, shipments};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().json().init();
    let db = PgPoolOptions::new()
        .max_connections(8)
        .connect(&std::env::var("DATABASE_URL")?)
        .await?;
    let app = Router::new()
        .route("/health", get(shipments::health))
        .route("/shipments", get(shipments::by_city))
        .route("/shipments/start", get(shipments::by_city_start))
        .route("/shipments/carriers", get(shipments::by_carriers))
        .route("/shipments/numbers", get(shipments::by_carrier_numbers))
        .route("/shipments/filtered", get(shipments::filtered))
        .route("/shipments/narrowed", get(shipments::narrowed))
        .route("/shipments/:id", get(shipments::one))
        .route("/load", get(shipments::depot_load))
        .route("/load/open", get(shipments::open_load))
        .with_state(shipments::App { db })
        .route("/labels/print", post(labels::print))
        .route("/labels/again", post(labels::print_again))
        .route("/labels/convert", get(labels::convert))
        .route("/labels/render", get(labels::render))
        .route("/labels/file/:name", get(labels::download))
        .route("/labels/number/:id/:pages", get(labels::numbered))
        .route("/labels/archive/:name", get(labels::archived))
        .route("/preview", get(pages::preview))
        .route("/draft", get(pages::draft))
        .route("/plain", get(pages::plain))
        .route("/hooks/ping", post(hooks::ping))
        .route("/hooks/register", post(hooks::register))
        .route("/hooks/replay", post(hooks::replay))
        .merge(account::routes());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
