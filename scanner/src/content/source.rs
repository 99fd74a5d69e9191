//! One file of a content as a stream: exactly as many bytes as were announced, or an error.

use std::io::{self, Read};

use super::Content;

/// Reads a file from its start to the end that its entry states.
#[derive(Debug)]
pub(crate) struct FileSource<'a> {
    content: &'a dyn Content,
    file: usize,
    size: u64,
    at: u64,
}

impl<'a> FileSource<'a> {
    /// File number `file`, of `size` bytes.
    pub(crate) fn new(content: &'a dyn Content, file: usize, size: u64) -> Self {
        Self {
            content,
            file,
            size,
            at: 0,
        }
    }
}

impl Read for FileSource<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let (target, _) = buf.split_at_mut(left.min(buf.len()));
        if target.is_empty() {
            return Ok(0);
        }
        let len = self.content.read_at(self.file, self.at, target)?.min(target.len());
        if len == 0 {
            let message = format!("ends after {} of {} bytes", self.at, self.size);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        self.at += len as u64;
        Ok(len)
    }
}
