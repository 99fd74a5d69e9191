use std::{
    ffi::{c_char, c_int, CStr, CString},
    io::{self, BufRead, BufReader, Read},
    os::unix::net::UnixStream,
};

extern "C" {
    fn panel_open(device: c_int) -> c_int;
    fn panel_caption(device: c_int, text: *const c_char) -> c_int;
}

#[repr(C)]
pub struct Slot {
    name: [c_char; 32],
    active: bool,
}

impl Slot {
    pub fn empty() -> Self {
        Slot {
            name: [0; 32],
            active: false,
        }
    }
}

fn line(stream: &UnixStream) -> io::Result<String> {
    let mut text = String::new();
    BufReader::new(stream).take(4096).read_line(&mut text)?;
    Ok(text.trim_end().to_owned())
}

pub fn open(device: u8) -> io::Result<c_int> {
    match unsafe { panel_open(c_int::from(device)) } {
        fd if fd >= 0 => Ok(fd),
        _ => Err(io::Error::last_os_error()),
    }
}

pub fn rename(stream: &UnixStream, slot: &mut Slot) -> io::Result<()> {
    let name = CString::new(line(stream)?)?;
    unsafe {
        libc::strcpy(slot.name.as_mut_ptr(), name.as_ptr());
    }
    slot.active = true;
    Ok(())
}

pub fn retitle(stream: &UnixStream, slot: &mut Slot) -> io::Result<()> {
    let name = CString::new(line(stream)?)?;
    if name.as_bytes_with_nul().len() > slot.name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    unsafe {
        libc::strcpy(slot.name.as_mut_ptr(), name.as_ptr());
    }
    slot.active = true;
    Ok(())
}

pub fn caption(stream: &mut UnixStream, device: c_int) -> io::Result<usize> {
    let mut bytes = [0u8; 80];
    stream.read_exact(&mut bytes)?;
    let text = unsafe { CStr::from_ptr(bytes.as_ptr() as *const c_char) };
    unsafe { panel_caption(device, text.as_ptr()) };
    Ok(text.to_bytes().len())
}

pub fn subtitle(stream: &mut UnixStream, device: c_int) -> io::Result<usize> {
    let mut bytes = [0u8; 80];
    stream.read_exact(&mut bytes)?;
    let text = CStr::from_bytes_until_nul(&bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    unsafe { panel_caption(device, text.as_ptr()) };
    Ok(text.to_bytes().len())
}

pub fn beep(stream: &UnixStream) -> io::Result<c_int> {
    let tone = line(stream)?;
    let command = CString::new(format!("beep -f {tone} -l 200"))?;
    Ok(unsafe { libc::system(command.as_ptr()) })
}

pub fn chime(stream: &UnixStream) -> io::Result<c_int> {
    let tone = line(stream)?;
    let tone: u16 = tone.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let command = CString::new(format!("beep -f {tone} -l 200"))?;
    Ok(unsafe { libc::system(command.as_ptr()) })
}

pub fn announce(stream: &UnixStream) -> io::Result<()> {
    let text = CString::new(line(stream)?)?;
    unsafe {
        libc::printf(text.as_ptr());
        libc::fflush(std::ptr::null_mut());
    }
    Ok(())
}

pub fn report(stream: &UnixStream) -> io::Result<()> {
    let text = CString::new(line(stream)?)?;
    unsafe {
        libc::printf(c"%s\n".as_ptr(), text.as_ptr());
        libc::fflush(std::ptr::null_mut());
    }
    Ok(())
}
