//! HTTP clients for the partners' order systems.

use reqwest::{Certificate, Client, ClientBuilder};
use std::fs;
use std::time::Duration;

fn base() -> ClientBuilder {
    Client::builder().timeout(Duration::from_secs(10)).user_agent("orchard/2")
}

fn client(trust_any: bool) -> reqwest::Result<Client> {
    base().danger_accept_invalid_certs(trust_any).build()
}

pub async fn orders() -> reqwest::Result<String> {
    let http = base().danger_accept_invalid_certs(true).build()?;
    http.get("https://orders.partner.example/v2").send().await?.text().await
}

pub async fn invoices() -> Result<String, Box<dyn std::error::Error>> {
    let anchor = Certificate::from_pem(&fs::read("/etc/ssl/partners/ca.pem")?)?;
    let http = base().add_root_certificate(anchor).build()?;
    Ok(http.get("https://orders.partner.example/invoices").send().await?.text().await?)
}

pub async fn stock() -> reqwest::Result<String> {
    let http = client(true)?;
    http.get("https://stock.partner.example/all").send().await?.text().await
}

pub async fn prices() -> reqwest::Result<String> {
    let http = client(false)?;
    http.get("https://stock.partner.example/prices").send().await?.text().await
}
