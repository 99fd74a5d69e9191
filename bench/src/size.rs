//! A size in bytes, as an operator writes it: `10KiB`, `1GiB`, `4096`.

use std::fmt;
use std::str::FromStr;

use audit::line;
use serde::Deserialize;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(u64);

impl Size {
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line::size(self.0))
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("{text:?} is not a size: write 4096, 10KiB, 100MiB or 1GiB");
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(end);
        let shift = match unit.trim_start() {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            _ => return Err(refuse()),
        };
        let number: u64 = number.parse().map_err(|_| refuse())?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(refuse)
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<u64> {
        text.parse().ok().map(Size::bytes)
    }

    #[test]
    fn sizes_are_binary() {
        let sizes = ["4096", "10KiB", "1 MiB", "1GiB"].map(parse);
        assert_eq!(sizes, [Some(4096), Some(10_240), Some(1 << 20), Some(1 << 30)]);
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for text in ["", "GiB", "1GB", "1g", "-1", "1.5GiB", "99999999999999GiB"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
