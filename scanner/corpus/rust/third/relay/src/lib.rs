mod accounts;
pub mod doors;
pub mod filters;
pub mod tools;
