use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite};
use rand::{rngs::OsRng, rngs::SmallRng, Rng, RngCore, SeedableRng};

pub fn login_cookie(session: String) -> Cookie<'static> {
    Cookie::build("session", session)
        .path("/")
        .same_site(SameSite::Lax)
        .http_only(true)
        .secure(false)
        .finish()
}

pub fn staff_cookie(session: String) -> Cookie<'static> {
    Cookie::build("staff_session", session)
        .path("/staff")
        .secure(true)
        .http_only(false)
        .finish()
}

pub fn desk_cookie(session: String) -> Cookie<'static> {
    Cookie::build("desk_session", session)
        .path("/desk")
        .same_site(SameSite::Strict)
        .http_only(true)
        .secure(true)
        .finish()
}

pub fn new_session() -> String {
    let mut rng = SmallRng::from_entropy();
    let mut bytes = [0u8; 16];
    rng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

pub fn new_desk_session() -> String {
    let mut rng = OsRng;
    let mut bytes = [0u8; 16];
    rng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

pub fn retry_delay(attempt: u32) -> Duration {
    let mut rng = SmallRng::from_entropy();
    let base = 100u64 << attempt.min(6);
    Duration::from_millis(base + rng.gen_range(0..base))
}
