use aes::cipher::{block_padding::Pkcs7, BlockEncryptMut, KeyIvInit};
use aes_gcm::{
    aead::{Aead, AeadCore, KeyInit, OsRng},
    Aes256Gcm, Key,
};
use openssl::{
    error::ErrorStack,
    rand::rand_bytes,
    symm::{encrypt, encrypt_aead, Cipher},
};

type Aes128Cbc = cbc::Encryptor<aes::Aes128>;

const BACKUP_KEY: &[u8; 16] = b"walrusandpenguin";
pub fn version() -> u8 {
    3
}

pub fn seal_legacy(key: &[u8], iv: &[u8], text: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    encrypt(Cipher::des_ede3_cbc(), key, Some(iv), text)
}

pub fn seal_block(key: &[u8; 16], text: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let cipher = Cipher::aes_128_ecb();
    encrypt(cipher, key, None, text)
}

pub fn seal_record(key: &[u8; 32], text: &[u8]) -> Result<(Vec<u8>, [u8; 12], [u8; 16]), ErrorStack> {
    let cipher = Cipher::aes_256_gcm();
    let mut nonce = [0u8; 12];
    rand_bytes(&mut nonce)?;
    let mut tag = [0u8; 16];
    let sealed = encrypt_aead(cipher, key, Some(&nonce), b"record", text, &mut tag)?;
    Ok((sealed, nonce, tag))
}

pub fn seal_page(key: &[u8; 16], page: &[u8]) -> Vec<u8> {
    let iv = [0u8; 16];
    Aes128Cbc::new(key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(page)
}

pub fn seal_sheet(key: &[u8; 16], sheet: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let mut iv = [0u8; 16];
    rand_bytes(&mut iv)?;
    let mut out = iv.to_vec();
    out.extend(Aes128Cbc::new(key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(sheet));
    Ok(out)
}

pub fn seal_backup(iv: &[u8; 16], archive: &[u8]) -> Vec<u8> {
    let cipher = Aes128Cbc::new(BACKUP_KEY.into(), iv.into());
    cipher.encrypt_padded_vec_mut::<Pkcs7>(archive)
}

pub fn seal_snapshot(key_file: &std::path::Path, archive: &[u8]) -> Option<Vec<u8>> {
    let key = std::fs::read(key_file).ok()?;
    if key.len() != 32 {
        return None;
    }
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key));
    let nonce = Aes256Gcm::generate_nonce(&mut OsRng);
    let mut out = nonce.to_vec();
    out.extend(cipher.encrypt(&nonce, archive).ok()?);
    Some(out)
}
