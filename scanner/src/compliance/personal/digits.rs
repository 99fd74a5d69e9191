//! Check digits: whether a number can be one of its kind, by the arithmetic that its issuer published.
//!
//! All functions take digits or upper-case letters, without separators, and are total.

/// Values of the digits; other bytes have none.
fn values(number: &[u8]) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + '_ {
    number.iter().map(|byte| u32::from(byte.wrapping_sub(b'0')))
}

/// ISO/IEC 7812-1: payment cards.
pub(super) fn luhn(number: &[u8]) -> bool {
    let doubled = |(place, digit): (usize, u32)| match place % 2 {
        0 => digit,
        _ if digit > 4 => digit * 2 - 9,
        _ => digit * 2,
    };
    values(number)
        .rev()
        .enumerate()
        .map(doubled)
        .sum::<u32>()
        .is_multiple_of(10)
}

/// The remainder by 97 of a number in which letters stand for 10 to 35 (ISO/IEC 7064, MOD 97-10).
fn mod_97(number: impl Iterator<Item = u8>) -> u32 {
    number.fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        b'A'..=b'Z' => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        _ => rest,
    })
}

/// ISO 13616: the country and the check digits go to the end, and the remainder is 1.
pub(super) fn iban(number: &[u8]) -> bool {
    let Some((head, rest)) = number.split_at_checked(4) else {
        return false;
    };
    mod_97(rest.iter().chain(head).copied()) == 1
}

/// ISO/IEC 7064, MOD 11,10, with no digit more than three times: the German tax number.
pub(super) fn steuer_id(number: &[u8]) -> bool {
    let Some((check, digits)) = number.split_last() else {
        return false;
    };
    let product = values(digits).fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    let most = (b'0'..=b'9')
        .map(|digit| digits.iter().filter(|&&byte| byte == digit).count())
        .max();
    digits.len() == 10
        && digits.first() != Some(&b'0')
        && matches!(most, Some(2 | 3))
        && (11 - product) % 10 == u32::from(check.wrapping_sub(b'0'))
}

/// The French social security number, 13 digits and a key of two.
pub(super) fn nir(number: &[u8]) -> bool {
    let Some((body, key)) = number.split_at_checked(13) else {
        return false;
    };
    let month = number.get(3..5).and_then(two_digits);
    let real = matches!(month, Some(1..=12 | 20 | 30..=42 | 50..=99)) && matches!(number.first(), Some(b'1' | b'2'));
    real && two_digits(key) == Some(97 - mod_97(body.iter().copied()))
}

fn two_digits(digits: &[u8]) -> Option<u32> {
    match digits {
        [a, b] => Some(u32::from(a.wrapping_sub(b'0')) * 10 + u32::from(b.wrapping_sub(b'0'))),
        _ => None,
    }
}

/// The Spanish identity number: eight digits, and a letter by the remainder of 23.
pub(super) fn dni(number: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let Some((letter, digits)) = number.split_last() else {
        return false;
    };
    let rest = values(digits).fold(0, |rest, digit| (rest * 10 + digit) % 23);
    digits.len() == 8 && LETTERS.get(rest as usize) == Some(letter)
}

/// The Italian tax code: its last letter by the sum of the others.
pub(super) fn codice_fiscale(number: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    let Some((check, body)) = number.split_last() else {
        return false;
    };
    let shape = |(at, byte): (usize, &u8)| match at {
        0..=5 | 8 | 11 => byte.is_ascii_uppercase(),
        _ => byte.is_ascii_digit(),
    };
    let value = |byte: u8| match byte {
        b'0'..=b'9' => usize::from(byte - b'0'),
        _ => usize::from(byte.wrapping_sub(b'A')),
    };
    let part = |(at, &byte): (usize, &u8)| match at % 2 {
        0 => ODD.get(value(byte)).copied().unwrap_or_default(),
        _ => u32::try_from(value(byte)).unwrap_or_default(),
    };
    body.len() == 15
        && body.iter().enumerate().all(shape)
        && matches!(body.get(8), Some(b'A'..=b'E' | b'H' | b'L' | b'M' | b'P' | b'R'..=b'T'))
        && body.iter().enumerate().map(part).sum::<u32>() % 26 == u32::from(check.wrapping_sub(b'A'))
}

