//! Kinds, heads and readings of the sensor protocol.

use std::io;
use std::mem;

#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Hello = 0,
    Reading = 1,
    Goodbye = 2,
}

impl TryFrom<u8> for Kind {
    type Error = io::Error;

    fn try_from(value: u8) -> io::Result<Kind> {
        match value {
            0 => Ok(Kind::Hello),
            1 => Ok(Kind::Reading),
            2 => Ok(Kind::Goodbye),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    }
}

#[repr(C)]
pub struct Head {
    pub flag: bool,
    pub size: u16,
}

pub fn kind_of(packet: &[u8]) -> Kind {
    let byte = packet[0];
    unsafe { mem::transmute::<u8, Kind>(byte) }
}

pub fn kind_from(packet: &[u8]) -> io::Result<Kind> {
    let byte = packet[0];
    if byte > Kind::Goodbye as u8 {
        return Kind::try_from(byte);
    }
    Ok(unsafe { mem::transmute::<u8, Kind>(byte) })
}

pub fn head_of(packet: &[u8; 4]) -> Head {
    unsafe { mem::transmute::<[u8; 4], Head>(*packet) }
}

pub fn reading_of(packet: &[u8; 4]) -> f32 {
    let bits = u32::from_le_bytes(*packet);
    unsafe { mem::transmute::<u32, f32>(bits) }
}
