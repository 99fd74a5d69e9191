//! What can go wrong at a socket, with where it was and what mends it.
//!
//! The text of an error ends with its mend; the system's own words follow as its source.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A failure at one of the link's sockets.
#[derive(Debug, thiserror::Error)]
pub enum HwError {
    /// A socket could not be made or set up.
    #[error("cannot {step} for {address}: {}", self.mend())]
    Setup {
        /// What was tried, as a verb and its object.
        step: &'static str,
        /// The address that the socket is for.
        address: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// The local address could not be taken.
    #[error("cannot bind {address}: {}", self.mend())]
    Bind {
        /// The local address.
        address: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// The socket could not be tied to an interface.
    #[error("cannot receive on interface {interface:?} at {address}: {}", self.mend())]
    Interface {
        /// The interface's name as configured.
        interface: String,
        /// The local address.
        address: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// A sink's target and its local address are not of one family.
    #[error("cannot send to {to} from {bind}: {}", self.mend())]
    FamilyMismatch {
        /// Where the sink would send.
        to: SocketAddr,
        /// The local address it was given.
        bind: SocketAddr,
    },
    /// A source's one sender and its local address are not of one family, so that nothing could ever come.
    #[error("cannot receive from {from} at {address}: {}", self.mend())]
    SenderFamily {
        /// The sender's address.
        from: IpAddr,
        /// The local address.
        address: SocketAddr,
    },
    /// A datagram is longer than the interface carries (EMSGSIZE). Nothing is fragmented and nothing falls back.
    #[error("a datagram of {bytes} bytes does not fit the interface towards {to}: {}", self.mend())]
    DatagramTooLarge {
        /// Length of the datagram, without IP and UDP headers.
        bytes: usize,
        /// Where it should have gone.
        to: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// The send queue had no room for as long as the sink is willing to wait.
    #[error("no room to send to {to} for {waited:?}: {}", self.mend())]
    SendStalled {
        /// Where the datagram should have gone.
        to: SocketAddr,
        /// How long was waited without one datagram leaving.
        waited: Duration,
        /// What the system answered last.
        source: io::Error,
    },
    /// There is no way to the target at the moment: no route, or its interface is down.
    #[error("no way to {to}: {}", self.mend())]
    Unreachable {
        /// Where the datagram should have gone.
        to: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// A rule of this machine forbids the datagram.
    #[error("this machine refuses to send to {to}: {}", self.mend())]
    Forbidden {
        /// Where the datagram should have gone.
        to: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// Any other failure to send.
    #[error("cannot send to {to}: {}", self.mend())]
    Send {
        /// Where the datagram should have gone.
        to: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
    /// A failure to receive.
    #[error("cannot receive at {address}: {}", self.mend())]
    Receive {
        /// The local address.
        address: SocketAddr,
        /// What the system answered.
        source: io::Error,
    },
}

impl HwError {
    /// The system's error number, where a system call failed.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::FamilyMismatch { .. } | Self::SenderFamily { .. } => None,
            Self::Setup { source, .. }
            | Self::Bind { source, .. }
            | Self::Interface { source, .. }
            | Self::DatagramTooLarge { source, .. }
            | Self::SendStalled { source, .. }
            | Self::Unreachable { source, .. }
            | Self::Forbidden { source, .. }
            | Self::Send { source, .. }
            | Self::Receive { source, .. } => source.raw_os_error(),
        }
    }

    /// Whether the same call may succeed later with nothing changed in the configuration.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::SendStalled { .. } | Self::Unreachable { .. } | Self::Send { .. }
        )
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Bind { source, .. } => bind_mend(source),
            Self::Interface { source, .. } => interface_mend(source),
            Self::FamilyMismatch { .. } | Self::SenderFamily { .. } => "give both as IPv4 or both as IPv6 addresses",
            Self::DatagramTooLarge { .. } => {
                "set `mtu` to the smallest MTU on the way, or raise the interface's with `ip link set DEV mtu N`"
            }
            Self::SendStalled { .. } => "see with `ip -s link` whether the interface sends at all, or lower the rate",
            Self::Unreachable { .. } => {
                "see `ip route get ADDRESS` and `ip link`; a one-way link needs a static neighbour entry"
            }
            Self::Forbidden { .. } => {
                "see this machine's firewall rules (`nft list ruleset`), or whether the address is a broadcast one"
            }
            Self::Setup { source, .. } | Self::Send { source, .. } | Self::Receive { source, .. } => {
                system_mend(source)
            }
        }
    }
}

fn bind_mend(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => "another process holds the port; `ss -ulpn` shows which, or choose another port",
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has that address; `ip -br address` lists what there is"
        }
        io::ErrorKind::PermissionDenied => "choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE",
        _ => system_mend(source),
    }
}

fn interface_mend(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::ENODEV) => "`ip -br link` lists the interfaces that there are",
        Some(libc::EINVAL | libc::ENAMETOOLONG) => "an interface's name has from 1 to 15 bytes",
        Some(libc::EPERM) => "start it as root, or grant CAP_NET_RAW",
        _ => system_mend(source),
    }
}

/// What mends the errors that any call may meet.
fn system_mend(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => "raise the limit of open files (`ulimit -n`, LimitNOFILE=)",
        Some(libc::ENOMEM | libc::ENOBUFS) => "free memory, or ask for smaller buffers",
        Some(libc::EAFNOSUPPORT) => "use an IPv4 address, or switch IPv6 on",
        Some(libc::EPERM | libc::EACCES) => {
            "a container's or a service's system call filter forbids it: allow it there"
        }
        _ => "the system says why",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 5000);

    #[test]
    fn a_datagram_too_large_is_named_with_its_size_its_target_and_the_mtu_setting() {
        let error = HwError::DatagramTooLarge {
            bytes: 9000,
            to: ADDRESS,
            source: io::Error::from_raw_os_error(libc::EMSGSIZE),
        };
        let text = error.to_string();
        for part in ["9000 bytes", "192.0.2.1:5000", "`mtu`"] {
            assert!(text.contains(part), "{part:?} is missing in {text:?}");
        }
    }

    #[test]
    fn the_systems_error_number_is_kept() {
        let error = HwError::Send {
            to: ADDRESS,
            source: io::Error::from_raw_os_error(libc::ENOMEM),
        };
        assert_eq!(error.errno(), Some(libc::ENOMEM));
    }

    #[test]
    fn a_datagram_too_large_is_not_transient() {
        let error = HwError::DatagramTooLarge {
            bytes: 1,
            to: ADDRESS,
            source: io::Error::from_raw_os_error(libc::EMSGSIZE),
        };
        assert!(!error.is_transient());
    }
}
