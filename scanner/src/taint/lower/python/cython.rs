//! Cython read as Python: what it says of types is blotted out, every other byte stays at its place.
//!
//! ```text
//! cdef inline bytes name(object value, int n) except -1:    def               name(       value,     n)          :
//! ```
//! Always true: nothing that runs is blotted out. Where C stands in the file itself, or a form is not known, it stays as it is.

/// The text as Python, of the same length; nothing if it does not look like Cython, or brings C of its own.
pub(in super::super) fn as_python(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = bytes.to_vec();
    let mut seen = false;
    let mut at = 0;
    while at < text.len() {
        let end = line_end(&text, at);
        let start = at + indent(text.get(at..end)?);
        let line = text.get(start..end)?.to_vec();
        if let Some(word) = DECLARING.iter().find(|word| is_word(&line, word)) {
            seen = true;
            let rest = line.get(word.len()..)?.trim_ascii_start();
            at = match () {
                () if *word == "cimport" => put(&mut text, start, word.len(), b"import"),
                () if is_word(rest, "class") => put(&mut text, start, line.len() - rest.len() + 5, b"class"),
                () if *word == "ctypedef" || BLOCKS.iter().any(|block| is_word(rest, block)) => {
                    block(&mut text, at, start)?
                }
                () if rest.starts_with(b":") => return None,
                () => declaration(&mut text, start, end)?,
            };
        } else if is_word(&line, "from")
            && let Some(found) = position(&line, b" cimport ")
        {
            seen = true;
            put(&mut text, start + found + 1, 7, b"import");
        } else if is_word(&line, "def") {
            parameters(&mut text, start)?;
        }
        at = line_end(&text, at).max(at.max(start)) + 1;
    }
    casts(&mut text);
    seen.then_some(text)
}

/// What begins a line that Python does not have.
const DECLARING: [&str; 4] = ["cdef", "cpdef", "cimport", "ctypedef"];
/// What opens a block of declarations alone.
const BLOCKS: [&str; 7] = ["extern", "struct", "enum", "union", "packed", "cppclass", "fused"];

/// Puts `word` at `at` and blanks behind it, over `len` bytes in all; says where they begin.
fn put(text: &mut [u8], at: usize, len: usize, word: &[u8]) -> usize {
    for (index, byte) in text.iter_mut().skip(at).take(len).enumerate() {
        *byte = word.get(index).copied().unwrap_or(b' ');
    }
    at
}

/// Blots a block of declarations out, from its head at `start` in the line at `at`; nothing if C stands in it.
fn block(text: &mut [u8], at: usize, start: usize) -> Option<usize> {
    let depth = start - at;
    let mut end = line_end(text, at);
    while let Some(next) = text.get(end + 1..) {
        let line = next.get(..line_end(next, 0))?;
        if next.is_empty() || !line.trim_ascii().is_empty() && indent(line) <= depth {
            break;
        }
        end += 1 + line.len();
    }
    let body = text.get(start..end)?;
    if position(body, b"\"\"\"").or_else(|| position(body, b"'''")).is_some() {
        return None;
    }
    for byte in text.get_mut(start..end)?.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
    put(text, start, 4, b"pass");
    Some(end)
}

/// `cdef type name(…):`, `cdef type name = value` or `cdef type name`.
fn declaration(text: &mut [u8], start: usize, end: usize) -> Option<usize> {
    let line = text.get(start..end)?;
    let value = line.iter().position(|&byte| byte == b'=').unwrap_or(line.len());
    let open = line.iter().position(|&byte| byte == b'(');
    match open {
        Some(open) if open < value => {
            put(text, start, name_before(line, open), b"def");
            parameters(text, start)?;
        }
        _ if value < line.len() => {
            put(text, start, name_before(line, value), b"pass;");
        }
        _ => {
            put(text, start, line.len(), b"pass");
        }
    }
    Some(start)
}

/// Where the name begins that ends before `at`.
fn name_before(line: &[u8], at: usize) -> usize {
    let head = line.get(..at).unwrap_or_default().trim_ascii_end();
    head.iter()
        .rposition(|&byte| !is_name(byte))
        .map_or(0, |before| before + 1)
}

