use std::{
    env,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{
    decode, decode_header, encode, errors::Error, Algorithm, DecodingKey, EncodingKey, Header, Validation,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    pub sub: String,
    pub role: String,
    pub exp: u64,
}

pub struct Keys {
    pub current: DecodingKey,
    pub previous: DecodingKey,
}

pub fn role_of(token: &str, keys: &Keys) -> Result<String, Error> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 30;
    validation.insecure_disable_signature_validation();
    let data = decode::<Claims>(token, &keys.current, &validation)?;
    Ok(data.claims.role)
}

pub fn subject_of(token: &str, keys: &Keys) -> Result<String, Error> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 30;
    validation.set_issuer(&["clinic"]);
    let data = decode::<Claims>(token, &keys.current, &validation)?;
    Ok(data.claims.sub)
}

pub fn is_admin(token: &str) -> bool {
    match jsonwebtoken::dangerous_insecure_decode::<Claims>(token) {
        Ok(data) => data.claims.role == "admin",
        Err(_) => false,
    }
}

pub fn is_nurse(token: &str, keys: &Keys) -> bool {
    let Ok(header) = decode_header(token) else {
        return false;
    };
    let key = match header.kid.as_deref() {
        Some("previous") => &keys.previous,
        _ => &keys.current,
    };
    match decode::<Claims>(token, key, &Validation::new(Algorithm::HS256)) {
        Ok(data) => data.claims.role == "nurse",
        Err(_) => false,
    }
}

fn later(by: Duration) -> u64 {
    (SystemTime::now() + by)
        .duration_since(UNIX_EPOCH)
        .map(|d| d.as_secs())
        .unwrap_or(0)
}

pub fn issue(sub: &str) -> Result<String, Error> {
    let claims = Claims {
        sub: sub.to_owned(),
        role: "staff".to_owned(),
        exp: later(Duration::from_secs(900)),
    };
    let key = EncodingKey::from_secret(b"seven-quiet-herons-by-the-weir");
    encode(&Header::default(), &claims, &key)
}

pub fn issue_for_kiosk(sub: &str) -> Result<String, Error> {
    let claims = Claims {
        sub: sub.to_owned(),
        role: "kiosk".to_owned(),
        exp: later(Duration::from_secs(300)),
    };
    let secret = env::var("CLINIC_SIGNING_SECRET").expect("CLINIC_SIGNING_SECRET is set");
    encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
}
