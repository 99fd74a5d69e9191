//! A transmitter in this process: sends one bundle file under a session and number that are known beforehand, for one whose session is attacked.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use hw::udp::Datagram;
use hw::units::Rate;
use protocol::bundle::{PREFIX_LEN, Prefix, UnverifiedHead};
use protocol::digest::Digest;
use protocol::fec::Redundancy;
use protocol::keys::SigningKey;
use protocol::transmission::{BundleShape, Settings};
use protocol::wire::{LinkNumber, SessionId};

use super::paced::Paced;
use super::stream::SYMBOL_LEN;
use crate::carried::Carried;
use crate::clock::now;

/// A bundle that is ready to be sent.
#[derive(Debug)]
pub(super) struct Carrier(Carried);

const BATCH: usize = 32;

impl Carrier {
    /// Reads a bundle file.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let prefix = Prefix::parse(bytes.first_chunk::<PREFIX_LEN>().context("no bundle")?)?;
        let content_at = PREFIX_LEN + prefix.head_len() as usize;
        let head = bytes.get(PREFIX_LEN..content_at).context("a bundle without its head")?;
        let signed = UnverifiedHead::parse(head, prefix.envelope_len)?;
        let shape = BundleShape {
            bundle: signed.id,
            envelope_len: prefix.envelope_len,
            head_len: u32::try_from(head.len())?,
            head_sha256: Digest::of(head),
            content_len: signed.statement.content_len,
            content_root: signed.index.root(),
            leaf_len: signed.statement.leaf_len,
        };
        Ok(Self(Carried { bytes, shape }))
    }

    /// Sends it once.
    ///
    /// # Errors
    /// If it can't be sent.
    pub(super) fn send(
        &self,
        link_key: &SigningKey,
        number: LinkNumber,
        session: SessionId,
        to: SocketAddr,
        rate: Rate,
    ) -> anyhow::Result<()> {
        let settings = Settings {
            session,
            number,
            symbol_len: SYMBOL_LEN,
            redundancy: Redundancy::new(0.1, 64, 1e-9, 16)?,
            passes: 1,
            lanes: 1,
            created: now(),
        };
        let datagrams = self.0.datagrams(&settings, link_key)?;
        let mut paced = Paced::bind(to, rate)?;
        for batch in datagrams.chunks(BATCH) {
            let parts: Vec<_> = batch.iter().map(|(header, body)| Datagram { header, body }).collect();
            paced.send(&parts)?;
        }
        Ok(())
    }
}