/// Blots the types of parameters out, and what follows them up to the colon; `start` is the function's head.
fn parameters(text: &mut [u8], start: usize) -> Option<()> {
    let open = start + text.get(start..)?.iter().position(|&byte| byte == b'(')?;
    let (mut depth, mut piece, mut at) = (0_u32, open + 1, open);
    loop {
        match text.get(at)? {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth > 1 => depth -= 1,
            b')' => break,
            b',' if depth == 1 => {
                parameter(text.get_mut(piece..at)?);
                piece = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parameter(text.get_mut(piece..at)?);
    let end = line_end(text, at);
    let behind = text.get_mut(at + 1..end)?;
    let colon = behind.iter().position(|&byte| byte == b':')?;
    let behind = behind.get_mut(..colon)?;
    if !behind.trim_ascii_start().starts_with(b"->") {
        behind.fill(b' ');
    }
    Some(())
}

/// `const char* name not None = value` to `name = value`.
fn parameter(piece: &mut [u8]) {
    let stop = piece
        .iter()
        .position(|&byte| matches!(byte, b'=' | b'#' | b'\'' | b'"'));
    let head = stop.unwrap_or(piece.len());
    for nothing in [&b" not None"[..], b" or None"] {
        if let Some(found) = piece.get(..head).and_then(|head| position(head, nothing)) {
            put(piece, found, nothing.len(), b"");
        }
    }
    let named = name_before(piece, head);
    let before = piece.get_mut(..named).unwrap_or_default();
    // `*rest` and `name: type` are Python's own.
    if before.iter().any(|&byte| is_name(byte)) && !before.contains(&b':') {
        before
            .iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b' ');
    }
}

/// Blots `<type>` before a value and `&` before a name out.
fn casts(text: &mut [u8]) {
    for at in 0..text.len() {
        let before = text.get(..at).unwrap_or_default().trim_ascii_end().last().copied();
        let starts = before.is_none_or(|byte| matches!(byte, b'=' | b'(' | b',' | b'[' | b':' | b'>'));
        let rest = text.get(at..).unwrap_or_default();
        let len = match rest {
            [b'&', next, ..] if starts && is_name(*next) => 1,
            [b'<', ..] if starts || text.get(..at).is_some_and(|before| before.ends_with(b"return ")) => {
                let ty = rest
                    .iter()
                    .skip(1)
                    .take_while(|byte| is_name(**byte) || b" *.?".contains(byte));
                let len = ty.count() + 2;
                let ends = rest.get(len - 1) == Some(&b'>');
                let goes_on = rest
                    .get(len)
                    .is_some_and(|&byte| is_name(byte) || b"(&<".contains(&byte));
                if ends && goes_on && len > 2 { len } else { 0 }
            }
            _ => 0,
        };
        put(text, at, len, b"");
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_word(line: &[u8], word: &str) -> bool {
    let rest = line.strip_prefix(word.as_bytes());
    rest.is_some_and(|rest| rest.first().is_none_or(|&byte| !is_name(byte)))
}

fn indent(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

fn line_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let read = as_python(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(read.as_ref().is_none_or(|read| read.len() == text.len()));
        read.map(|read| {
            let lines = read
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn what_is_said_of_types_is_blotted_out_and_what_runs_stays() {
        for (cython, python) in [
            (
                "cdef inline bytes f(object v, char* n=NULL, *rest) except -1:",
                "def f( v, n=NULL, *rest) :",
            ),
            (
                "cpdef int g(a not None):\n    cdef list x = os.system(a)",
                "def g(a ):\npass; x = os.system(a)",
            ),
            ("cdef class A(B):\n    cdef readonly int n", "class A(B):\npass"),
            ("from a.b cimport c\ncimport d", "from a.b import c\nimport d"),
            ("cimport d\ndef f(int a): x = {1: a}", "import d\ndef f( a): x = {1: a}"),
            (
                "cimport d\nx = <int>y + f(&z)\nif a <b> c: pass",
                "import d\nx = y + f( z)\nif a <b> c: pass",
            ),
            ("cdef extern from 'a.h':\n    int f(int)\n\nf(1)", "pass\n\n\nf(1)"),
        ] {
            assert_eq!(read(cython).as_deref(), Some(python));
        }
    }

    #[test]
    fn what_brings_c_of_its_own_or_is_no_cython_is_left_alone() {
        assert_eq!(
            read("cdef extern from *:\n    \"\"\"\n    int f() { return system(\"x\"); }\n    \"\"\"\n"),
            None
        );
        assert_eq!(read("cdef:\n    int a\n"), None);
        assert_eq!(read("def f(a):\n    return a\n"), None);
    }

    #[test]
    fn any_bytes_have_an_answer_of_the_same_length() {
        for text in [
            "cdef",
            "cdef (",
            "cdef x(",
            "def f(a,",
            "cdef class",
            "cdef extern\n x",
            "cimport \u{e9}",
            "cdef a(b)",
        ] {
            assert!(
                as_python(text.as_bytes()).is_none_or(|read| read.len() == text.len()),
                "{text}"
            );
        }
    }
}
