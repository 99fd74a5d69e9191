//! The receiver's configuration: what is written in `diode-rx.toml`, and what the receiver runs on once it is checked.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use audit::storage::read_outside;
use protocol::keys::PublicKey;
use protocol::limits::MAX_LANES;
use protocol::reception::ReceptionLimits;
use scanner::quarantine::{DEFAULT_RESERVE, KeepLimits};
use serde::Deserialize;

use crate::home::{CONFIG, Home, LINK_KEY, POLICY, TRUST};
use crate::ledger::Quotas;
use crate::retention::{Keep, Retention};

/// The configuration that `diode-rx init` writes: every key, commented, with its default.
pub const TEMPLATE: &str = include_str!("../diode-rx.example.toml");

/// A configuration that can't be used: what is wrong where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{file} can't be read: {reason}\n  mend    make it with: diode-rx init --home {home} --name NAME")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
        /// The receiver's folder.
        home: String,
    },
    /// It is not TOML, or has a key that is not known, or lacks one.
    #[error("{file}: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// What the parser said, with line and key.
        reason: String,
    },
    /// A value is out of its range.
    #[error("{file}: {key} = {value} is out of range\n  mend    {mend}")]
    Value {
        /// The file.
        file: String,
        /// The key, with its table.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        mend: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    receiver: ReceiverTable,
    link: LinkTable,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    retention: RetentionTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiverTable {
    name: String,
    trust: Option<PathBuf>,
    policy: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkTable {
    listen: String,
    name: Option<String>,
    keys: Option<Vec<PathBuf>>,
    lanes: Option<u8>,
    from: Option<String>,
    interface: Option<String>,
    receive_buffer_mib: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    memory_mib: Option<u32>,
    bundle_mib: Option<u64>,
    sessions: Option<u16>,
    idle_ms: Option<u64>,
    waiting_mib: Option<u64>,
    evidence_mib: Option<u64>,
    incomplete_mib: Option<u64>,
    incomplete_bundles: Option<u64>,
    incomplete_days: Option<u64>,
    reserve_mib: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionTable {
    released_days: Option<u64>,
    released_mib: Option<u64>,
    rejected_days: Option<u64>,
    rejected_mib: Option<u64>,
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The receiver's name, which bundles must be addressed to.
    pub receiver: String,
    /// The link's name in events.
    pub link: String,
    /// Where datagrams come in.
    pub listen: SocketAddr,
    /// The one address that datagrams may come from, if it is told.
    pub from: Option<IpAddr>,
    /// The interface to take them from, if only one.
    pub interface: Option<String>,
    /// Bytes asked for the socket's buffer.
    pub receive_buffer: usize,
    /// Files of the pinned link keys.
    pub link_keys: Vec<PathBuf>,
    /// The trusted authors' file.
    pub trust: PathBuf,
    /// The policy's file.
    pub policy: PathBuf,
    /// What reception may use.
    pub limits: ReceptionLimits,
    /// What may be set aside.
    pub quotas: Quotas,
    /// What is kept of incomplete transmissions.
    pub incomplete: KeepLimits,
    /// Days for which it is kept.
    pub incomplete_days: u64,
    /// Bytes of the disk that stay free for the log.
    pub reserve_bytes: u64,
    /// How long what was decided on is kept.
    pub retention: Retention,
}

impl Config {
    /// Reads and checks a receiver's configuration.
    ///
    /// # Errors
    /// [`ConfigError`] naming file, key and mend.
    pub fn load(home: &Home) -> Result<Self, ConfigError> {
        let path = home.path(CONFIG);
        let file = path.display().to_string();
        let bytes = read_outside(&path, 1 << 20).map_err(|error| ConfigError::Unreadable {
            file: file.clone(),
            reason: error.to_string(),
            home: home.dir().display().to_string(),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| ConfigError::Malformed {
            file: file.clone(),
            reason: "not UTF-8".to_owned(),
        })?;
        Self::parse(&text, &file, home.dir())
    }

    /// Checks a configuration's text; relative paths are below `dir`.
    ///
    /// # Errors
    /// [`ConfigError`] naming `file`, key and mend.
    pub fn parse(text: &str, file: &str, dir: &Path) -> Result<Self, ConfigError> {
        let written: ConfigFile = toml::from_str(text).map_err(|error| ConfigError::Malformed {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
        let check = Check { file };
        let ReceiverTable { name, trust, policy } = written.receiver;
        let LinkTable {
            listen,
            name: link,
            keys,
            lanes,
            from,
            interface,
            receive_buffer_mib,
        } = written.link;
        let keys = keys.unwrap_or_else(|| vec![PathBuf::from(LINK_KEY)]);
        if keys.is_empty() {
            return Err(check.refuse(
                "link.keys",
                "[]".to_owned(),
                "name at least one file with a link key".to_owned(),
            ));
        }
        let lanes = check.range("link.lanes", lanes.unwrap_or(1).into(), 1..=MAX_LANES.into())? as u8;
        let listen = check.listen(&listen, lanes)?;
        Ok(Self {
            receiver: check.name("receiver.name", name)?,
            link: check.name("link.name", link.unwrap_or_else(|| "main".to_owned()))?,
            listen,
            from: from.map(|from| check.from(&from, listen)).transpose()?,
            interface,
            receive_buffer: check.range(
                "link.receive_buffer_mib",
                receive_buffer_mib.unwrap_or(64).into(),
                1..=1024,
            )? << 20,
            link_keys: keys.iter().map(|key| dir.join(key)).collect(),
            trust: dir.join(trust.unwrap_or_else(|| TRUST.into())),
            policy: dir.join(policy.unwrap_or_else(|| POLICY.into())),
            limits: check.limits(&written.limits, lanes)?,
            quotas: check.quotas(&written.limits)?,
            incomplete: check.incomplete(&written.limits)?,
            incomplete_days: check.range(
                "limits.incomplete_days",
                written.limits.incomplete_days.unwrap_or(7),
                DAYS,
            )? as u64,
            reserve_bytes: check.mib(
                "limits.reserve_mib",
                written.limits.reserve_mib.unwrap_or(DEFAULT_RESERVE >> 20),
                RESERVE_MIB,
            )?,
            retention: check.retention(&written.retention)?,
        })
    }

    /// Reads the pinned link keys.
    ///
    /// # Errors
    /// If one can't be read: with its file, and where to get it.
    pub fn load_link_keys(&self) -> Result<Vec<PublicKey>, audit::keyfile::KeyFileError> {
        self.link_keys
            .iter()
            .map(|path| audit::keyfile::load_public(path))
            .collect()
    }
}

struct Check<'a> {
    file: &'a str,
}

/// Bundles, and what they take of the disk together: up to 16 TiB.
const MOST_MIB: std::ops::RangeInclusive<u64> = 1..=16_777_216;

/// What stays free on the disk: with less, a flood of refusals fills it within days.
const RESERVE_MIB: std::ops::RangeInclusive<u64> = 16..=1_048_576;

/// Days for which something is kept: up to a hundred years.
const DAYS: std::ops::RangeInclusive<u64> = 1..=36_500;

impl Check<'_> {
    fn refuse(&self, key: &'static str, value: String, mend: String) -> ConfigError {
        ConfigError::Value {
            file: self.file.to_owned(),
            key,
            value,
            mend,
        }
    }

    fn range(&self, key: &'static str, value: u64, range: std::ops::RangeInclusive<u64>) -> Result<usize, ConfigError> {
        match usize::try_from(value) {
            Ok(fits) if range.contains(&value) => Ok(fits),
            _ => Err(self.refuse(
                key,
                value.to_string(),
                format!("write a number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    /// Bytes, written as MiB.
    fn mib(&self, key: &'static str, value: u64, range: std::ops::RangeInclusive<u64>) -> Result<u64, ConfigError> {
        Ok((self.range(key, value, range)? as u64) << 20)
    }

    fn limits(&self, written: &LimitsTable, lanes: u8) -> Result<ReceptionLimits, ConfigError> {
        let memory_mib = written.memory_mib.unwrap_or(128).into();
        Ok(ReceptionLimits {
            memory_bytes: self.mib("limits.memory_mib", memory_mib, 8..=65_536)?,
            bundle_bytes: self.mib("limits.bundle_mib", written.bundle_mib.unwrap_or(16_384), MOST_MIB)?,
            lanes,
            sessions: self.range("limits.sessions", written.sessions.unwrap_or(8).into(), 1..=1024)?,
            idle_millis: self.range("limits.idle_ms", written.idle_ms.unwrap_or(120_000), 100..=86_400_000)? as u64,
            signatures_per_second: ReceptionLimits::SIGNATURES_PER_SECOND,
        })
    }

    fn quotas(&self, written: &LimitsTable) -> Result<Quotas, ConfigError> {
        Ok(Quotas {
            waiting_bytes: self.mib("limits.waiting_mib", written.waiting_mib.unwrap_or(1024), MOST_MIB)?,
            evidence_bytes: self.mib("limits.evidence_mib", written.evidence_mib.unwrap_or(1024), MOST_MIB)?,
        })
    }

    fn incomplete(&self, written: &LimitsTable) -> Result<KeepLimits, ConfigError> {
        let default = KeepLimits::default();
        let mib = written.incomplete_mib.unwrap_or(default.bytes >> 20);
        let files = written.incomplete_bundles.unwrap_or(default.files as u64);
        Ok(KeepLimits {
            bytes: self.mib("limits.incomplete_mib", mib, MOST_MIB)?,
            files: self.range("limits.incomplete_bundles", files, 1..=1024)?,
        })
    }

    fn retention(&self, written: &RetentionTable) -> Result<Retention, ConfigError> {
        let days = |key, days: Option<u64>| days.map(|days| self.range(key, days, DAYS)).transpose();
        let mib = |key, mib: Option<u64>| mib.map(|mib| self.mib(key, mib, MOST_MIB)).transpose();
        Ok(Retention {
            released: Keep {
                days: days("retention.released_days", written.released_days)?.map(|days| days as u64),
                bytes: mib("retention.released_mib", written.released_mib)?,
            },
            rejected: Keep {
                days: days("retention.rejected_days", written.rejected_days)?.map(|days| days as u64),
                bytes: mib("retention.rejected_mib", written.rejected_mib)?,
            },
        })
    }

    /// Address and port, with room for the ports of all lanes.
    fn listen(&self, value: &str, lanes: u8) -> Result<SocketAddr, ConfigError> {
        let mend = |text: &str| self.refuse("link.listen", value.to_owned(), text.to_owned());
        let listen: SocketAddr = value
            .parse()
            .map_err(|_| mend("write address and port, such as 0.0.0.0:4600 or [::]:4600"))?;
        if listen.port() > u16::MAX - u16::from(lanes - 1) {
            return Err(mend("choose a lower port: each lane takes the next one"));
        }
        Ok(listen)
    }

    /// An address of the family that is listened at.
    fn from(&self, value: &str, listen: SocketAddr) -> Result<IpAddr, ConfigError> {
        let address = value.parse().ok();
        address
            .filter(|from: &IpAddr| from.is_ipv4() == listen.is_ipv4())
            .ok_or_else(|| {
                let mend = "write the transmitter's address, of the same family as link.listen".to_owned();
                self.refuse("link.from", value.to_owned(), mend)
            })
    }

    fn name(&self, key: &'static str, value: String) -> Result<String, ConfigError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if value.is_empty() || value.len() > 64 || !value.chars().all(plain) {
            return Err(self.refuse(
                key,
                format!("{value:?}"),
                "use 1 to 64 letters, digits, or any of - _ . @".to_owned(),
            ));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, "diode-rx.toml", Path::new("/home"))
    }

    const LEAST: &str = "[receiver]\nname = \"plant-7\"\n[link]\nlisten = \"127.0.0.1:4600\"\n";

    #[test]
    fn the_least_configuration_has_the_defaults() {
        let config = parse(LEAST).unwrap();
        assert_eq!(config.trust, Path::new("/home/allowed_signers"));
        assert_eq!(config.limits.memory_bytes, 128 << 20);
    }

    #[test]
    fn the_template_states_the_defaults() {
        let text = TEMPLATE
            .replace("@NAME@", "plant-7")
            .replace("@LISTEN@", "127.0.0.1:4600");
        let all: String = text
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
            .collect();
        let (mut template, least) = (parse(&all).unwrap(), parse(LEAST).unwrap());
        // Like a link's interface, these have no default that could be written.
        assert_eq!(template.retention, every_kind_for(365, 102_400, 365, 10_240));
        template.retention = Retention::default();
        assert_eq!(
            format!("{template:?}"),
            format!("{least:?}")
                .replace("interface: None", "interface: Some(\"eth1\")")
                .replace("from: None", "from: Some(192.0.2.1)")
        );
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = parse(&LEAST.replace("listen", "lisen = 1\nlisten"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("diode-rx.toml") && error.contains("lisen"), "{error}");
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = parse("[receiver]\nname = \"x\"\n[link]\n").unwrap_err().to_string();
        assert!(error.contains("listen"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_range() {
        let error = parse(&format!("{LEAST}[limits]\nsessions = 0\n"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("limits.sessions = 0") && error.contains("1 to 1024"),
            "{error}"
        );
    }

    fn every_kind_for(released_days: u64, released_mib: u64, rejected_days: u64, rejected_mib: u64) -> Retention {
        let keep = |days, mib: u64| Keep {
            days: Some(days),
            bytes: Some(mib << 20),
        };
        Retention {
            released: keep(released_days, released_mib),
            rejected: keep(rejected_days, rejected_mib),
        }
    }

    #[test]
    fn nothing_is_removed_unless_it_is_asked_for_and_zero_asks_for_nothing() {
        assert_eq!(parse(LEAST).unwrap().retention, Retention::default());
        for key in ["released_days", "released_mib", "rejected_days", "rejected_mib"] {
            let error = parse(&format!("{LEAST}[retention]\n{key} = 0\n"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(&format!("retention.{key} = 0")), "{error}");
        }
    }

    #[test]
    fn a_name_with_a_space_is_refused() {
        assert!(parse(&LEAST.replace("plant-7", "plant 7")).is_err());
    }
}
