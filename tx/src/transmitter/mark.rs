//! How far the state has come, kept beside its log: what a log that was restored from a backup falls short of.
//!
//! ```text
//! DIR/mark   {"schema":1,"epoch":"9f3c…","highest":41}       replaced as a whole, durably
//!                                          └ the highest number that was given, when it was last written
//! ```
//!
//! Always true:
//! - within an epoch the figure does not go back;
//! - what is written here was durable in the log before, so that no crash makes the log look restored.

use std::io;
use std::path::Path;

use audit::storage::{OpenHow, Storage, replace_durable};
use serde::{Deserialize, Serialize};

/// How far an epoch has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    schema: u32,
    /// 16 hex digits.
    epoch: String,
    /// The highest number that was given.
    highest: u64,
}

/// The mark's name within the state's folder.
pub(super) const MARK: &str = "mark";
/// What an interrupted writing leaves.
pub(super) const NEW_MARK: &str = ".tmp-mark";
const SCHEMA: u32 = 1;
const MAX_LEN: u64 = 4096;

impl Mark {
    /// The mark of an epoch in which nothing has happened.
    pub(super) fn new(epoch: u64) -> Self {
        Self {
            schema: SCHEMA,
            epoch: format!("{epoch:016x}"),
            highest: 0,
        }
    }

    /// The mark of the same epoch when `highest` was given.
    pub(super) fn at(&self, highest: u64) -> Self {
        Self {
            highest: highest.max(self.highest),
            ..self.clone()
        }
    }

    /// The highest number that was given.
    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// The mark in a state's folder; `None` if there is none.
    ///
    /// # Errors
    /// The storage's; `InvalidData` for what is no mark.
    pub(super) fn read(storage: &dyn Storage) -> io::Result<Option<Self>> {
        let file = match storage.open(Path::new(MARK), OpenHow::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let mark: Self = serde_json::from_slice(&file.read_all(MAX_LEN)?).map_err(invalid)?;
        if mark.schema != SCHEMA {
            let text = format!("schema {} of the mark is not known here, only {SCHEMA}", mark.schema);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Some(mark))
    }

    /// Writes it in place of the one before.
    ///
    /// # Errors
    /// The storage's; the one before then stands, or this one.
    pub(super) fn write(&self, storage: &dyn Storage) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        replace_durable(storage, Path::new(MARK), &bytes, 0o600)
    }

    /// What does not fit a log of this epoch that has given numbers up to `highest`, if something does not.
    pub(super) fn misfit(&self, epoch: u64, highest: u64) -> Option<String> {
        if self.epoch != format!("{epoch:016x}") {
            return Some(format!(
                "the log is of epoch {epoch:016x}, and the mark beside it of epoch {}",
                self.epoch
            ));
        }
        (highest < self.highest).then(|| {
            format!(
                "the log knows numbers up to {highest}, and numbers up to {} were given",
                self.highest
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use audit::storage::MemoryStorage;

    use super::*;

    #[test]
    fn a_mark_reads_back_as_it_was_written_and_as_the_module_says() {
        let storage = MemoryStorage::new();
        assert_eq!(Mark::read(&storage).unwrap(), None);
        let mark = Mark::new(0x9f3c).at(41);
        mark.write(&storage).unwrap();
        assert_eq!(Mark::read(&storage).unwrap(), Some(mark));
        let file = storage.open(Path::new(MARK), OpenHow::Read).unwrap();
        let text = String::from_utf8(file.read_all(MAX_LEN).unwrap()).unwrap();
        assert_eq!(text, "{\"schema\":1,\"epoch\":\"0000000000009f3c\",\"highest\":41}\n");
    }

    #[test]
    fn a_log_that_gave_fewer_numbers_or_is_of_another_epoch_does_not_fit() {
        let mark = Mark::new(7).at(5);
        assert_eq!([5, 6].map(|highest| mark.misfit(7, highest)), [None, None]);
        assert!(mark.misfit(7, 4).is_some() && mark.misfit(8, 9).is_some());
    }

    #[test]
    fn what_is_no_mark_is_an_error_and_not_no_mark() {
        for text in ["", "{}", "{\"schema\":2,\"epoch\":\"\",\"highest\":1}"] {
            let storage = MemoryStorage::new();
            replace_durable(&storage, Path::new(MARK), text.as_bytes(), 0o600).unwrap();
            let error = Mark::read(&storage).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text:?}");
        }
    }
}
