//! A bundle in this process's memory, and the datagrams that carry it: for stand-ins that send what the transmitter would not, or not so.
//!
//! Always true: announces, coding and order are those of the transmitter's own [`Transmission`].

use protocol::fec::FecError;
use protocol::keys::SigningKey;
use protocol::transmission::{BundleShape, EncodeJob, Lane, Settings, Transmission, TransmissionError};

/// A bundle file's bytes, and what announces say of it.
#[derive(Debug, Clone)]
pub(crate) struct Carried {
    pub(crate) bytes: Vec<u8>,
    pub(crate) shape: BundleShape,
}

/// Header and body of a datagram.
pub(crate) type Parts = (Vec<u8>, Vec<u8>);

/// Why there are no datagrams of a bundle.
#[derive(Debug, thiserror::Error)]
pub enum CarriedError {
    /// Bundle and settings do not fit.
    #[error(transparent)]
    Transmission(#[from] TransmissionError),
    /// A block could not be coded.
    #[error(transparent)]
    Code(#[from] FecError),
    /// The file is shorter than what is announced of it.
    #[error("a block beyond the bundle's end")]
    Short,
}

impl Carried {
    /// Header and body of each datagram of one transmission over one lane, in their order.
    ///
    /// # Errors
    /// [`CarriedError`].
    pub(crate) fn datagrams(&self, settings: &Settings, link_key: &SigningKey) -> Result<Vec<Parts>, CarriedError> {
        let transmission = Transmission::new(&self.shape, settings, link_key)?;
        let (mut datagrams, mut short) = (Vec::new(), false);
        let read = |job: &EncodeJob, place: &mut [u8]| {
            let start = usize::try_from(job.file_offset()).unwrap_or(usize::MAX);
            match self.bytes.get(start..start.saturating_add(place.len())) {
                Some(block) => place.copy_from_slice(block),
                None => short = true,
            }
        };
        transmission.drive(&mut [Lane::new(0)], read, |_lane, header, body| {
            datagrams.push((header.to_vec(), body.to_vec()));
        })?;
        match short {
            false => Ok(datagrams),
            true => Err(CarriedError::Short),
        }
    }
}
