use std::io;

use tokio::process::Command;

pub async fn capture(line: &str) -> io::Result<String> {
    let out = Command::new("sh").arg("-c").arg(line).output().await?;
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
