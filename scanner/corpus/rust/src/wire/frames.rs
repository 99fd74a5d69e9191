//! Frames of the sensor protocol.

use std::io::{self, Read};
use std::net::TcpStream;
use std::{ptr, slice};

pub const MAX_BODY: usize = 4096;

fn number(stream: &mut TcpStream) -> io::Result<usize> {
    let mut raw = [0u8; 4];
    stream.read_exact(&mut raw)?;
    Ok(u32::from_be_bytes(raw) as usize)
}

pub fn read_body(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let size = number(stream)?;
    let mut body = Vec::with_capacity(MAX_BODY);
    unsafe {
        body.set_len(size);
    }
    stream.read_exact(&mut body)?;
    Ok(body)
}

pub fn read_block(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let size = number(stream)?.min(MAX_BODY);
    let mut body: Vec<u8> = Vec::with_capacity(MAX_BODY);
    unsafe {
        ptr::write_bytes(body.as_mut_ptr(), 0, MAX_BODY);
        body.set_len(size);
    }
    stream.read_exact(&mut body)?;
    Ok(body)
}

pub fn name_of(packet: &[u8]) -> [u8; 32] {
    let mut name = [0u8; 32];
    let size = packet[0] as usize;
    unsafe {
        ptr::copy_nonoverlapping(packet.as_ptr().add(1), name.as_mut_ptr(), size);
    }
    name
}

pub fn label_of(packet: &[u8]) -> [u8; 32] {
    let mut label = [0u8; 32];
    let size = (packet[0] as usize).min(label.len()).min(packet.len() - 1);
    unsafe {
        ptr::copy_nonoverlapping(packet.as_ptr().add(1), label.as_mut_ptr(), size);
    }
    label
}

pub fn samples(packet: &[u8]) -> &[u8] {
    let count = u16::from_be_bytes([packet[0], packet[1]]) as usize;
    unsafe { slice::from_raw_parts(packet.as_ptr().add(2), count) }
}

pub fn sample_slice(packet: &[u8]) -> &[u8] {
    let count = u16::from_be_bytes([packet[0], packet[1]]) as usize;
    let rest = &packet[2..];
    assert!(count <= rest.len());
    unsafe { slice::from_raw_parts(rest.as_ptr(), count) }
}
