//! The rules of the engine *structure*: what each is called, how bad it can be, and what to do about it.

use crate::fixed_rule::fixed_rules;

fixed_rules! {
    PATH_REFUSED = "path-refused", "a path that no bundle can hold", High, Some(451),
        "rename it";
    PATH_COLLISION = "path-collision", "two paths that are one file on some systems", High, Some(178),
        "rename one of the two";
    LOOKALIKE_NAME = "lookalike-name", "a file name that mixes letters of two scripts", Medium, Some(1007),
        "write the name in one script";
    DISGUISED_EXECUTABLE = "disguised-executable", "machine code under the name of something else", Critical, Some(646),
        "find out who put it there; if it is meant, give it the name of what it is";
    EXECUTABLE = "executable-binary", "machine code", High, Some(829),
        "send the source and build it on the other side, or have a person vouch for it";
    TYPE_MISMATCH = "type-mismatch", "bytes that do not fit the name", High, Some(646),
        "give the file the name of what it is, or put in what its name says";
    BINARY_TEXT = "binary-as-text", "a binary under the name of a text", High, Some(646),
        "find out what it is; a text goes in as UTF-8";
    DOUBLE_EXTENSION = "double-extension", "a program whose name reads like a document's", High, Some(646),
        "drop the extension in the middle";
    STRAY_EXECUTABLE_BIT = "stray-executable-bit", "executable, but neither machine code nor a script", Low, Some(732),
        "take the bit away (chmod -x), or start the script with #! and its interpreter";
    OVERSIZED = "oversized", "far larger than files of its kind are", Low, None,
        "see whether it is data that belongs elsewhere";
    UTF16 = "utf-16-text", "text in UTF-16, which no engine reads", Low, None,
        "save it as UTF-8";
    BIDI_CONTROL = "bidi-control", "a control that reorders what is shown (Trojan Source)", Critical, Some(1007),
        "delete it; write it as an escape sequence if the program needs it";
    BIDI_MARK = "bidi-mark", "a mark that changes the direction of text", Medium, Some(1007),
        "delete it, unless it stands in text that is written from right to left";
    ZERO_WIDTH = "zero-width", "a character without width", High, Some(1007),
        "delete it; write it as an escape sequence if the program needs it";
    TAG = "tag-character", "an invisible copy of ASCII (tag characters)", Critical, Some(912),
        "delete it: it spells text that people do not see and that programs and models read";
    VARIATION_SELECTOR = "variation-selector", "an invisible selector with nothing to select", Critical, Some(912),
        "delete it: a row of them can carry any bytes unseen";
    INVISIBLE_LETTER = "invisible-letter", "a letter that nobody sees", High, Some(1007),
        "delete it; write it as an escape sequence if the program needs it";
    INVISIBLE_FORMAT = "invisible-format", "a formatting character that nobody sees", Medium, Some(1007),
        "delete it; write it as an escape sequence if the program needs it";
    LINE_SEPARATOR = "line-separator", "a line end that editors do not show as one", Medium, Some(1007),
        "put a line feed in its place";
    CONTROL = "control-character", "a control character", High, Some(150),
        "delete it; write it as an escape sequence if the program needs it";
    ODD_SPACE = "odd-space", "a space that is not U+0020", Low, Some(1007),
        "put a plain space in its place";
    PRIVATE_USE = "private-use", "a character whose meaning is private", Medium, Some(1007),
        "write it as an escape sequence";
    ODD_ENCODING = "odd-source-encoding", "a program in an encoding that hides what it says", High, Some(1007),
        "save the file as UTF-8, and leave the declaration out";
    ESCAPED_LINE_END = "escaped-line-end", "the end of a line, written as an escape", High, Some(1007),
        "leave it out: in a comment it begins a line of code";
    LONE_RETURN = "lone-carriage-return", "a carriage return without a line feed", Medium, Some(1007),
        "end lines with a line feed";
    INVALID_UTF8 = "invalid-utf-8", "bytes that are not UTF-8", Medium, Some(176),
        "save the file as UTF-8";
    OFF_SCREEN = "off-screen", "text after a long run of blanks, out of sight", Medium, Some(912),
        "break the line";
    MIXED_SCRIPT = "mixed-script-identifier", "an identifier with look-alike letters of another script", High, Some(1007),
        "write the identifier in one script";
    LOOKALIKE = "lookalike-identifier", "two identifiers that look the same", High, Some(1007),
        "rename one of the two";
    DISGUISED_NAME = "disguised-identifier", "an identifier that Python reads as another", High, Some(1007),
        "write it in plain letters";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rules_share_an_id() {
        let mut ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
    }
}
