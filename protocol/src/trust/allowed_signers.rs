//! One line of an `allowed_signers` file: `principals [options] keytype base64 [comment]`.
//!
//! # Source
//! ssh-keygen(1), ALLOWED SIGNERS; where the manual is silent (quotes, option case), what OpenSSH's sshsig does.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{PatternList, Role, TrustFault, TrustedKey};
use crate::keys::{KeyError, PublicKey};
use crate::path::characters::{Unseen, escaped};
use crate::time::UnixMillis;

/// Reads a line; an empty one or a comment has no key.
pub(super) fn parse_line(content: &str, line: usize) -> Result<Option<TrustedKey>, TrustFault> {
    let content = content.trim_matches(BLANKS);
    if content.is_empty() || content.starts_with('#') {
        return Ok(None);
    }
    let (principals, rest) = take_principals(content)?;
    let (options, key) = if starts_with_key(rest) {
        (Options::default(), rest)
    } else {
        take_options(rest)?
    };
    let public = parse_key(key)?;
    Ok(Some(TrustedKey {
        line,
        principals,
        fingerprint: public.fingerprint(),
        public,
        namespaces: options.namespaces,
        valid_after: options.valid_after,
        valid_before: options.valid_before,
    }))
}

/// See [`super::Trust::format_line`].
pub(super) fn format_line(principal: &str, role: Role, key: &PublicKey, comment: &str) -> Result<String, TrustFault> {
    if comment.chars().any(|character| Unseen::of(character).is_some()) {
        return Err(TrustFault::Comment);
    }
    let principals = check_principals(principal)?;
    let quote = if principal.contains(BLANKS) || principal.starts_with('#') {
        "\""
    } else {
        ""
    };
    let namespace = role.namespace();
    Ok(format!(
        "{quote}{principals}{quote} namespaces=\"{namespace}\" {}",
        key.to_openssh(comment.trim_matches(BLANKS))
    ))
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Splits off the principals, which may stand in double quotes (and then hold blanks); there is no escape within them.
fn take_principals(content: &str) -> Result<(PatternList, &str), TrustFault> {
    let Some(quoted) = content.strip_prefix('"') else {
        let (text, rest) = content.split_once(BLANKS).unwrap_or((content, ""));
        return Ok((check_principals(text)?, rest.trim_start_matches(BLANKS)));
    };
    let (text, rest) = quoted.split_once('"').ok_or(TrustFault::OpenQuote)?;
    if !rest.is_empty() && !rest.starts_with(BLANKS) {
        return Err(TrustFault::principals(text, "have no blank behind the closing quote"));
    }
    Ok((check_principals(text)?, rest.trim_start_matches(BLANKS)))
}

fn check_principals(text: &str) -> Result<PatternList, TrustFault> {
    if text.contains('"') {
        return Err(TrustFault::principals(text, "hold a quote"));
    }
    if text.chars().any(|character| Unseen::of(character).is_some()) {
        return Err(TrustFault::principals(text, "hold a character that nobody sees"));
    }
    if text.trim_matches(BLANKS) != text {
        return Err(TrustFault::principals(text, "begin or end with a blank"));
    }
    PatternList::parse(text).ok_or_else(|| TrustFault::principals(text, "hold an empty name"))
}

#[derive(Default)]
struct Options {
    namespaces: Option<PatternList>,
    valid_after: Option<UnixMillis>,
    valid_before: Option<UnixMillis>,
}

const NAMESPACES: &str = "namespaces";
const VALID_AFTER: &str = "valid-after";
const VALID_BEFORE: &str = "valid-before";

/// Splits off the options: parted by commas, ended by a blank outside of quotes.
fn take_options(text: &str) -> Result<(Options, &str), TrustFault> {
    let mut options = Options::default();
    let mut rest = text;
    loop {
        let name_end = rest.find(['=', ',', ' ', '\t']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_end);
        if name.eq_ignore_ascii_case("cert-authority") {
            return Err(TrustFault::CertAuthority);
        }
        let known = [NAMESPACES, VALID_AFTER, VALID_BEFORE]
            .into_iter()
            .find(|known| name.eq_ignore_ascii_case(known));
        let Some(name) = known else {
            return Err(if text.is_empty() {
                TrustFault::NoKey
            } else {
                unknown_option(name)
            });
        };
        let value = after.strip_prefix('=').ok_or(TrustFault::OptionValue { name })?;
        let (value, after) = take_quoted(value, name)?;
        set_option(&mut options, name, &value)?;
        if let Some(next) = after.strip_prefix(',') {
            rest = next;
        } else if after.is_empty() || after.starts_with(BLANKS) {
            rest = after.trim_start_matches(BLANKS);
            break;
        } else {
            return Err(unknown_option(after));
        }
    }
    match (options.valid_after, options.valid_before) {
        (Some(after), Some(before)) if before <= after => Err(TrustFault::Window),
        _ => Ok((options, rest)),
    }
}

fn unknown_option(name: &str) -> TrustFault {
    TrustFault::UnknownOption {
        name: escaped(name).to_string(),
    }
}

/// A value in double quotes, in which `\"` stands for a quote.
fn take_quoted<'a>(text: &'a str, name: &'static str) -> Result<(String, &'a str), TrustFault> {
    let quoted = text.strip_prefix('"').ok_or(TrustFault::OptionValue { name })?;
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok((value, characters.as_str())),
            '\\' if characters.as_str().starts_with('"') => {
                value.push('"');
                characters.next();
            }
            _ => value.push(character),
        }
    }
    Err(TrustFault::OpenQuote)
}

