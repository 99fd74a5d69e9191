pub mod archive;
pub mod stage;
