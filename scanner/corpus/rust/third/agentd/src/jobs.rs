use std::{collections::HashMap, io, process::Stdio};

use tokio::{io::AsyncWriteExt, net::TcpStream, process::Command};

use crate::{commands::request, shell};

const FREE_FORM: bool = false;

#[derive(serde::Deserialize)]
struct Job {
    unit: String,
    action: String,
    #[serde(default)]
    env: HashMap<String, String>,
}

async fn job(stream: &mut TcpStream) -> io::Result<Job> {
    let text = request(stream).await?;
    serde_json::from_str(&text).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

pub async fn manage(stream: &mut TcpStream) -> io::Result<()> {
    let job = job(stream).await?;
    let mut command = Command::new("sh");
    command.stdin(Stdio::null());
    command.arg("-c");
    command.arg(["systemctl ", &job.action, " ", &job.unit].concat());
    let status = command.status().await?;
    stream.write_all(format!("{status}\n").as_bytes()).await
}

pub async fn restart(stream: &mut TcpStream) -> io::Result<()> {
    let job = job(stream).await?;
    let mut units = HashMap::new();
    units.insert("web", "nginx.service");
    units.insert("cache", "valkey.service");
    let Some(unit) = units.get(job.unit.as_str()) else {
        return stream.write_all(b"unknown unit\n").await;
    };
    let mut command = Command::new("sh");
    command.stdin(Stdio::null());
    command.arg("-c");
    command.arg(["systemctl restart ", unit].concat());
    let status = command.status().await?;
    stream.write_all(format!("{status}\n").as_bytes()).await
}

pub async fn diagnose(stream: &mut TcpStream) -> io::Result<()> {
    let line = request(stream).await?;
    let text = if FREE_FORM {
        shell::capture(&line).await?
    } else {
        shell::capture("systemctl --failed --no-legend").await?
    };
    stream.write_all(text.as_bytes()).await
}

pub async fn job_count(stream: &mut TcpStream) -> io::Result<()> {
    let job = job(stream).await?;
    stream.write_all(format!("{}\n", job.env.len()).as_bytes()).await
}
