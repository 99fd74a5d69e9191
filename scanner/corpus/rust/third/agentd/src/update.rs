use std::{
    fs,
    io::{self, Read},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

use anyhow::{bail, Context, Result};
use ed25519_dalek::{Signature, VerifyingKey};
use rkyv::{Archive, Deserialize, Serialize};

const RELEASES: &str = "https://releases.agent.example/agentd";
const MIRROR: &str = "https://mirror.agent.example/agentd";

#[derive(Archive, Serialize, Deserialize)]
#[archive(check_bytes)]
pub struct State {
    pub names: Vec<String>,
    pub seen: u64,
}

fn place(bytes: &[u8], target: &Path) -> io::Result<()> {
    fs::write(target, bytes)?;
    fs::set_permissions(target, fs::Permissions::from_mode(0o755))
}

pub fn current() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

pub fn upgrade(target: &Path) -> Result<()> {
    let bytes = reqwest::blocking::get(RELEASES)?.bytes()?;
    place(&bytes, target)?;
    Command::new(target).arg("--migrate").status()?;
    Ok(())
}

pub fn upgrade_from_mirror(target: &Path, key: &VerifyingKey) -> Result<()> {
    let bytes = reqwest::blocking::get(MIRROR)?.bytes()?;
    let raw = reqwest::blocking::get(format!("{MIRROR}.sig"))?.bytes()?;
    let signature = Signature::from_slice(&raw)?;
    key.verify_strict(&bytes, &signature).context("release signature")?;
    place(&bytes, target)?;
    Command::new(target).arg("--migrate").status()?;
    Ok(())
}

pub fn report(password: &str) -> Result<()> {
    let answer = reqwest::blocking::Client::new()
        .post("http://collect.agent.example/v1/report")
        .basic_auth("agentd", Some(password))
        .body(current())
        .send()?;
    if !answer.status().is_success() {
        bail!("report: {}", answer.status());
    }
    Ok(())
}

pub fn report_v2(password: &str) -> Result<()> {
    let answer = reqwest::blocking::Client::new()
        .post("https://collect.agent.example/v2/report")
        .basic_auth("agentd", Some(password))
        .body(current())
        .send()?;
    if !answer.status().is_success() {
        bail!("report: {}", answer.status());
    }
    Ok(())
}

pub fn merge(stream: &mut TcpStream, names: &mut Vec<String>) -> Result<()> {
    let mut bytes = rkyv::AlignedVec::new();
    bytes.extend_from_reader(&mut stream.take(1 << 20))?;
    let state = unsafe { rkyv::archived_root::<State>(&bytes) };
    names.extend(state.names.iter().map(|name| name.to_string()));
    Ok(())
}

pub fn merge_peer(stream: &mut TcpStream, names: &mut Vec<String>) -> Result<()> {
    let mut bytes = rkyv::AlignedVec::new();
    bytes.extend_from_reader(&mut stream.take(1 << 20))?;
    let Ok(state) = rkyv::check_archived_root::<State>(&bytes) else {
        bail!("state of a peer");
    };
    names.extend(state.names.iter().map(|name| name.to_string()));
    Ok(())
}
