//! `diode-rx init`: a receiver's folder, ready but for the keys that people carry.

use std::path::Path;

use audit::keyfile;
use audit::log::Log;
use audit::storage::{Storage, replace_durable, write_new_durable};
use protocol::keys::{PublicKey, SigningKey};
use scanner::policy::Policy;
use scanner::quarantine::Quarantine;

use super::{FAILED, Failure, USAGE, say};
use crate::cli::InitArgs;
use crate::clock::wall;
use crate::config::{Config, TEMPLATE};
use crate::home::{self, Home};

pub(crate) fn run(dir: &Path, args: &InitArgs) -> Result<(), Failure> {
    let text = TEMPLATE
        .replace("@NAME@", &args.name)
        .replace("@LISTEN@", &args.listen.to_string());
    // Refused now rather than when the receiver starts.
    Config::parse(&text, home::CONFIG, dir)?;
    let link_key = args.link_key.as_deref().map(keyfile::load_public).transpose();
    let link_key = link_key.map_err(|error| Failure::new(USAGE, error.to_string()))?;

    let home = Home::create(dir)?;
    let storage = home.storage();
    if storage.stat(home::CONFIG.as_ref())?.is_some() {
        let file = home.path(home::CONFIG);
        return Err(Failure::new(
            USAGE,
            format!(
                "{} is there already: this folder is a receiver's, and stays as it is",
                file.display()
            ),
        ));
    }
    let vkey = make_log(&home, args)?;
    Quarantine::create(make_folder(&home, home::QUARANTINE)?)
        .map_err(|error| Failure::new(FAILED, error.to_string()))?;
    write_new_durable(&*storage, home::TRUST.as_ref(), TRUST_HEAD.as_bytes(), 0o600)?;
    write_new_durable(
        &*storage,
        home::POLICY.as_ref(),
        Policy::default_text().as_bytes(),
        0o600,
    )?;
    if let Some(key) = &link_key {
        replace_durable(
            &*storage,
            home::LINK_KEY.as_ref(),
            format!("{}\n", key.to_openssh("link")).as_bytes(),
            0o600,
        )?;
    }
    // Last: whoever finds the configuration finds a receiver that is whole.
    write_new_durable(&*storage, home::CONFIG.as_ref(), text.as_bytes(), 0o600)?;
    say(&next_steps(&home, args, &vkey, link_key.as_ref()))
}

fn make_folder(home: &Home, name: &str) -> Result<std::sync::Arc<dyn Storage>, Failure> {
    match home.storage().create_dir(name.as_ref(), 0o700) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(home.sub(name)?),
    }
}

/// The log with its key, and the key that hashes found secrets. What an interrupted `init` left is used, not replaced.
fn make_log(home: &Home, args: &InitArgs) -> Result<String, Failure> {
    let storage = home.storage();
    let keys = make_folder(home, home::KEYS)?;
    let path = home.path(home::LOG_KEY);
    if storage.stat(home::LOG_KEY.as_ref())?.is_none() {
        let created = keyfile::create(&path, &SigningKey::from_seed(random()?), "diode-rx log");
        created.map_err(|error| Failure::new(FAILED, error.to_string()))?;
        keys.set_mode("log.pem".as_ref(), 0o400)?;
    }
    if storage.stat(home::FINGERPRINT_KEY.as_ref())?.is_none() {
        write_new_durable(&*storage, home::FINGERPRINT_KEY.as_ref(), &random()?, 0o400)?;
    }
    let key = keyfile::load(&path).map_err(|error| Failure::new(FAILED, error.to_string()))?;
    let folder = make_folder(home, home::LOG)?;
    let log = match folder.stat("log.vkey".as_ref())? {
        None => Log::create(folder, &format!("diode-rx/{}", args.name), key, wall())?,
        Some(_) => Log::open(folder, key, wall())?.0,
    };
    Ok(log.vkey().to_string())
}

fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(FAILED, format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

const TRUST_HEAD: &str = "\
# Trusted authors, in OpenSSH's allowed_signers format. Add one with:
#   diode-rx trust add --principal alice@lab --fingerprint SHA256:… alice.pub
";

fn next_steps(home: &Home, args: &InitArgs, vkey: &str, link_key: Option<&PublicKey>) -> String {
    let (dir, name) = (home.dir().display(), &args.name);
    let link = match link_key {
        Some(key) => format!(
            "in   link key      {} is pinned; compare with the tx host",
            key.fingerprint()
        ),
        None => {
            format!("in   link key      from the tx host: FILE.pub of `diode-tx keygen --out FILE`, to {dir}/link.pub")
        }
    };
    format!(
        "receiver {name} is ready in {dir}\n\n\
         Carry by hand:\n\
         {link}\n\
         in   author keys   from each author: diode-rx --home {dir} trust add --principal NAME --fingerprint SHA256:… KEYFILE\n\
         out  log key       to whoever audits: {vkey}\n\n\
         Then: diode-rx --home {dir} serve    (settings: {dir}/diode-rx.toml; what is released: {dir}/policy.toml)"
    )
}
