//! The two ends of a member: the archive's bytes, counted as they are taken, and the member's, counted as they come out.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use super::budget::Budget;
use super::flaw::Flaw;

/// An archive's bytes, with the place in it.
pub(super) struct Counted<'a> {
    inner: &'a mut dyn BufRead,
    taken: &'a Cell<u64>,
}

impl<'a> Counted<'a> {
    /// Counts into `taken`.
    pub(super) fn new(inner: &'a mut dyn BufRead, taken: &'a Cell<u64>) -> Self {
        Self { inner, taken }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buf)?;
        self.taken.set(self.taken.get() + len as u64);
        Ok(len)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken.set(self.taken.get() + amount as u64);
        self.inner.consume(amount);
    }
}

/// A member's bytes: counted, held to the budget, and their failure remembered for who asks afterwards.
pub(super) struct Member<'a> {
    inner: &'a mut dyn Read,
    budget: &'a Budget,
    /// What was taken from the archive before and up to now, where the bytes are made and not only copied.
    paid_by: Option<(&'a Cell<u64>, u64)>,
    made: u64,
    crc: crc32fast::Hasher,
    failed: Option<Flaw>,
}

impl<'a> Member<'a> {
    /// Bytes that lie in the archive as they are.
    pub(super) fn stored(inner: &'a mut dyn Read, budget: &'a Budget) -> Self {
        Self {
            inner,
            budget,
            paid_by: None,
            made: 0,
            crc: crc32fast::Hasher::new(),
            failed: None,
        }
    }

    /// Bytes that are made out of what is counted in `taken` from now on.
    pub(super) fn made(inner: &'a mut dyn Read, budget: &'a Budget, taken: &'a Cell<u64>) -> Self {
        Self {
            paid_by: Some((taken, taken.get())),
            ..Self::stored(inner, budget)
        }
    }

    /// The member's length and CRC-32, after reading what is left of it.
    ///
    /// # Errors
    /// What went wrong in the reading, whoever did it.
    pub(super) fn finish(mut self) -> Result<(u64, u32), Flaw> {
        let rest = io::copy(&mut self, &mut io::sink());
        match self.failed.take() {
            Some(flaw) => Err(flaw),
            None => rest.map(|_| (self.made, self.crc.finalize())).map_err(Flaw::from),
        }
    }

    fn pay(&mut self, fresh: &[u8]) -> Result<(), Flaw> {
        self.made += fresh.len() as u64;
        if let Some((taken, before)) = self.paid_by {
            self.budget.made(fresh.len() as u64, self.made, taken.get() - before)?;
        }
        self.crc.update(fresh);
        Ok(())
    }
}

impl Read for Member<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(flaw) = &self.failed {
            return Err(flaw.clone().into());
        }
        // A decoder that panics is not asked again: what it would do then, nobody knows.
        self.failed = Some(Flaw::damaged("its decoder failed"));
        let read = self.inner.read(buf).map_err(Flaw::from).and_then(|len| {
            let fresh = buf.get(..len).unwrap_or_default();
            self.pay(fresh).map(|()| len)
        });
        self.failed = read.as_ref().err().cloned();
        Ok(read?)
    }
}

/// The integers and strings of a record, front to back; `None` past its end.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_le_bytes(*taken))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*taken))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*taken))
    }
}
