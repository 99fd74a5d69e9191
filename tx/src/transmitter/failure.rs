//! What to say when bundles were not sent: why, how far it came, what is left, and the mend.

use std::path::Path;

use hw::HwError;
use protocol::layout::LayoutError;
use protocol::transmission::TransmissionError;
use protocol::wire::LinkNumber;

use super::intake;
use super::ledger::LedgerError;
use super::link::Stop;
use super::send::Job;
use super::state::unusable_ledger;
use super::watch::Tally;
use crate::bundle_file::BundleFileError;
use crate::complaint::Complaint;

/// The code of a stop, for log and JSON.
pub(super) fn code(stop: &Stop) -> &'static str {
    match stop {
        Stop::Interrupted => "interrupted",
        Stop::Bundle(BundleFileError::Read(cause)) if cause.kind() != std::io::ErrorKind::UnexpectedEof => {
            "bundle-unreadable"
        }
        Stop::Bundle(_) => "bundle-changed",
        Stop::Link(_) => "link-failed",
        Stop::Settings(_) => "settings",
        Stop::Code(_) => "coding-failed",
        Stop::WorkersGone => "internal-fault",
    }
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
pub(super) fn before_any(stop: &Stop, jobs: &[Job]) -> Complaint {
    with_rest(reason(stop, Path::new("")), jobs)
}

/// Names the bundles that were not begun.
pub(super) fn with_rest(complaint: Complaint, not_begun: &[Job]) -> Complaint {
    not_begun.iter().fold(complaint, |complaint, job| {
        complaint.fact("not begun", job.sound.path.display())
    })
}

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
    let mend = match error {
        TransmissionError::Layout(LayoutError::TooManySymbols { .. }) => {
            "raise `mtu` if the way allows it, or pack with a smaller --leaf-len"
        }
        TransmissionError::Redundancy(_) => {
            "lower `fec.loss` or `fec.burst`, or raise `fec.depth`; `passes` make up for it"
        }
        TransmissionError::Layout(_) | TransmissionError::Passes { .. } | TransmissionError::Range { .. } => {
            "change the settings that the cause names"
        }
    };
    Complaint::usage("the bundle can't be sent with these settings")
        .fact("file", path.display())
        .fact("cause", error)
        .mend(mend)
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
    fn a_file_that_ended_too_soon_has_changed_and_one_that_fails_has_not() {
        let read = |kind| code(&Stop::Bundle(BundleFileError::Read(io::Error::from(kind))));
        assert_eq!(read(io::ErrorKind::UnexpectedEof), "bundle-changed");
        assert_eq!(read(io::ErrorKind::PermissionDenied), "bundle-unreadable");
    }
}
