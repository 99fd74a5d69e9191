//! What to say when bundles were not sent: why, how far it came, what is left, and the mend.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use hw::HwError;
use protocol::layout::LayoutError;
use protocol::transmission::TransmissionError;
use protocol::wire::LinkNumber;

use super::intake;
use super::job::Job;
use super::ledger::LedgerError;
use super::link::Stop;
use super::state::unusable_ledger;
use super::watch::Tally;
use crate::bundle_file::BundleFileError;
use crate::complaint::Complaint;

/// The code of a stop, for log and JSON.
pub(super) fn code(stop: &Stop) -> &'static str {
    match stop {
        Stop::Interrupted => "interrupted",
        Stop::Bundle(BundleFileError::Read(cause)) if cause.kind() != std::io::ErrorKind::UnexpectedEof => UNREADABLE,
        Stop::Bundle(_) => CHANGED,
        Stop::Link(_) => "link-failed",
        Stop::Settings(_) => SETTINGS,
        Stop::Code(_) => "coding-failed",
        Stop::WorkersGone => "internal-fault",
    }
}

const UNREADABLE: &str = "bundle-unreadable";
const CHANGED: &str = "bundle-changed";
const SETTINGS: &str = "settings";

/// Whether a code is that of a stop that [`is_of_bundle`].
pub(super) fn is_code_of_bundle(code: &str) -> bool {
    [UNREADABLE, CHANGED, SETTINGS].contains(&code)
}

/// A stop as text for the log.
pub(super) fn detail(stop: &Stop, sent: u64, total: u64) -> String {
    format!("{stop}; {sent} of {total} datagrams sent")
}

/// A bundle that has its number was stopped.
pub(super) fn stopped(stop: &Stop, job: &Job, number: LinkNumber, tally: &Tally, total: u64) -> Complaint {
    let path = &job.sound.path;
    let complaint = reason(stop, path)
        .fact(
            "bundle",
            format_args!("{} (seq {})", job.sound.bundle.id(), number.sequence),
        )
        .fact(
            "unsent",
            format_args!("{} of {total} datagrams", total.saturating_sub(tally.datagrams)),
        );
    match stop {
        Stop::Bundle(_) => complaint,
        Stop::Interrupted => complaint.mend(format_args!("send it again: it keeps seq {}", number.sequence)),
        _ => complaint.mend(format_args!("then send it again: it keeps seq {}", number.sequence)),
    }
}

/// The link failed, or the operator stopped, before any of these bundles had a number.
pub(super) fn before_any(stop: &Stop, bundles: &[PathBuf]) -> Complaint {
    with_rest(reason(stop, Path::new("")), bundles)
}

/// The transmitter that had taken these bundles from another process ended before it got to them.
pub(super) fn owner_ended(bundles: &[PathBuf]) -> Complaint {
    let complaint = Complaint::failed("the transmitter that was to send them has ended").mend("send them again");
    with_rest(complaint, bundles)
}

/// Whether a stop says something of its bundle alone, so that others can be sent.
pub(super) fn is_of_bundle(stop: &Stop) -> bool {
    match stop {
        Stop::Bundle(_) | Stop::Settings(_) => true,
        Stop::Interrupted | Stop::Link(_) | Stop::Code(_) | Stop::WorkersGone => false,
    }
}

/// Names the bundles that were not begun.
pub(super) fn with_rest(complaint: Complaint, not_begun: &[PathBuf]) -> Complaint {
    named(complaint, "not begun", not_begun.iter().map(|path| path.display()))
}

/// Names the bundles that were stopped besides the one that the complaint is about.
pub(super) fn with_also(complaint: Complaint, stopped: &[String]) -> Complaint {
    named(complaint, "stopped too", stopped.iter())
}

fn named(
    complaint: Complaint,
    label: &'static str,
    mut bundles: impl ExactSizeIterator<Item = impl Display>,
) -> Complaint {
    let first = bundles.by_ref().take(NAMED);
    let complaint = first.fold(complaint, |complaint, bundle| complaint.fact(label, bundle));
    match bundles.len() {
        0 => complaint,
        more => complaint.fact(label, format_args!("and {more} more")),
    }
}

/// Bundles named of those that did not go.
const NAMED: usize = 10;

