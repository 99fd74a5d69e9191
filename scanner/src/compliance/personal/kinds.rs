//! Which numbers are looked for: how they are written, by what arithmetic they are checked, which words must be near.

use super::digits;
use crate::compliance::rules;
use crate::fixed_rule::FixedRule;

/// A kind of number.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) rule: &'static FixedRule,
    /// How it is written, a `9` for each digit; several ways are several entries.
    shapes: &'static [&'static str],
    is_valid: fn(&[u8]) -> bool,
    /// Words of which one must stand shortly before; none if the form says enough.
    pub(super) words: &'static [&'static str],
}

const CARD_WORDS: &[&str] = &[
    "card",
    "visa",
    "amex",
    "credit",
    "kreditkarte",
    "carte",
    "tarjeta",
    "payment",
    "pan_number",
    "cc_num",
];

/// All kinds of numbers that are digits alone.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "a payment card's number",
        rule: &rules::PAYMENT_CARD,
        shapes: &[
            "9999 9999 9999 9999",
            "9999-9999-9999-9999",
            "9999 999999 99999",
            "9999-999999-99999",
            "9999 999999 9999",
        ],
        is_valid: card,
        words: &[],
    },
    Kind {
        name: "a payment card's number",
        rule: &rules::PAYMENT_CARD,
        shapes: &["9999999999999999", "999999999999999", "99999999999999", "9999999999999"],
        is_valid: card,
        words: CARD_WORDS,
    },
    Kind {
        name: "a French social security number",
        rule: &rules::NATIONAL_ID,
        shapes: &["9 99 99 99 999 999 99"],
        is_valid: digits::nir,
        words: &[],
    },
    Kind {
        name: "a French social security number",
        rule: &rules::NATIONAL_ID,
        shapes: &["999999999999999", "9999999999999 99"],
        is_valid: digits::nir,
        words: &["nir", "insee", "sociale", "numss"],
    },
    Kind {
        name: "a Brazilian taxpayer number",
        rule: &rules::NATIONAL_ID,
        shapes: &["999.999.999-99"],
        is_valid: digits::cpf,
        words: &[],
    },
    Kind {
        name: "a German tax number",
        rule: &rules::NATIONAL_ID,
        shapes: &["99999999999", "99 999 999 999"],
        is_valid: digits::steuer_id,
        words: &["steuer", "idnr", "id-nr", "tax_id", "tax id"],
    },
    Kind {
        name: "a Polish personal number",
        rule: &rules::NATIONAL_ID,
        shapes: &["99999999999"],
        is_valid: digits::pesel,
        words: &["pesel"],
    },
    Kind {
        name: "a Dutch citizen number",
        rule: &rules::NATIONAL_ID,
        shapes: &["999999999", "9999.99.999", "9999 99 999"],
        is_valid: digits::bsn,
        words: &["bsn", "burgerservice", "sofinummer"],
    },
    Kind {
        name: "a British health service number",
        rule: &rules::NATIONAL_ID,
        shapes: &["999 999 9999", "999-999-9999", "9999999999"],
        is_valid: digits::nhs,
        words: &["nhs"],
    },
    Kind {
        name: "a US social security number",
        rule: &rules::NATIONAL_ID,
        shapes: &["999-99-9999", "999 99 9999"],
        is_valid: digits::ssn,
        words: &["ssn", "social security", "social_security", "soc_sec", "socialsecurity"],
    },
];

impl Kind {
    /// Whether a number written as `shape` can be of this kind.
    pub(super) fn has_shape(&self, shape: &[u8]) -> bool {
        self.shapes.iter().any(|known| known.as_bytes() == shape)
    }

    /// Whether `digits` are a number of this kind, and of somebody: examples are nobody's.
    pub(super) fn takes(&self, digits: &[u8]) -> bool {
        (self.is_valid)(digits) && !is_made_up(digits)
    }
}

