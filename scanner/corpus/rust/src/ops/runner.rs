//! Starts host tools on behalf of the other modules.

use std::io;
use std::process::{Command, Output};

pub struct Runner {
    shell: String,
}

impl Default for Runner {
    fn default() -> Self {
        Runner { shell: "/bin/sh".to_string() }
    }
}

impl Runner {
    pub fn line(&self, text: &str) -> io::Result<Output> {
        Command::new(&self.shell).arg("-c").arg(text).output()
    }

    pub fn program(&self, name: &str, arguments: &[&str]) -> io::Result<Output> {
        Command::new(name).args(arguments).output()
    }
}

pub fn text_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().to_string()
}
