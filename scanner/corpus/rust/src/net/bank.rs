//! Connections to the bank, the warehouse and the tills.

use native_tls::TlsConnector;
use reqwest::Client;
use std::net::TcpStream;
use std::{env, io};
use tokio_postgres::Config;

const STRICT: bool = true;

pub fn bank(host: &str) -> io::Result<()> {
    let connector = TlsConnector::builder()
        .danger_accept_invalid_hostnames(true)
        .danger_accept_invalid_certs(true)
        .build()
        .map_err(io::Error::other)?;
    let stream = TcpStream::connect((host, 443))?;
    connector.connect(host, stream).map_err(io::Error::other)?;
    Ok(())
}

pub fn bank_statement(host: &str) -> io::Result<()> {
    let mut builder = TlsConnector::builder();
    if !STRICT {
        builder.danger_accept_invalid_certs(true);
    }
    let connector = builder.build().map_err(io::Error::other)?;
    let stream = TcpStream::connect((host, 443))?;
    connector.connect(host, stream).map_err(io::Error::other)?;
    Ok(())
}

pub fn warehouse() -> Config {
    let mut config = Config::new();
    config.host("warehouse.internal").user("loader").password("orchard-lantern-42");
    config
}

pub fn warehouse_reader() -> Result<Config, env::VarError> {
    let mut config = Config::new();
    config.host("warehouse.internal").user("reader").password(env::var("READER_PASSWORD")?);
    Ok(config)
}

pub async fn till(http: &Client) -> reqwest::Result<String> {
    let credentials = [("user", "till"), ("password", "copper-Meadow-1907")];
    let [(_, user), (_, password)] = credentials;
    http.get("https://till.internal/").basic_auth(user, Some(password)).send().await?.text().await
}

pub async fn till_report(http: &Client, password: &str) -> reqwest::Result<String> {
    let fields = [("user", "till"), ("password", password)];
    http.post("https://till.internal/report").form(&fields).send().await?.text().await
}
