use argon2::{password_hash::PasswordHash, Argon2, PasswordVerifier};

fn stored(user: &str) -> Option<String> {
    let people = std::fs::read_to_string("/etc/relay/people").ok()?;
    people
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(name, _)| *name == user)
        .map(|(_, hash)| hash.to_owned())
}

pub fn check(user: &str, password: &str) -> bool {
    let Some(stored) = stored(user) else {
        return false;
    };
    PasswordHash::new(&stored).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}
