pub mod cookies;
pub mod notes;
pub mod patients;
pub mod schema;
pub mod session;
pub mod uploads;
