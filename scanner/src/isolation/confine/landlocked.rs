//! Landlock: no file, no TCP, no signal to others, as far as the kernel's version goes.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetError, RulesetStatus, Scope,
};

use super::Lacking;

/// Denies the calling thread all that Landlock knows, for good; says which version of Landlock this is.
///
/// # Errors
/// [`Lacking::Landlock`] if the kernel does not have the first version.
pub(super) fn deny_all() -> Result<u8, Lacking> {
    let status = restrict().map_err(|_| Lacking::Landlock)?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => Err(Lacking::Landlock),
        (_, LandlockStatus::Available { effective_abi, .. }) if status.no_new_privs => {
            effective_abi.to_string().parse().map_err(|_| Lacking::Landlock)
        }
        _ => Err(Lacking::Landlock),
    }
}

/// Everything is handled and nothing allowed: there are no rules.
fn restrict() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()
}

/// The newest version that the library knows; a kernel takes of it what it has.
const NEWEST: ABI = ABI::V10;

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    /// In a thread, which is all that is restricted; `None`, and a line that says so, on a kernel without Landlock.
    fn denied<T: Send>(attempt: impl FnOnce() -> io::Result<T> + Send) -> Option<(u8, io::Result<T>)> {
        let done = thread::scope(|scope| scope.spawn(|| deny_all().map(|abi| (abi, attempt()))).join().unwrap());
        if done.is_err() {
            let test = thread::current().name().unwrap_or_default().to_owned();
            eprintln!("skipped: {test}: this kernel has no Landlock");
        }
        done.ok()
    }

    #[test]
    fn no_file_can_be_opened_behind_landlock() {
        let opened = denied(|| {
            rustix::fs::open("/", rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).map_err(io::Error::from)
        });
        let Some((_, opened)) = opened else { return };
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn no_port_can_be_connected_to_behind_landlock() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let Some((abi, connected)) = denied(|| TcpStream::connect(address)) else {
            return;
        };
        if abi < 4 {
            eprintln!("skipped: no_port_can_be_connected_to_behind_landlock: this kernel's Landlock has no TCP");
            return;
        }
        assert_eq!(connected.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}
