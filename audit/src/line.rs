//! One line an event, for a person's eyes: what `diode-rx tail` and `diode-audit show` print.
//!
//! ```text
//! 09:41:07  seq 41  ADMITTED  3f9a2c71  1.2 MiB  38 files  2.1 s  loss 1.8 % repaired  from alice@lab
//! 09:44:00  link    SILENT    11 s since the last heartbeat (1 s expected)
//! └ local   └ about └ state   └ bundle  └ what applies, two spaces between
//! ```
//!
//! Always true: every text of an event is escaped, so that one event is one line and moves no cursor.

use std::io::IsTerminal as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use protocol::time::UnixMillis;
use serde::Serialize;

use crate::escape;
use crate::event::{Event, EventKind, FindingCounts};

/// How lines look.
#[derive(Debug, Clone)]
pub struct Style {
    /// Colours the state's word.
    pub colour: bool,
    /// Puts the date before the time: for what may lie days back.
    pub date: bool,
    /// The zone that times are shown in.
    pub zone: TimeZone,
}

impl Style {
    /// Local time, and colour if standard output is a terminal and neither `NO_COLOR` nor `TERM=dumb` speaks against
    /// it.
    #[must_use]
    pub fn detect() -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = std::io::stdout().is_terminal() && !no_colour && !dumb;
        Self {
            colour,
            date: false,
            zone: TimeZone::system(),
        }
    }

    /// The same with the date shown.
    #[must_use]
    pub fn with_date(self) -> Self {
        Self { date: true, ..self }
    }
}

/// The event as one line, without line end. `index` is its place in the log.
#[must_use]
pub fn render(index: u64, event: &Event, style: &Style) -> String {
    let (word, tone) = word(event.event);
    let mut line = format!("{}  {:<6}  ", clock(event.time, style), about(event));
    let padding = " ".repeat(WORD_WIDTH.saturating_sub(word.len()));
    if style.colour {
        line.push_str(&format!("{}{word}{RESET}{padding}", tone.sequence()));
    } else {
        line.push_str(&format!("{word}{padding}"));
    }
    if event.seq.is_some() || event.bundle.is_some() {
        line.push_str("  ");
        line.push_str(&event.bundle.map_or_else(|| format!("{:<8}", '—'), |id| id.short()));
    }
    for part in parts(index, event) {
        line.push_str("  ");
        line.push_str(&part);
    }
    line.truncate(line.trim_end().len());
    line
}

/// The event as one line of JSON that hides nothing from a terminal: the entry's fields and `log_index`, its place in the log.
#[must_use]
pub fn json(index: u64, event: &Event) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        event: &'a Event,
        log_index: u64,
    }
    escape::json(&Line {
        event,
        log_index: index,
    })
    .expect("an event has string keys and no map, so that serialising it cannot fail")
}

