//! What happened, line by line: hashed, and printed for whoever wants to read it.

use std::fmt::{self, Write as _};

use protocol::digest::{Digest, Hasher};

/// A simulation's record, of which the digest tells two runs apart.
pub(super) struct Trace {
    hasher: Hasher,
    line: String,
    print: bool,
}

impl Trace {
    /// An empty one; `print` shows each line.
    pub(super) fn new(print: bool) -> Self {
        Self {
            hasher: Hasher::new(),
            line: String::new(),
            print,
        }
    }

    /// Adds a line.
    pub(super) fn note(&mut self, text: fmt::Arguments<'_>) {
        self.line.clear();
        // Writing to a string can't fail.
        let _ = self.line.write_fmt(text);
        self.hasher.update(self.line.as_bytes());
        self.hasher.update(b"\n");
        if self.print {
            println!("{}", self.line);
        }
    }

    /// Adds bytes that nobody reads.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// The digest of all.
    pub(super) fn finish(self) -> Digest {
        self.hasher.finish()
    }
}
