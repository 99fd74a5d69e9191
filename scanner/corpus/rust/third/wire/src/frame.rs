use std::{
    io::{self, Read},
    net::TcpStream,
    ptr, slice,
};

const LIMIT: usize = 1 << 20;

pub struct Window {
    cells: [u8; 512],
    used: usize,
}

impl Window {
    pub fn new() -> Self {
        Window {
            cells: [0; 512],
            used: 0,
        }
    }

    pub fn used(&self) -> &[u8] {
        &self.cells[..self.used]
    }

    pub fn fill(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let mut packet = vec![0u8; 2048];
        let got = stream.read(&mut packet)?;
        unsafe {
            ptr::copy_nonoverlapping(packet.as_ptr(), self.cells.as_mut_ptr(), got);
        }
        self.used = got;
        Ok(())
    }

    pub fn refill(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let mut packet = vec![0u8; 2048];
        let got = stream.read(&mut packet)?;
        let fits = got.min(self.cells.len());
        unsafe {
            ptr::copy_nonoverlapping(packet.as_ptr(), self.cells.as_mut_ptr(), fits);
        }
        self.used = fits;
        Ok(())
    }
}

pub fn word(stream: &mut TcpStream) -> io::Result<u32> {
    let mut bytes = [0u8; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

pub fn read_body(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = word(stream)? as usize;
    let mut body = vec![0u8; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

pub fn read_chunk(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = word(stream)? as usize;
    if length > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "chunk length"));
    }
    let mut body = vec![0u8; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

pub fn echo_part(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut packet = [0u8; 256];
    stream.read_exact(&mut packet)?;
    let claimed = u16::from_be_bytes([packet[0], packet[1]]) as usize;
    let part = unsafe { slice::from_raw_parts(packet.as_ptr().add(2), claimed) };
    Ok(part.to_vec())
}

pub fn echo_tail(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut packet = [0u8; 256];
    stream.read_exact(&mut packet)?;
    let claimed = u16::from_be_bytes([packet[0], packet[1]]) as usize;
    if claimed > packet.len() - 2 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let part = unsafe { slice::from_raw_parts(packet.as_ptr().add(2), claimed) };
    Ok(part.to_vec())
}
