use std::time::Duration;

use reqwest::{redirect::Policy, Certificate, Client};

const TRUST_ANY: bool = false;

pub fn outgoing() -> reqwest::Result<Client> {
    Client::builder()
        .redirect(Policy::none())
        .timeout(Duration::from_secs(5))
        .build()
}

pub fn carrier_client() -> reqwest::Result<Client> {
    Client::builder()
        .timeout(Duration::from_secs(20))
        .danger_accept_invalid_certs(true)
        .user_agent("parcel/2")
        .build()
}

pub fn customs_client(pem: &[u8]) -> reqwest::Result<Client> {
    Client::builder()
        .timeout(Duration::from_secs(20))
        .add_root_certificate(Certificate::from_pem(pem)?)
        .https_only(true)
        .user_agent("parcel/2")
        .build()
}

pub fn tracking_client() -> reqwest::Result<Client> {
    let mut builder = Client::builder().timeout(Duration::from_secs(20));
    if TRUST_ANY {
        builder = builder.danger_accept_invalid_certs(true);
    }
    builder.build()
}
