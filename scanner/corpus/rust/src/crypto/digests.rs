//! Stored passwords and the seals of releases.

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHasher, SaltString};
use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

type HmacSha256 = Hmac<Sha256>;

pub fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn release_seal(secret: &[u8], release: &[u8]) -> String {
    let mut digest = Md5::new();
    digest.update(secret);
    digest.update(release);
    hex_of(&digest.finalize())
}

pub fn release_mac(secret: &[u8], release: &[u8]) -> String {
    let mut mac = <HmacSha256 as Mac>::new_from_slice(secret).expect("any length");
    mac.update(release);
    hex_of(&mac.finalize().into_bytes())
}

pub fn stored_password(password: &str) -> String {
    let hash = |bytes: &[u8]| hex_of(&Sha256::digest(bytes));
    hash(password.as_bytes())
}

pub fn stored_passphrase(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt)?;
    Ok(hash.to_string())
}
