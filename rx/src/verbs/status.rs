//! `diode-rx status`: how the running receiver's link is doing.

use std::path::Path;

use super::{FAILED, Failure, open_home, say};
use crate::control::{self, Query};
use crate::home;
use crate::status::Status;

pub(crate) fn run(dir: &Path, json: bool) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let answer = control::ask(&home.path(home::SOCKET), &Query::Status)?;
    let Some(answer) = answer else {
        let dir = dir.display();
        let text = format!("no receiver runs on {dir}\n  mend    diode-rx --home {dir} serve");
        return Err(Failure::new(FAILED, text));
    };
    if answer.exit != 0 {
        return Err(Failure::new(answer.exit, answer.text));
    }
    if json {
        return say(&answer.text);
    }
    let unreadable = |error| Failure::new(FAILED, format!("the receiver's answer can't be read: {error}"));
    let status: Status = serde_json::from_str(&answer.text).map_err(unreadable)?;
    say(status.to_string().trim_end())
}
