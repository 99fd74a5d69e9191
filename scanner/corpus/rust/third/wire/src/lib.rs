pub mod ffi;
pub mod frame;
pub mod header;
