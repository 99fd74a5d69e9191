use openssl::{error::ErrorStack, pkey::Private, rsa::Rsa};
use rsa::{RsaPrivateKey, RsaPublicKey};

const SIGNING_BITS: usize = 1024;

const SEALING_BITS: usize = 3072;

pub fn device_key() -> Result<Rsa<Private>, ErrorStack> {
    Rsa::generate(1024)
}

pub fn host_key() -> Result<Rsa<Private>, ErrorStack> {
    Rsa::generate(4096)
}

fn pair(bits: usize) -> rsa::Result<(RsaPrivateKey, RsaPublicKey)> {
    let mut rng = rand::thread_rng();
    let private = RsaPrivateKey::new(&mut rng, bits)?;
    let public = RsaPublicKey::from(&private);
    Ok((private, public))
}

pub fn signing_pair() -> rsa::Result<(RsaPrivateKey, RsaPublicKey)> {
    let mut rng = rand::thread_rng();
    let private = RsaPrivateKey::new(&mut rng, SIGNING_BITS)?;
    let public = RsaPublicKey::from(&private);
    Ok((private, public))
}

pub fn sealing_pair() -> rsa::Result<(RsaPrivateKey, RsaPublicKey)> {
    pair(SEALING_BITS)
}
