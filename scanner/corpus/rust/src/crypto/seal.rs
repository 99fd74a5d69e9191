//! Seals of stored records and letters, and the keys of partners.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockEncryptMut, KeyInit, KeyIvInit};
use aes_gcm::aead::{Aead, OsRng};
use aes_gcm::{AeadCore, Aes256Gcm, Key};
use hmac::{Hmac, Mac};
use rand::RngCore;
use rsa::RsaPrivateKey;
use sha2::Sha256;

type DesEcb = ecb::Encryptor<des::Des>;
type Cbc = cbc::Encryptor<aes::Aes128>;
type HmacSha256 = Hmac<Sha256>;

const START: [u8; 16] = [0x24; 16];

pub fn seal_card(key: &[u8; 8], number: &str) -> Vec<u8> {
    DesEcb::new(key.into()).encrypt_padded_vec_mut::<Pkcs7>(number.as_bytes())
}

pub fn seal_record(key: &[u8; 32], number: &str) -> Vec<u8> {
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key));
    let nonce = Aes256Gcm::generate_nonce(&mut OsRng);
    let mut sealed = nonce.to_vec();
    sealed.extend(cipher.encrypt(&nonce, number.as_bytes()).expect("short plaintext"));
    sealed
}

pub fn seal_note(key: &[u8; 16], note: &[u8]) -> Vec<u8> {
    Cbc::new(key.into(), &START.into()).encrypt_padded_vec_mut::<Pkcs7>(note)
}

pub fn seal_letter(key: &[u8; 16], mac_key: &[u8; 32], letter: &[u8]) -> Vec<u8> {
    let mut start = START;
    rand::rngs::OsRng.fill_bytes(&mut start);
    let mut sealed = start.to_vec();
    sealed.extend(Cbc::new(key.into(), &start.into()).encrypt_padded_vec_mut::<Pkcs7>(letter));
    let mut mac = <HmacSha256 as Mac>::new_from_slice(mac_key).expect("any length");
    mac.update(&sealed);
    sealed.extend(mac.finalize().into_bytes());
    sealed
}

pub fn device_key() -> rsa::Result<RsaPrivateKey> {
    let bits = 1024;
    RsaPrivateKey::new(&mut rand::rngs::OsRng, bits)
}

pub fn partner_key() -> rsa::Result<RsaPrivateKey> {
    let bits = 3072;
    RsaPrivateKey::new(&mut rand::rngs::OsRng, bits)
}
