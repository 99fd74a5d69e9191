mod commands;
mod files;
mod jobs;
mod shell;
mod tls;
mod update;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:7070").await?;
    commands::serve(listener).await
}
