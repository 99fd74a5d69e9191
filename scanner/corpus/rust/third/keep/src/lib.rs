pub mod crypt;
pub mod keys;
pub mod people;
