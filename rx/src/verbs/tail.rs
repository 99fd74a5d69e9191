//! `diode-rx tail`: one line an event, from the audit log, whether the receiver runs or not.

use std::path::Path;
use std::time::Duration;

use audit::event::Event;
use audit::line::{self, Style};
use audit::log::LogReader;
use protocol::time::UnixMillis;

use super::{Failure, PIECE, USAGE, open_home, say};
use crate::cli::TailArgs;
use crate::clock::wall;
use crate::home;

/// How often the log is looked at for new entries.
const POLL: Duration = Duration::from_millis(200);

pub(crate) fn run(dir: &Path, args: &TailArgs) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let reader = LogReader::open(home.sub(home::LOG)?)?;
    let since = args
        .since
        .as_deref()
        .map(|text| parse_since(text, wall()))
        .transpose()?;
    let style = Style::detect();
    let mut next = past(&reader, args, since, &style)?;
    if args.no_follow {
        return Ok(());
    }
    loop {
        std::thread::sleep(POLL);
        next = print_from(&reader, next, args, since, &style)?;
    }
}

/// Prints the past that was asked for; returns where the future begins.
fn past(reader: &LogReader, args: &TailArgs, since: Option<UnixMillis>, style: &Style) -> Result<u64, Failure> {
    let size = reader.size()?;
    if since.is_some() {
        return print_from(reader, 0, args, since, style);
    }
    // Backwards piece by piece, until enough events fit the filters.
    let mut chosen = Vec::new();
    let mut end = size;
    while end > 0 && (chosen.len() as u64) < args.last {
        let start = end.saturating_sub(PIECE as u64);
        let mut piece = reader.read(start, PIECE)?;
        piece.retain(|(index, event)| *index < end && fits(event, args, since));
        piece.append(&mut chosen);
        chosen = piece;
        end = start;
    }
    let surplus = (chosen.len() as u64).saturating_sub(args.last);
    for (index, event) in chosen.into_iter().skip(usize::try_from(surplus).unwrap_or(0)) {
        print(index, &event, args, style)?;
    }
    Ok(size)
}

fn print_from(
    reader: &LogReader,
    from: u64,
    args: &TailArgs,
    since: Option<UnixMillis>,
    style: &Style,
) -> Result<u64, Failure> {
    let mut next = from;
    loop {
        let piece = reader.read(next, PIECE)?;
        if piece.is_empty() {
            return Ok(next);
        }
        for (index, event) in piece {
            next = index + 1;
            if fits(&event, args, since) {
                print(index, &event, args, style)?;
            }
        }
    }
}

fn fits(event: &Event, args: &TailArgs, since: Option<UnixMillis>) -> bool {
    since.is_none_or(|since| event.time >= since)
        && args
            .event
            .as_deref()
            .is_none_or(|name| event.event.as_str().starts_with(name))
        && args
            .signer
            .as_deref()
            .is_none_or(|signer| event.signer.as_deref() == Some(signer))
        && args
            .state
            .is_none_or(|filter| event.state.is_some_and(|state| filter.fits(state)))
}

fn print(index: u64, event: &Event, args: &TailArgs, style: &Style) -> Result<(), Failure> {
    match args.json {
        true => say(&line::json(index, event)),
        false => say(&line::render(index, event, style)),
    }
}

/// An RFC 3339 time, or how long ago.
fn parse_since(text: &str, now: UnixMillis) -> Result<UnixMillis, Failure> {
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit_millis = match unit {
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let millis = number.parse::<u64>().ok()?.checked_mul(unit_millis)?;
        Some(UnixMillis(now.0.saturating_sub(millis)))
    };
    ago().or_else(|| UnixMillis::from_rfc3339(text).ok()).ok_or_else(|| {
        Failure::new(
            USAGE,
            format!("--since {text:?} is no time\n  mend    write 10m, 2h, 3d, or 2026-11-22T09:41:07Z"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_340_467_000);

    #[test]
    fn ten_minutes_ago_are_six_hundred_seconds() {
        assert_eq!(parse_since("10m", NOW).unwrap(), UnixMillis(NOW.0 - 600_000));
    }

    #[test]
    fn a_time_can_be_given_in_full() {
        assert_eq!(parse_since("2026-11-22T09:41:07Z", UnixMillis(0)).unwrap(), NOW);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "m", "10x", "10é", "yesterday", "99999999999999999999d"] {
            assert!(parse_since(text, NOW).is_err(), "{text}");
        }
    }
}
