use std::{
    io::{self, Read},
    mem,
    net::TcpStream,
    ptr,
};

use crate::frame::word;

#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Hello = 0,
    Data = 1,
    Ack = 2,
    Bye = 3,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Header {
    pub kind: u8,
    pub flags: u8,
    pub port: u16,
    pub length: u32,
}

pub fn volume(stream: &mut TcpStream, levels: &[u16]) -> io::Result<u16> {
    let index = word(stream)? as usize;
    Ok(unsafe { *levels.get_unchecked(index) })
}

pub fn pitch(stream: &mut TcpStream, levels: &[u16; 256]) -> io::Result<u16> {
    let index = (word(stream)? & 0xff) as usize;
    Ok(unsafe { *levels.get_unchecked(index) })
}

pub fn kind_of(stream: &mut TcpStream) -> io::Result<Kind> {
    let mut byte = [0u8; 1];
    stream.read_exact(&mut byte)?;
    Ok(unsafe { mem::transmute::<u8, Kind>(byte[0]) })
}

pub fn next_kind(stream: &mut TcpStream) -> io::Result<Kind> {
    let mut byte = [0u8; 1];
    stream.read_exact(&mut byte)?;
    if byte[0] > Kind::Bye as u8 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(unsafe { mem::transmute::<u8, Kind>(byte[0]) })
}

pub fn header_of(stream: &mut TcpStream) -> io::Result<Header> {
    let mut packet = Vec::new();
    stream.take(64).read_to_end(&mut packet)?;
    let header = unsafe { ptr::read_unaligned(packet.as_ptr() as *const Header) };
    Ok(header)
}

pub fn first_header(stream: &mut TcpStream) -> io::Result<Header> {
    let mut packet = Vec::new();
    stream.take(64).read_to_end(&mut packet)?;
    if packet.len() < mem::size_of::<Header>() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let header = unsafe { ptr::read_unaligned(packet.as_ptr() as *const Header) };
    Ok(header)
}