/// Issuers' ranges and lengths, and the check digit.
fn card(number: &[u8]) -> bool {
    let start = |len: usize| {
        let digits = number.get(..len).unwrap_or_default();
        digits
            .iter()
            .fold(0_u32, |sum, byte| sum * 10 + u32::from(byte.wrapping_sub(b'0')))
    };
    let issued = match number.len() {
        13 => start(1) == 4,
        14 => matches!(start(3), 300..=305) || matches!(start(2), 36 | 38 | 39),
        15 => matches!(start(2), 34 | 37),
        16 => {
            start(1) == 4
                || matches!(start(2), 51..=55 | 62 | 65)
                || matches!(start(3), 644..=649)
                || matches!(start(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    };
    issued && digits::luhn(number)
}

/// Whether a number is an example: few different digits, a row of one digit or of following ones, or a published one.
pub(super) fn is_made_up(number: &[u8]) -> bool {
    let row = |step: u8| {
        let mut longest = 1;
        let mut len = 1;
        for two in number.windows(2) {
            let follows = matches!(two, [a, b] if a.wrapping_add(step) == *b);
            len = if follows { len + 1 } else { 1 };
            longest = longest.max(len);
        }
        longest
    };
    let mut different = number.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() < 4 || row(0) >= 4 || row(1) >= 5 || row(255) >= 5 || PUBLISHED.contains(&number)
}

/// Numbers that documentation gives as examples.
const PUBLISHED: &[&[u8]] = &[
    // Payment processors.
    b"378282246310005",
    b"371449635398431",
    b"30569309025904",
    b"4012888888881881",
    b"5019717010103742",
    b"2223003122003222",
    b"2223000048400011",
    b"5200828282828210",
    b"6011111111111117",
    b"6011981111111113",
    b"6205500000000000004",
    b"3566002020360505",
    b"4716771601209614",
    b"36227206271667",
    // States.
    b"078051120",
    b"219099999",
    b"86095742719",
    b"47036892816",
    b"52998224725",
    b"44051401359",
    b"9434765919",
    b"255081416802538",
    // Banks.
    b"DE89370400440532013000",
    b"GB29NWBK60161331926819",
    b"GB82WEST12345698765432",
    b"FR1420041010050500013M02606",
    b"FR7630006000011234567890189",
    b"NL91ABNA0417164300",
    b"BE68539007547034",
    b"BE71096123456769",
    b"ES9121000418450200051332",
    b"IT60X0542811101000000123456",
    b"CH9300762011623852957",
    b"AT611904300234573201",
    b"IE29AIBK93115212345678",
    b"SE4550000000058398257466",
    b"DK5000400440116243",
    b"NO9386011117947",
    b"FI2112345600000785",
    b"PL61109010140000071219812874",
    b"PT50000201231234567890154",
    b"LU280019400644750000",
    b"SA0380000000608010167519",
    b"GR1601101250000000012300695",
    b"TR330006100519786457841326",
    // A person who is nobody.
    b"RSSMRA85T10A562S",
];

/// Lengths of account numbers by country (SWIFT's IBAN registry).
pub(super) fn iban_len(country: &[u8]) -> Option<usize> {
    let len = match country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FO" | b"GL" | b"NL" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"XK" => 20,
        b"CH" | b"CR" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"FR" | b"GR" | b"IT" | b"MC" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HU" | b"LB" | b"PL" | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        _ => return None,
    };
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_needs_an_issuer_and_a_check_digit() {
        // The last digit is worked out here, so that no card's number stands in this file.
        let valid: Vec<_> = (0..10)
            .map(|digit| format!("453201511283036{digit}"))
            .filter(|number| card(number.as_bytes()))
            .collect();
        assert_eq!(valid.len(), 1);
        assert!((0..10).all(|digit| !card(format!("953201511283036{digit}").as_bytes())));
    }

    #[test]
    fn examples_are_nobodys() {
        for number in [
            "4111111111111111",
            "4242424242424242",
            "1234567890",
            "4000000000000002",
            "378282246310005",
        ] {
            assert!(is_made_up(number.as_bytes()), "{number}");
        }
        assert!(!is_made_up(b"4532015112839"));
    }
}
