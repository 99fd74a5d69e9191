//! `diode-pack keygen`: an author's key, and what receivers need of it.

use audit::escape::terminal;
use audit::keyfile;
use protocol::bundle::check_name;
use protocol::keys::SigningKey;
use protocol::trust::{Role, Trust};
use serde::Serialize;
use zeroize::Zeroizing;

use super::args::KeygenArgs;
use crate::complaint::Complaint;
use crate::output;

/// Stands in the line for a receiver when nobody said whose key it is.
const NOBODY: &str = "AUTHOR";

#[derive(Serialize)]
struct KeygenJson<'a> {
    schema: u32,
    key: String,
    private_key_file: String,
    public_key_file: String,
    allowed_signers: &'a str,
}

pub(super) fn keygen(args: &KeygenArgs) -> Result<(), Complaint> {
    let name = args.comment.as_deref();
    let refused = |cause: &dyn std::fmt::Display| {
        Complaint::usage("this can't be an author's name")
            .fact("name", name.unwrap_or_default())
            .fact("cause", cause)
            .mend("give another --comment, for example alice@lab")
    };
    name.map_or(Ok(()), check_name)
        .map_err(|fault| refused(&format!("it {fault}")))?;
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed)
        .map_err(|error| Complaint::failed("the system gives no randomness").fact("cause", error))?;
    let key = SigningKey::from_seed(*seed);
    let public = key.public();
    let line =
        Trust::format_line(name.unwrap_or(NOBODY), Role::Author, &public, "").map_err(|fault| refused(&fault))?;
    keyfile::create(&args.out, &key, name.unwrap_or_default())?;
    let public_file = keyfile::public_path(&args.out);
    if args.json {
        return output::print(&output::json_line(&KeygenJson {
            schema: 1,
            key: public.fingerprint().to_string(),
            private_key_file: args.out.display().to_string(),
            public_key_file: public_file.display().to_string(),
            allowed_signers: &line,
        })?);
    }
    let mut text = format!(
        "key     {}\nsecret  {} (stays at this desk, never on the tx host)\npublic  {}\n\n\
         Carry this line by hand into each receiver's allowed_signers, and compare the fingerprint by another way:\n{line}\n",
        public.fingerprint(),
        terminal(&args.out.display().to_string()),
        terminal(&public_file.display().to_string()),
    );
    if name.is_none() {
        text.push_str(&format!(
            "Put the name that you pack with (--author) in the place of {NOBODY}.\n"
        ));
    }
    output::print(&text)
}