fn set_option(options: &mut Options, name: &'static str, value: &str) -> Result<(), TrustFault> {
    let twice = match name {
        NAMESPACES => {
            let list = PatternList::parse(value).ok_or(TrustFault::OptionValue { name })?;
            options.namespaces.replace(list).is_some()
        }
        VALID_AFTER => options.valid_after.replace(parse_time(name, value)?).is_some(),
        _ => options.valid_before.replace(parse_time(name, value)?).is_some(),
    };
    if twice {
        Err(TrustFault::OptionTwice { name })
    } else {
        Ok(())
    }
}

/// YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC; `Z` at the end is allowed and changes nothing.
fn parse_time(name: &'static str, text: &str) -> Result<UnixMillis, TrustFault> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    read_time(digits).ok_or_else(|| TrustFault::Time {
        name,
        text: escaped(text).to_string(),
    })
}

fn read_time(digits: &str) -> Option<UnixMillis> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let number = |range| digits.get(range).map_or(Some(0), |text: &str| text.parse::<i8>().ok());
    let year = digits.get(..4)?.parse().ok()?;
    let [month, day, hour, minute, second] = [
        number(4..6)?,
        number(6..8)?,
        number(8..10)?,
        number(10..12)?,
        number(12..14)?,
    ];
    let at = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    u64::try_from(at.as_millisecond()).ok().map(UnixMillis)
}

/// Whether what follows the principals is a key at once; no option begins like a key type.
fn starts_with_key(text: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-", "rsa-", "webauthn-"]
        .iter()
        .any(|start| text.starts_with(start))
}

fn parse_key(text: &str) -> Result<PublicKey, TrustFault> {
    let mut words = text.split(BLANKS).filter(|word| !word.is_empty());
    let Some(key_type) = words.next() else {
        return Err(TrustFault::NoKey);
    };
    if !starts_with_key(key_type) {
        return Err(unknown_option(key_type));
    }
    if key_type != "ssh-ed25519" {
        return Err(TrustFault::KeyType {
            key_type: escaped(key_type).to_string(),
        });
    }
    let Some(base64) = words.next() else {
        return Err(TrustFault::NoKey);
    };
    PublicKey::parse(&format!("{key_type} {base64}")).map_err(|error| match error {
        KeyError::WrongAlgorithm { algorithm } => TrustFault::KeyType {
            key_type: escaped(&algorithm).to_string(),
        },
        other => TrustFault::Key(other),
    })
}