fn reason(stop: &Stop, path: &Path) -> Complaint {
    match stop {
        Stop::Interrupted => Complaint::failed("interrupted"),
        Stop::Bundle(error) => intake::damaged(path, error),
        Stop::Link(error) => link_failed(error),
        Stop::Settings(error) => does_not_fit(path, error),
        Stop::Code(error) => Complaint::failed("a block could not be coded").fact("cause", error),
        Stop::WorkersGone => Complaint::failed(stop).mend("report it, with what stands above this line"),
    }
}

/// The socket can't be had, or takes no datagrams. What the operator has to change first is exit 2.
pub(super) fn link_failed(error: &HwError) -> Complaint {
    let (text, mend) = (error.to_string(), error.mend());
    let summary = text.strip_suffix(mend).unwrap_or(&text).trim_end_matches([':', ' ']);
    let complaint = if error.is_transient() {
        Complaint::failed(summary)
    } else {
        Complaint::usage(summary)
    };
    complaint.causes(error).mend(mend)
}

/// Bundle and settings do not go together.
pub(super) fn does_not_fit(path: &Path, error: &TransmissionError) -> Complaint {
    Complaint::usage("the bundle can't be sent with these settings")
        .fact("file", path.display())
        .fact("cause", error)
        .mend(mend_of(error))
}

/// What to change so that bundle and settings go together.
pub(super) fn mend_of(error: &TransmissionError) -> &'static str {
    match error {
        TransmissionError::Layout(LayoutError::TooManySymbols { .. }) => {
            "raise `mtu` if the way allows it, or pack with a smaller --leaf-len"
        }
        TransmissionError::Redundancy(_) => {
            "lower `fec.loss` or `fec.burst`, or raise `fec.depth`; `passes` make up for it"
        }
        TransmissionError::Layout(LayoutError::Range {
            field: "head_len" | "content_len",
            ..
        }) => "pack it as several bundles",
        TransmissionError::Layout(_) | TransmissionError::Passes { .. } | TransmissionError::Range { .. } => {
            "change the settings that the cause names"
        }
    }
}

/// All was sent, and yet the log could not take it.
pub(super) fn not_recorded(state: &Path, number: LinkNumber, error: &LedgerError) -> Complaint {
    unusable_ledger(state, error).fact(
        "but",
        format_args!(
            "all of seq {} was sent; only the log lacks its last entry",
            number.sequence
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::complaint::Exit;

    #[test]
    fn a_datagram_that_the_interface_does_not_carry_is_the_operators_to_mend() {
        let to = ([192, 0, 2, 1], 4600).into();
        let error = HwError::DatagramTooLarge {
            bytes: 8928,
            to,
            source: io::Error::from_raw_os_error(90),
        };
        let complaint = link_failed(&error);
        assert_eq!(complaint.exit(), Exit::Usage);
        assert!(complaint.summary().ends_with("192.0.2.1:4600"), "{complaint}");
        assert!(complaint.to_string().contains("mend    set `mtu`"), "{complaint}");
    }

    #[test]
    fn an_interface_that_is_down_is_a_failure() {
        let to = ([192, 0, 2, 1], 4600).into();
        let error = HwError::Unreachable {
            to,
            source: io::Error::from_raw_os_error(100),
        };
        assert_eq!(link_failed(&error).exit(), Exit::Failed);
    }

    #[test]
    fn a_codes_blame_is_its_stops_blame() {
        let read = |kind| Stop::Bundle(BundleFileError::Read(io::Error::from(kind)));
        let stops = [
            read(io::ErrorKind::UnexpectedEof),
            read(io::ErrorKind::PermissionDenied),
            Stop::Bundle(BundleFileError::Trailing { extra: 1 }),
            Stop::Settings(TransmissionError::Passes { passes: 0 }),
            Stop::Interrupted,
            Stop::WorkersGone,
        ];
        for stop in stops {
            assert_eq!(is_code_of_bundle(code(&stop)), is_of_bundle(&stop), "{stop}");
        }
    }

    #[test]
    fn a_file_that_ended_too_soon_has_changed_and_one_that_fails_has_not() {
        let read = |kind| code(&Stop::Bundle(BundleFileError::Read(io::Error::from(kind))));
        assert_eq!(read(io::ErrorKind::UnexpectedEof), "bundle-changed");
        assert_eq!(read(io::ErrorKind::PermissionDenied), "bundle-unreadable");
    }
}
