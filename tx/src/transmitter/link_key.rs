//! `diode-tx keygen`: the link's key, and what the receiver needs of it.

use audit::escape::terminal;
use audit::keyfile;
use protocol::keys::SigningKey;
use serde::Serialize;

use super::cli::KeygenArgs;
use super::random_seed;
use crate::complaint::Complaint;
use crate::output;

#[derive(Serialize)]
struct KeygenJson {
    schema: u32,
    key: String,
    key_id: String,
    private_key_file: String,
    public_key_file: String,
}

/// Makes the key files and says what to carry where.
///
/// # Errors
/// A [`Complaint`] if a name is taken or a file can't be written.
pub(super) fn keygen(args: &KeygenArgs) -> Result<(), Complaint> {
    let key = SigningKey::from_seed(*random_seed()?);
    keyfile::create(&args.out, &key, &one_line(&args.comment)?)?;
    let public = key.public();
    let public_file = keyfile::public_path(&args.out).display().to_string();
    if args.json {
        return output::print(&output::json_line(&KeygenJson {
            schema: 1,
            key: public.fingerprint().to_string(),
            key_id: public.key_id().to_string(),
            private_key_file: args.out.display().to_string(),
            public_key_file: public_file,
        })?);
    }
    let public_file = terminal(&public_file);
    output::print(&format!(
        "key     {}\nsecret  {} (stays on this host)\npublic  {public_file}\n\n\
         Carry {public_file} by hand to the receiver, as its link.pub, and compare the fingerprint there.\n\
         It signs announces only: nothing signed by it is taken for an author's.\n",
        public.fingerprint(),
        terminal(&args.out.display().to_string()),
    ))
}

/// A comment stands at the end of a line of the public key's file, and must not begin another.
fn one_line(comment: &str) -> Result<String, Complaint> {
    if comment.chars().any(char::is_control) {
        return Err(Complaint::usage("the comment has a control character")
            .fact("comment", comment)
            .mend("give another --comment, for example plant-7"));
    }
    Ok(comment.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_of_two_lines_is_refused() {
        assert!(one_line("a\nssh-ed25519 AAAA").is_err());
        assert_eq!(one_line(" plant 7 ").unwrap(), "plant 7");
    }
}