/// A size in binary units with one decimal: `512 B`, `1.2 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Whole numbers in tenths: a float would round 1023.96 KiB to "1024.0 KiB".
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = "B";
    for next in UNITS {
        tenths = (tenths + 512) / 1024;
        unit = next;
        if tenths < 10_240 {
            break;
        }
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// A duration: `0.4 s`, `1 min 5 s`, `2 h 3 min`.
#[must_use]
pub fn duration(millis: u64) -> String {
    let tenths = millis / 100 + u64::from(millis % 100 >= 50);
    let seconds = millis / 1000;
    match seconds {
        0..60 if tenths < 600 => format!("{}.{} s", tenths / 10, tenths % 10),
        0..3600 => format!("{} min {} s", seconds.max(60) / 60, seconds.max(60) % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A count with its noun: `1 file`, `38 files`.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Findings for a line: `0 findings`, or `1 high, 2 medium`.
#[must_use]
pub fn findings(counts: &FindingCounts) -> String {
    let named = [
        (counts.critical, "critical"),
        (counts.high, "high"),
        (counts.medium, "medium"),
        (counts.low, "low"),
    ];
    let said: Vec<_> = named
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, name)| format!("{n} {name}"))
        .collect();
    if said.is_empty() {
        "0 findings".to_owned()
    } else {
        said.join(", ")
    }
}

/// What the line is about, in the second column.
fn about(event: &Event) -> String {
    match (event.seq, event.event.as_str().split_once('.')) {
        (Some(seq), _) => match event.seq_last.filter(|last| *last > seq) {
            Some(last) => format!("seq {seq}..{last}"),
            None => format!("seq {seq}"),
        },
        (None, Some((area, _))) => area.to_owned(),
        (None, None) => String::new(),
    }
}

/// The parts after the columns, those that apply.
fn parts(index: u64, event: &Event) -> Vec<String> {
    let scanned = event.event == EventKind::BundleScanned;
    let verdict = match (event.verdict, &event.findings) {
        (Some(verdict), Some(counts)) => Some(format!("{verdict}: {}", findings(counts))),
        (Some(verdict), None) => Some(verdict.to_string()),
        (None, Some(counts)) => Some(findings(counts)),
        (None, None) => None,
    };
    let size = event.bytes.map(size);
    let files = event.files.map(|files| count(files, "file"));
    let blocks = match (event.blocks_missing, event.blocks) {
        (Some(missing), Some(all)) => Some(format!("{missing} of {all} blocks missing")),
        (Some(missing), None) => Some(format!("{} missing", count(missing, "block"))),
        (None, _) => None,
    };
    // Of a link's change the text says what lasted so long.
    let of_link = event.event.as_str().starts_with("link.");
    let took = event.duration_ms.filter(|_| !of_link).map(duration);
    let loss = event.loss_ppm.filter(|ppm| *ppm > 0).map(|ppm| loss(event.event, ppm));
    let why = event
        .detail
        .as_ref()
        .or(event.reason.as_ref())
        .map(|text| escape::terminal(text));
    let path = event.path.as_ref().map(|path| escape::terminal(path));
    let from = event
        .signer
        .as_ref()
        .map(|signer| format!("from {}", escape::terminal(signer)));
    let by = event
        .actor
        .as_ref()
        .map(|actor| format!("by {}", escape::terminal(actor)));
    let log = (event.event == EventKind::BundleReleased).then(|| format!("log {index}"));
    let ordered = if scanned {
        [files, verdict, took, size, blocks, loss, why, path, from, by, log]
    } else {
        [verdict, size, files, blocks, took, loss, why, path, from, by, log]
    };
    ordered.into_iter().flatten().collect()
}

fn loss(kind: EventKind, ppm: u32) -> String {
    let tenths = (u64::from(ppm) + 500) / 1000;
    let percent = if tenths == 0 {
        "under 0.1".to_owned()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let repaired = if kind == EventKind::BundleAdmitted {
        " repaired"
    } else {
        ""
    };
    format!("loss {percent} %{repaired}")
}

fn clock(time: UnixMillis, style: &Style) -> String {
    let format = if style.date { "%Y-%m-%d %H:%M:%S" } else { "%H:%M:%S" };
    let at = i64::try_from(time.0)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok());
    match at {
        Some(at) => at.to_zoned(style.zone.clone()).strftime(format).to_string(),
        None => time.to_rfc3339(),
    }
}

#[derive(Clone, Copy)]
enum Tone {
    Good,
    Attention,
    Bad,
    Plain,
}

impl Tone {
    fn sequence(self) -> &'static str {
        match self {
            Self::Good => "\u{1b}[32m",
            Self::Attention => "\u{1b}[33m",
            Self::Bad => "\u{1b}[31m",
            Self::Plain => "\u{1b}[1m",
        }
    }
}

fn word(kind: EventKind) -> (&'static str, Tone) {
    match kind {
        EventKind::BundleAdmitted => ("ADMITTED", Tone::Good),
        EventKind::BundleIncomplete => ("INCOMPLETE", Tone::Attention),
        EventKind::BundleRefused => ("REFUSED", Tone::Bad),
        EventKind::BundleDuplicate => ("DUPLICATE", Tone::Plain),
        EventKind::BundleMissing => ("MISSING", Tone::Bad),
        EventKind::BundleScanned => ("SCANNED", Tone::Plain),
        EventKind::BundleHeld => ("HELD", Tone::Attention),
        EventKind::BundleReleaseDecided => ("DECIDED", Tone::Plain),
        EventKind::BundleReleased => ("RELEASED", Tone::Good),
        EventKind::BundleReleaseCancelled => ("CANCELLED", Tone::Attention),
        EventKind::BundleRejected => ("REJECTED", Tone::Bad),
        EventKind::BundleWaiting => ("WAITING", Tone::Attention),
        EventKind::BundleEvidence => ("EVIDENCE", Tone::Bad),
        EventKind::BundleRemoved => ("REMOVED", Tone::Plain),
        EventKind::BundleVoid => ("VOID", Tone::Plain),
        EventKind::BundleRecalled => ("RECALLED", Tone::Bad),
        EventKind::BundleRescanned => ("RESCANNED", Tone::Attention),
        EventKind::BundleCountersigned => ("COUNTERSIGNED", Tone::Plain),
        EventKind::LinkUp => ("UP", Tone::Good),
        EventKind::LinkSilent => ("SILENT", Tone::Bad),
        EventKind::LinkMismatched => ("MISMATCHED", Tone::Bad),
        EventKind::LinkForeignVersion => ("FOREIGN", Tone::Bad),
        EventKind::LinkRestored => ("RESTORED", Tone::Bad),
        EventKind::EpochHeard => ("HEARD", Tone::Attention),
        EventKind::EpochAccepted => ("ACCEPTED", Tone::Attention),
        EventKind::EpochRefused => ("REFUSED", Tone::Bad),
        EventKind::ConfigChanged => ("CHANGED", Tone::Plain),
        EventKind::LogRecovered => ("RECOVERED", Tone::Attention),
        EventKind::LogCreated => ("CREATED", Tone::Plain),
        EventKind::DaemonStarted => ("STARTED", Tone::Plain),
        EventKind::DaemonStopped | EventKind::BundleStopped => ("STOPPED", Tone::Plain),
        EventKind::RefusalsSummarised => ("REFUSED", Tone::Bad),
        EventKind::BundleBound => ("BOUND", Tone::Plain),
        EventKind::BundleSent => ("SENT", Tone::Good),
    }
}

const RESET: &str = "\u{1b}[0m";
const WORD_WIDTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Verdict;
    use protocol::digest::{BundleId, Digest};

    fn style() -> Style {
        Style {
            colour: false,
            date: false,
            zone: TimeZone::UTC,
        }
    }

    fn event(kind: EventKind) -> Event {
        Event::new(kind, UnixMillis(1_795_340_467_000))
    }

    fn bundle(first: [u8; 4]) -> Option<BundleId> {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&first);
        Some(BundleId(Digest(id)))
    }

    #[test]
    fn an_admission_is_the_line_people_know() {
        let event = Event {
            seq: Some(41),
            bundle: bundle([0x3f, 0x9a, 0x2c, 0x71]),
            bytes: Some(1_258_291),
            files: Some(38),
            duration_ms: Some(2_140),
            loss_ppm: Some(18_000),
            signer: Some("alice@lab".into()),
            ..event(EventKind::BundleAdmitted)
        };
        assert_eq!(
            render(116, &event, &style()),
            "09:41:07  seq 41  ADMITTED  3f9a2c71  1.2 MiB  38 files  2.1 s  loss 1.8 % repaired  from alice@lab"
        );
    }

    #[test]
    fn a_held_bundle_shows_verdict_and_counts() {
        let event = Event {
            seq: Some(42),
            bundle: bundle([0xb0, 0x7e, 0x11, 0xd4]),
            verdict: Some(Verdict::Review),
            findings: Some(FindingCounts {
                high: 1,
                medium: 2,
                ..FindingCounts::default()
            }),
            detail: Some("src/config.py:14 aws-access-key".into()),
            signer: Some("bob@lab".into()),
            ..event(EventKind::BundleHeld)
        };
        assert_eq!(
            render(1, &event, &style()),
            "09:41:07  seq 42  HELD      b07e11d4  REVIEW: 1 high, 2 medium  src/config.py:14 aws-access-key  from bob@lab"
        );
    }

    #[test]
    fn a_scan_starts_with_its_files() {
        let event = Event {
            seq: Some(41),
            bundle: bundle([0x3f, 0x9a, 0x2c, 0x71]),
            files: Some(38),
            findings: Some(FindingCounts::default()),
            duration_ms: Some(400),
            ..event(EventKind::BundleScanned)
        };
        assert_eq!(
            render(1, &event, &style()),
            "09:41:07  seq 41  SCANNED   3f9a2c71  38 files  0 findings  0.4 s"
        );
    }

    #[test]
    fn a_release_names_its_place_in_the_log() {
        let event = Event {
            seq: Some(41),
            bundle: bundle([0x3f, 0x9a, 0x2c, 0x71]),
            detail: Some("policy auto-release".into()),
            ..event(EventKind::BundleReleased)
        };
        assert_eq!(
            render(118, &event, &style()),
            "09:41:07  seq 41  RELEASED  3f9a2c71  policy auto-release  log 118"
        );
    }

    #[test]
    fn a_missing_bundle_has_a_dash_for_its_id() {
        let event = Event {
            seq: Some(44),
            detail: Some("sent by 09:42:09".into()),
            ..event(EventKind::BundleMissing)
        };
        assert_eq!(
            render(1, &event, &style()),
            "09:41:07  seq 44  MISSING   —         sent by 09:42:09"
        );
    }

    #[test]
    fn several_missing_numbers_are_one_range() {
        let event = Event {
            seq: Some(44),
            seq_last: Some(46),
            detail: Some("sent by 09:42:09".into()),
            ..event(EventKind::BundleMissing)
        };
        assert_eq!(
            render(1, &event, &style()),
            "09:41:07  seq 44..46  MISSING   —         sent by 09:42:09"
        );
    }

    #[test]
    fn a_link_that_fell_silent_says_for_how_long_in_its_own_words() {
        let event = Event {
            duration_ms: Some(7_200_000),
            detail: Some("11 s since the last heartbeat (1 s expected)".into()),
            ..event(EventKind::LinkSilent)
        };
        assert_eq!(
            render(1, &event, &style()),
            "09:41:07  link    SILENT    11 s since the last heartbeat (1 s expected)"
        );
    }

    #[test]
    fn an_event_of_the_link_has_no_bundle_column() {
        let event = Event {
            detail: Some("11 s since the last heartbeat".into()),
            ..event(EventKind::LinkSilent)
        };
        assert_eq!(
            render(1, &event, &style()),
            "09:41:07  link    SILENT    11 s since the last heartbeat"
        );
    }

    #[test]
    fn a_reason_stands_in_for_a_missing_detail() {
        let event = Event {
            seq: Some(4),
            reason: Some("expired".into()),
            ..event(EventKind::BundleRefused)
        };
        assert_eq!(
            render(1, &event, &style()),
            "09:41:07  seq 4   REFUSED   —         expired"
        );
    }

    #[test]
    fn text_from_outside_stays_on_its_line_and_changes_no_colour() {
        let event = Event {
            detail: Some("x\n\u{1b}[2J".into()),
            signer: Some("a\u{202e}b".into()),
            ..event(EventKind::BundleRefused)
        };
        let line = render(1, &event, &style());
        assert!(line.ends_with("x\\n\\u{1b}[2J  from a\\u{202e}b"), "{line}");
    }

    #[test]
    fn colour_is_on_the_state_alone() {
        let line = render(
            1,
            &event(EventKind::LinkUp),
            &Style {
                colour: true,
                ..style()
            },
        );
        assert_eq!(line, "09:41:07  link    \u{1b}[32mUP\u{1b}[0m");
    }

    #[test]
    fn the_date_is_shown_where_asked_for() {
        let line = render(1, &event(EventKind::LinkUp), &style().with_date());
        assert!(line.starts_with("2026-11-22 09:41:07  link"), "{line}");
    }

    #[test]
    fn every_kind_of_event_has_a_line() {
        for kind in EventKind::ALL {
            assert!(render(1, &event(*kind), &style()).len() > 18, "{kind}");
        }
    }

    #[test]
    fn a_json_line_is_the_entry_with_its_index() {
        let line = json(7, &event(EventKind::LinkUp));
        assert_eq!(
            line,
            r#"{"schema":1,"time":"2026-11-22T09:41:07.000Z","event":"link.up","log_index":7}"#
        );
    }

    #[test]
    fn sizes_have_one_decimal_and_never_show_1024() {
        let shown: Vec<_> = [0, 1023, 1024, 1536, 1_048_575, 1_258_291, u64::MAX].map(size).into();
        assert_eq!(
            shown,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.2 MiB", "16.0 EiB"]
        );
    }

    #[test]
    fn durations_read_as_people_say_them() {
        let shown: Vec<_> = [0, 49, 400, 59_949, 59_950, 65_000, 7_380_000].map(duration).into();
        assert_eq!(
            shown,
            [
                "0.0 s",
                "0.0 s",
                "0.4 s",
                "59.9 s",
                "1 min 0 s",
                "1 min 5 s",
                "2 h 3 min"
            ]
        );
    }
}
