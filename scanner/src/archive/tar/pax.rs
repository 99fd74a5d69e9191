//! What comes ahead of a tar's entry: GNU's long names, and PAX records (POSIX.1-2001), `LENGTH KEY=VALUE\n` each.

use std::collections::BTreeSet;

use super::super::flaw::Flaw;
use super::super::rules;
use super::desync;
use super::header::Extension;
use crate::engine::Outcome;

/// What was said of the next entry, by whom.
#[derive(Debug, Default)]
pub(super) struct Extended {
    gnu_path: Option<String>,
    gnu_link: Option<String>,
    pax_path: Option<String>,
    pax_link: Option<String>,
    pax_seen: bool,
    /// The length by PAX.
    pub(super) size: Option<u64>,
}

impl Extended {
    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        !self.pax_seen && self.gnu_path.is_none() && self.gnu_link.is_none()
    }

    /// The path, if one was stated.
    pub(super) fn path(&self) -> Result<Option<&str>, Flaw> {
        one_of(self.gnu_path.as_deref(), self.pax_path.as_deref())
    }

    /// The link's target, if one was stated.
    pub(super) fn link(&self) -> Result<Option<&str>, Flaw> {
        one_of(self.gnu_link.as_deref(), self.pax_link.as_deref())
    }

    /// Takes the bytes of one extension.
    pub(super) fn take(&mut self, what: Extension, bytes: &[u8]) -> Result<(), Flaw> {
        match what {
            Extension::GnuName => set(&mut self.gnu_path, long_name(bytes)?),
            Extension::GnuLink => set(&mut self.gnu_link, long_name(bytes)?),
            Extension::Pax if std::mem::replace(&mut self.pax_seen, true) => Err(twice()),
            Extension::Pax => self.pax(bytes, false),
            Extension::PaxGlobal => self.pax(bytes, true),
        }
    }

    fn pax(&mut self, bytes: &[u8], global: bool) -> Result<(), Flaw> {
        let mut keys = BTreeSet::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (key, value, behind) = record(rest).ok_or_else(|| desync("a PAX header that is none"))?;
            rest = behind;
            if !keys.insert(key) {
                return Err(twice());
            }
            if global && matches!(key, "path" | "linkpath" | "size") {
                return Err(desync(&format!("a PAX header gives all entries one \"{key}\"")));
            }
            match key {
                "path" => self.pax_path = Some(clean(value)?),
                "linkpath" => self.pax_link = Some(clean(value)?),
                "size" => {
                    let digits = value.iter().all(u8::is_ascii_digit);
                    let size = std::str::from_utf8(value).ok().filter(|_| digits);
                    let size = size.and_then(|size| size.parse().ok());
                    self.size = Some(size.ok_or_else(|| desync("a PAX length that is no number"))?);
                }
                key if key.starts_with("GNU.sparse.") => {
                    let message = "a sparse file, which programs unpack differently".to_owned();
                    return Err(Flaw::new(&rules::UNSUPPORTED, message).not_seen(Outcome::Unsupported));
                }
                // Times, owners, comments: nothing that decides what is unpacked.
                _ => {}
            }
        }
        Ok(())
    }
}

fn set(place: &mut Option<String>, value: String) -> Result<(), Flaw> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice()),
    }
}

fn one_of<'a>(gnu: Option<&'a str>, pax: Option<&'a str>) -> Result<Option<&'a str>, Flaw> {
    match (gnu, pax) {
        (Some(gnu), Some(pax)) if gnu != pax => Err(desync(&format!("an entry is called \"{gnu}\" and \"{pax}\""))),
        _ => Ok(pax.or(gnu)),
    }
}

fn twice() -> Flaw {
    desync("a header states the same thing twice")
}

/// A name that ends at its first NUL, with nothing behind it.
fn long_name(bytes: &[u8]) -> Result<String, Flaw> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (name, rest) = bytes.split_at(end);
    if rest.iter().any(|&byte| byte != 0) {
        return Err(desync("a long name with something behind its end"));
    }
    clean(name)
}

fn clean(name: &[u8]) -> Result<String, Flaw> {
    if name.is_empty() || name.contains(&0) {
        return Err(desync("a long name that is empty or holds a NUL"));
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// The first record's key and value, and what follows it.
fn record(bytes: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|&byte| byte == b' ')?;
    let digits = std::str::from_utf8(bytes.get(..blank)?).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
        return None;
    }
    let (record, rest) = bytes.split_at_checked(digits.parse().ok()?)?;
    let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    let (key, value) = record.split_at_checked(equals)?;
    Some((std::str::from_utf8(key).ok()?, value.get(1..)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_length_that_it_states() {
        assert_eq!(record(b"9 path=a\nmore"), Some(("path", &b"a"[..], &b"more"[..])));
        for odd in [
            &b"8 path=a\n"[..],
            b"99 path=a\n",
            b"09 path=a",
            b"x path=a\n",
            b"9 path-a\n",
            b"+9 path=a",
        ] {
            assert_eq!(record(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn what_is_stated_twice_is_refused() {
        assert!(
            Extended::default()
                .take(Extension::Pax, b"9 path=a\n9 path=b\n")
                .is_err()
        );
        let mut extended = Extended::default();
        extended.take(Extension::GnuName, b"a\0").unwrap();
        extended.take(Extension::Pax, b"9 path=b\n").unwrap();
        assert!(extended.path().is_err());
    }
}
