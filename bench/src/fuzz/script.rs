//! Inputs of several parts: records one after another, so that a change to one leaves the others what they are.
//!
//! ```text
//! op u8 │ len u16, big-endian │ bytes │ op │ len │ bytes │ …
//! ```
//!
//! Reading is total: where the last record is cut, what there is of it is taken.

/// A part of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is to be done, by the target's own numbering.
    pub op: u8,
    /// With what.
    pub bytes: &'a [u8],
}

/// The steps of an input.
pub fn steps(input: &[u8]) -> impl Iterator<Item = Step<'_>> {
    let mut rest = input;
    std::iter::from_fn(move || {
        let (op, after) = rest.split_first()?;
        let (len, after) = match after.split_first_chunk::<2>() {
            Some((len, after)) => (usize::from(u16::from_be_bytes(*len)), after),
            None => (0, &[][..]),
        };
        let (bytes, after) = after.split_at(len.min(after.len()));
        rest = after;
        Some(Step { op: *op, bytes })
    })
}

/// Appends a step; what is longer than a record can be is cut.
pub fn push(out: &mut Vec<u8>, op: u8, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.push(op);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend(bytes.iter().take(len.into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_back() {
        let mut input = Vec::new();
        push(&mut input, 7, b"abc");
        push(&mut input, 0, b"");
        let read: Vec<_> = steps(&input).map(|step| (step.op, step.bytes)).collect();
        assert_eq!(read, [(7, &b"abc"[..]), (0, &b""[..])]);
    }

    #[test]
    fn a_step_that_is_cut_has_what_there_is_of_it() {
        for (input, op, bytes) in [
            (&[7][..], 7, &b""[..]),
            (&[7, 0][..], 7, b""),
            (&[7, 0, 9, 1, 2][..], 7, &[1, 2]),
        ] {
            let read: Vec<_> = steps(input).collect();
            assert_eq!(read, [Step { op, bytes }], "{input:?}");
        }
    }
}
