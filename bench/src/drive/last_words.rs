//! The end of what a program said on standard error.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// What is kept of it; of very much, the end.
#[derive(Debug)]
pub(super) struct LastWords {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl LastWords {
    /// Reads to the end on a thread of its own; without anything to read it stays empty.
    pub(super) fn read(stderr: Option<impl Read + Send + 'static>) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&text);
        let reader = stderr.map(|stderr| {
            thread::spawn(move || {
                for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                    let mut text = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    text.push_str(&String::from_utf8_lossy(&line));
                    text.push('\n');
                    if text.len() > MAX_SAID {
                        let half = (text.len() / 2..text.len()).find(|at| text.is_char_boundary(*at));
                        text.drain(..half.unwrap_or(0));
                    }
                }
            })
        });
        Self { text, reader }
    }

    pub(super) fn so_far(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it, once the process has ended.
    pub(super) fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            // What it read before a panic is there all the same.
            let _ = reader.join();
        }
        self.so_far()
    }
}

const MAX_SAID: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn last_words_are_bounded_and_keep_the_end() {
        let text: String = (0..100_000).map(|number| format!("{number}\n")).collect();
        let mut words = LastWords::read(Some(io::Cursor::new(text)));
        let said = words.all();
        assert!(
            said.len() <= MAX_SAID && said.ends_with("99999\n"),
            "{} bytes",
            said.len()
        );
    }
}
