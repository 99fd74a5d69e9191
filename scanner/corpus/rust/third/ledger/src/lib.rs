pub mod pages;
pub mod reports;