/// The Dutch citizen number: the eleven test, with the last digit taken away.
pub(super) fn bsn(number: &[u8]) -> bool {
    let weights = [9_i64, 8, 7, 6, 5, 4, 3, 2, -1];
    let sum: i64 = values(number)
        .zip(weights)
        .map(|(digit, weight)| i64::from(digit) * weight)
        .sum();
    number.len() == 9 && sum != 0 && sum % 11 == 0
}

/// The number of the British health service: weights 10 to 2, remainder of 11.
pub(super) fn nhs(number: &[u8]) -> bool {
    let sum: u32 = values(number)
        .zip((1..=10).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    number.len() == 10 && sum.is_multiple_of(11)
}

/// The US social security number has no check digit, only groups that are never given out.
pub(super) fn ssn(number: &[u8]) -> bool {
    let (Some(area), Some(group), Some(serial)) = (number.get(..3), number.get(3..5), number.get(5..9)) else {
        return false;
    };
    number.len() == 9
        && area != b"000"
        && area != b"666"
        && !area.starts_with(b"9")
        && group != b"00"
        && serial != b"0000"
}

/// The Polish personal number: a date, and a digit by weights.
pub(super) fn pesel(number: &[u8]) -> bool {
    let weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1];
    let sum: u32 = values(number).zip(weights).map(|(digit, weight)| digit * weight).sum();
    let (month, day) = (
        number.get(2..4).and_then(two_digits),
        number.get(4..6).and_then(two_digits),
    );
    number.len() == 11
        && sum.is_multiple_of(10)
        && month.is_some_and(|month| (1..=12).contains(&(month % 20)))
        && day.is_some_and(|day| (1..=31).contains(&day))
}

/// The Brazilian taxpayer number: two digits by weights, remainder of 11.
pub(super) fn cpf(number: &[u8]) -> bool {
    let check = |count: usize| {
        let digits = number.get(..count)?;
        let weights = (2..=u32::try_from(count).ok()? + 1).rev();
        let sum: u32 = values(digits).zip(weights).map(|(digit, weight)| digit * weight).sum();
        let digit = (sum * 10 % 11) % 10;
        Some(number.get(count).map(|byte| u32::from(byte.wrapping_sub(b'0'))) == Some(digit))
    };
    number.len() == 11 && check(9) == Some(true) && check(10) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether exactly one last digit makes a number valid.
    fn one_check_digit(body: &str, is_valid: fn(&[u8]) -> bool) -> bool {
        (0..10)
            .filter(|digit| is_valid(format!("{body}{digit}").as_bytes()))
            .count()
            == 1
    }

    #[test]
    fn published_examples_are_valid() {
        assert!(luhn(b"79927398713"));
        assert!(iban(b"GB82WEST12345698765432"));
        assert!(codice_fiscale(b"RSSMRA85T10A562S"));
        assert!(nhs(b"9434765919"));
        assert!(bsn(b"111222333"));
        assert!(cpf(b"52998224725"));
        assert!(pesel(b"44051401359"));
        assert!(nir(b"255081416802538"));
        assert!(dni(b"12345678Z"));
        assert!(steuer_id(b"86095742719"));
    }

    #[test]
    fn another_last_digit_is_not_valid() {
        assert!(one_check_digit("7992739871", luhn));
        assert!(one_check_digit("943476591", nhs));
        assert!(one_check_digit("5299822472", cpf));
        assert!(one_check_digit("4405140135", pesel));
        assert!(one_check_digit("8609574271", steuer_id));
        assert!(!iban(b"GB83WEST12345698765432"));
        assert!(!codice_fiscale(b"RSSMRA85T10A562T"));
        assert!(!dni(b"12345678A"));
    }

    #[test]
    fn groups_that_are_never_given_out_are_no_number() {
        for number in ["000121234", "666121234", "912121234", "123001234", "123120000"] {
            assert!(!ssn(number.as_bytes()), "{number}");
        }
        assert!(ssn(b"536221234"));
    }
}
