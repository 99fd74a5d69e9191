//! `orchard-admin`: the maintenance command of the ticket system.

use rusqlite::Connection;
use std::env;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::store::queries::{Ticket, tickets_where};

const STATES: [&str; 3] = ["open", "waiting", "closed"];

fn database() -> rusqlite::Result<Connection> {
    let path = env::var_os("ORCHARD_DB").map_or_else(|| PathBuf::from("/var/lib/orchard.db"), PathBuf::from);
    Connection::open(path)
}

fn print_all(tickets: &[Ticket]) {
    for ticket in tickets {
        println!("{:>6}  {:<10} {}", ticket.id, ticket.state, ticket.title);
    }
}

pub fn list_state() -> rusqlite::Result<()> {
    let state = env::args().nth(2).unwrap_or_default();
    let condition = ["state = '", state.as_str(), "'"].concat();
    print_all(&tickets_where(&database()?, &condition)?);
    Ok(())
}

pub fn list_named_state() -> rusqlite::Result<()> {
    let state = env::args().nth(2).unwrap_or_default();
    let Some(known) = STATES.iter().find(|known| **known == state) else {
        return Ok(());
    };
    let condition = ["state = '", known, "'"].concat();
    print_all(&tickets_where(&database()?, &condition)?);
    Ok(())
}

/// Sends each attachment named on standard input by the mail gateway to the virus scanner.
pub fn scan_attachments() -> io::Result<usize> {
    let mut infected = 0;
    for line in io::stdin().lock().lines() {
        let name = line?;
        let status = Command::new("sh").args(["-c", &format!("clamscan --no-summary {name}")]).status()?;
        infected += usize::from(!status.success());
    }
    Ok(infected)
}

pub fn check_attachments() -> io::Result<usize> {
    let mut infected = 0;
    for line in io::stdin().lock().lines() {
        let name = Path::new("/srv/incoming").join(line?.replace('/', "_"));
        let status = Command::new("clamscan").arg("--no-summary").arg(&name).status()?;
        infected += usize::from(!status.success());
    }
    Ok(infected)
}

/// Pipes a text given by the caller into a fixed shell line.
pub fn count_words(text: &str) -> io::Result<ExitStatus> {
    let mut child =
        Command::new("sh").args(["-c", "wc -w | tee /dev/stderr"]).stdin(Stdio::piped()).spawn()?;
    if let Some(stdin) = child.stdin.as_mut() {
        stdin.write_all(text.as_bytes())?;
    }
    child.wait()
}
