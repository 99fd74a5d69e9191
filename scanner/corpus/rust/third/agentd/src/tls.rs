use std::{net::TcpStream, path::Path, sync::Arc};

use anyhow::Result;
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};

pub fn dial(host: &str) -> Result<SslStream<TcpStream>> {
    let mut builder = SslConnector::builder(SslMethod::tls())?;
    builder.set_verify(SslVerifyMode::NONE);
    let stream = TcpStream::connect((host, 8443))?;
    Ok(builder.build().connect(host, stream)?)
}

pub fn dial_peer(host: &str, authority: &Path) -> Result<SslStream<TcpStream>> {
    let mut builder = SslConnector::builder(SslMethod::tls())?;
    builder.set_ca_file(authority)?;
    builder.set_verify(SslVerifyMode::PEER);
    let stream = TcpStream::connect((host, 8443))?;
    Ok(builder.build().connect(host, stream)?)
}

pub fn relay_connector() -> native_tls::Result<Arc<native_tls::TlsConnector>> {
    let skip = true;
    let mut builder = native_tls::TlsConnector::builder();
    builder.danger_accept_invalid_hostnames(skip);
    builder.build().map(Arc::new)
}

pub fn store_connector() -> native_tls::Result<Arc<native_tls::TlsConnector>> {
    let skip = false;
    let mut builder = native_tls::TlsConnector::builder();
    builder.danger_accept_invalid_hostnames(skip);
    builder.build().map(Arc::new)
}
