//! Converts clips and stills that editors upload, on request of the message broker.

use futures_util::StreamExt;
use lapin::Consumer;
use lapin::message::Delivery;
use serde::Deserialize;
use std::io;
use std::process::{Command, Output};

#[derive(Deserialize)]
pub struct Job {
    source: String,
    size: String,
}

fn job_of(delivery: &Delivery) -> io::Result<Job> {
    serde_json::from_slice(&delivery.data).map_err(io::Error::other)
}

fn shell(line: &str) -> io::Result<Output> {
    Command::new("sh").arg("-c").arg(line).output()
}

fn scale_of(size: &str) -> &'static str {
    match size {
        "small" => "320:-1",
        "large" => "1280:-1",
        _ => "640:-1",
    }
}

pub async fn convert_clips(mut jobs: Consumer) -> io::Result<()> {
    while let Some(delivery) = jobs.next().await {
        let job = job_of(&delivery.map_err(io::Error::other)?)?;
        shell(&format!("ffmpeg -y -i {} /srv/media/clip.webm", job.source))?;
    }
    Ok(())
}

pub async fn scale_clips(mut jobs: Consumer) -> io::Result<()> {
    while let Some(delivery) = jobs.next().await {
        let job = job_of(&delivery.map_err(io::Error::other)?)?;
        shell(&format!(
            "ffmpeg -y -i /srv/media/clip.webm -vf scale={} /srv/media/scaled.webm",
            scale_of(&job.size)
        ))?;
    }
    Ok(())
}

pub fn still(delivery: &Delivery) -> io::Result<bool> {
    let run: fn(&str) -> io::Result<Output> = shell;
    let job = job_of(delivery)?;
    let line = String::from("convert -resize ") + &job.size + " /srv/media/in.png /srv/media/out.png";
    Ok(run(&line)?.status.success())
}

pub fn blank_still(delivery: &Delivery) -> io::Result<(String, bool)> {
    let run: fn(&str) -> io::Result<Output> = shell;
    let job = job_of(delivery)?;
    let line = String::from("convert -size 640x360 xc:white /srv/media/out.png");
    Ok((job.source, run(&line)?.status.success()))
}
