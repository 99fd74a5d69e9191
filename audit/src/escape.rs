//! Text from outside, made safe for a terminal.
//!
//! File names, descriptions, principals and reasons come from a bundle or a peer. Printed as they are, they could move
//! the cursor, recolour, reorder (Trojan Source) or hide; so every control, bidirectional and invisible character is
//! shown as `\u{…}` instead.

/// `text` with every character that a terminal would act on, or not show, written as `\u{hex}`; line feed, carriage
/// return and tab as `\n`, `\r`, `\t`. The rest, backslashes too, stays as it is: the result is for reading, not for
/// parsing back.
#[must_use]
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_hidden(c) => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out
}

/// Whether a terminal acts on the character or shows nothing for it.
///
/// # Source
/// Unicode's `Cc` and `Default_Ignorable_Code_Point`, bidirectional controls (UAX 9), line and paragraph separators,
/// interlinear marks.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
            | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1_BCA0..=0x1_BCA3 | 0x1_D173..=0x1_D17A
            | 0xE_0000..=0xE_0FFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_ansi_sequence_does_not_reach_the_terminal() {
        assert_eq!(terminal("\u{1b}[31mred"), "\\u{1b}[31mred");
    }

    #[test]
    fn a_c1_control_is_escaped() {
        assert_eq!(terminal("a\u{9b}31m"), "a\\u{9b}31m");
    }

    #[test]
    fn a_bidirectional_override_is_shown() {
        assert_eq!(terminal("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn invisible_characters_are_shown() {
        assert_eq!(
            terminal("a\u{200b}\u{feff}\u{e0041}b"),
            "a\\u{200b}\\u{feff}\\u{e0041}b"
        );
    }

    #[test]
    fn a_line_break_cannot_forge_a_line() {
        assert_eq!(terminal("x\n09:00 seq 1 RELEASED"), "x\\n09:00 seq 1 RELEASED");
    }

    #[test]
    fn plain_text_of_any_script_stays() {
        let text = "src/größe_測試.py — 1.2 MiB · «ok»";
        assert_eq!(terminal(text), text);
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_of_any_text(text in any::<String>()) {
            let shown = terminal(&text);
            prop_assert!(!shown.chars().any(is_hidden));
            prop_assert_eq!(terminal(&shown), shown);
        }
    }
}
