use argon2::{
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
    Argon2,
};
use md5::{Digest, Md5};
use rand::{distributions::Alphanumeric, rngs::StdRng, Rng, SeedableRng};
use sha1::Sha1;
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Person {
    pub name: String,
    pub secret: String,
}

impl Person {
    pub fn new(name: &str) -> Self {
        Person {
            name: name.to_owned(),
            secret: String::new(),
        }
    }

    pub fn set_password(&mut self, password: &str) {
        let mut hasher = Md5::new();
        hasher.update(self.name.as_bytes());
        hasher.update(password.as_bytes());
        self.secret = hex::encode(hasher.finalize());
    }

    pub fn store_password(&mut self, password: &str) -> argon2::password_hash::Result<()> {
        let salt = SaltString::generate(&mut rand::rngs::OsRng);
        let hashed = Argon2::default().hash_password(password.as_bytes(), &salt)?;
        self.secret = hashed.to_string();
        Ok(())
    }

    pub fn verify(&self, password: &str) -> bool {
        PasswordHash::new(&self.secret)
            .map(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            .unwrap_or(false)
    }
}

pub fn signature_digest(document: &[u8]) -> Vec<u8> {
    Sha1::digest(document).to_vec()
}

pub fn document_digest(document: &[u8]) -> Vec<u8> {
    Sha256::digest(document).to_vec()
}

pub fn reset_code() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|d| d.as_secs())
        .unwrap_or_default();
    let mut rng = StdRng::seed_from_u64(now);
    (0..8).map(|_| char::from(b'0' + rng.gen_range(0..10))).collect()
}

pub fn invite_code() -> String {
    let rng = StdRng::from_entropy();
    rng.sample_iter(&Alphanumeric).take(24).map(char::from).collect()
}

pub fn api_token(name: &str) -> String {
    let tail: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
    format!("{name}.{tail}")
}

pub fn shuffled(mut names: Vec<String>) -> Vec<String> {
    fastrand::shuffle(&mut names);
    names
}
