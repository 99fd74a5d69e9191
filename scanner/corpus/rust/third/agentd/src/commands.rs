use std::io;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
};

use crate::shell;

pub async fn request(stream: &mut TcpStream) -> io::Result<String> {
    let mut reader = BufReader::new(stream.take(8192));
    let mut text = String::new();
    reader.read_line(&mut text).await?;
    Ok(text.trim_end().to_string())
}

pub async fn disk_use(stream: &mut TcpStream) -> io::Result<()> {
    let folder = request(stream).await?;
    let mut args = vec!["-c".to_string()];
    args.push(format!("du -sh {folder} | cut -f1"));
    let out = Command::new("bash").args(&args).output().await?;
    stream.write_all(&out.stdout).await
}

pub async fn disk_free(stream: &mut TcpStream) -> io::Result<()> {
    let folder = request(stream).await?;
    let mut args = vec!["-c".to_string()];
    args.push("df -h -- \"$1\" | tail -n 1".to_string());
    args.push("disk_free".to_string());
    args.push(folder);
    let out = Command::new("bash").args(&args).output().await?;
    stream.write_all(&out.stdout).await
}

pub async fn tail_log(stream: &mut TcpStream) -> io::Result<()> {
    let unit = request(stream).await?;
    let text = shell::capture(&format!("journalctl -n 50 -u {unit}")).await?;
    stream.write_all(text.as_bytes()).await
}

pub async fn tail_own_log(stream: &mut TcpStream) -> io::Result<()> {
    let wanted = request(stream).await?;
    let unit = if wanted == "proxy" { "agent-proxy" } else { "agentd" };
    let text = shell::capture(&format!("journalctl -n 50 -u {unit}")).await?;
    stream.write_all(text.as_bytes()).await
}

pub async fn list_folder(stream: &mut TcpStream) -> io::Result<()> {
    let folder = request(stream).await?;
    let text = shell::capture(&format!("ls -la -- {} | head -n 100", shell_words::quote(&folder))).await?;
    stream.write_all(text.as_bytes()).await
}

pub async fn uptime(stream: &mut TcpStream) -> io::Result<()> {
    let mut line = request(stream).await?;
    line = String::from("uptime -p");
    let text = shell::capture(&line).await?;
    stream.write_all(text.as_bytes()).await
}

pub async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let _ = disk_use(&mut stream).await;
        });
    }
}
