//! What the author leaves out: `--exclude` patterns and the file `.diodeignore` in the packed folder's root.
//!
//! Both take gitignore patterns, one a line in the file:
//! - `*`, `?` and `[…]` (`[!…]`) match within one part of a path; `**/x`, `x/**` and `x/**/y` match over any number of parts;
//! - a pattern with a `/` at its start or in its middle is meant from the packed folder on, any other matches at any depth;
//! - a `/` at the end limits it to folders; a folder that matches is left out with all that is below it;
//! - `\` takes the next character's meaning away.
//!
//! In `.diodeignore` alone: empty lines and those that start with `#` say nothing, blanks at a line's end are dropped, and `!pattern`
//! takes back what an earlier line left out, unless a folder above is left out. The last line that matches decides.
//!
//! Other than in git: only the root's file is read, braces have no meaning, letters never match the other case, and a pattern that can't
//! be read is an error.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// The file with patterns, in the root of the packed folder.
pub(super) const IGNORE_FILE: &str = ".diodeignore";

/// A pattern that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: the pattern {pattern:?} can't be read: {reason}")]
pub(super) struct PatternError {
    /// `--exclude`, or the file and line.
    pub(super) place: String,
    pub(super) pattern: String,
    pub(super) reason: String,
}

/// What the rules say of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Take,
    /// By `--exclude`.
    Excluded,
    /// By `.diodeignore`.
    Ignored,
}

/// All patterns of one packing.
#[derive(Debug)]
pub(super) struct Rules {
    excludes: Patterns,
    ignores: Patterns,
}

impl Rules {
    /// Reads `excludes` as given on the command line and `ignore_file`, the text of `.diodeignore`.
    pub(super) fn new(excludes: &[String], ignore_file: &str) -> Result<Self, PatternError> {
        let on_command_line = excludes.iter().map(|text| Line {
            place: "--exclude".to_owned(),
            text,
            negated: false,
        });
        let in_file = ignore_file.lines().enumerate().filter_map(|(number, line)| {
            let line = without_trailing_blanks(line);
            let (negated, text) = match line.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, line),
            };
            let says_something = !text.is_empty() && !line.starts_with('#');
            says_something.then(|| Line {
                place: format!("{IGNORE_FILE} line {}", number + 1),
                text,
                negated,
            })
        });
        Ok(Self {
            excludes: Patterns::new(on_command_line)?,
            ignores: Patterns::new(in_file)?,
        })
    }

    /// Judges `path`, relative to the packed folder, by itself alone.
    pub(super) fn judge(&self, path: &[u8], is_dir: bool) -> Judgement {
        if self.excludes.leave_out(path, is_dir) {
            Judgement::Excluded
        } else if self.ignores.leave_out(path, is_dir) {
            Judgement::Ignored
        } else {
            Judgement::Take
        }
    }

    /// Whether `path` is left out, by itself or with a folder above it.
    pub(super) fn leave_out(&self, path: &[u8], is_dir: bool) -> bool {
        let folders = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| &path[..at]);
        let mut above = folders.map(|folder| self.judge(folder, true));
        above.any(|judgement| judgement != Judgement::Take) || self.judge(path, is_dir) != Judgement::Take
    }
}

struct Line<'a> {
    place: String,
    text: &'a str,
    negated: bool,
}

#[derive(Debug)]
struct Patterns {
    globs: GlobSet,
    /// As the globs are numbered.
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    negated: bool,
    folders_only: bool,
}

impl Patterns {
    fn new<'a>(lines: impl Iterator<Item = Line<'a>>) -> Result<Self, PatternError> {
        let mut globs = GlobSetBuilder::new();
        let mut marks = Vec::new();
        for line in lines {
            let fail = |reason: String| PatternError {
                place: line.place.clone(),
                pattern: line.text.to_owned(),
                reason,
            };
            let (glob, folders_only) = to_glob(line.text).ok_or_else(|| fail("nothing is left of it".to_owned()))?;
            let glob = GlobBuilder::new(&glob)
                .literal_separator(true)
                .backslash_escape(true)
                .build();
            globs.add(glob.map_err(|error| fail(error.kind().to_string()))?);
            marks.push(Mark {
                negated: line.negated,
                folders_only,
            });
        }
        let globs = globs.build().map_err(|error| PatternError {
            place: "all patterns together".to_owned(),
            pattern: error.glob().unwrap_or_default().to_owned(),
            reason: error.kind().to_string(),
        })?;
        Ok(Self { globs, marks })
    }

    fn leave_out(&self, path: &[u8], is_dir: bool) -> bool {
        let matches = self.globs.matches(Path::new(OsStr::from_bytes(path)));
        let marks = matches.iter().rev().filter_map(|index| self.marks.get(*index));
        let mut deciding = marks.filter(|mark| is_dir || !mark.folders_only);
        deciding.next().is_some_and(|mark| !mark.negated)
    }
}

/// A gitignore pattern as a glob over whole paths, and whether it is for folders only; `None` if it is empty.
fn to_glob(pattern: &str) -> Option<(String, bool)> {
    let (body, folders_only) = match pattern.strip_suffix('/') {
        Some(body) => (body, true),
        None => (pattern, false),
    };
    let (rooted, body) = match body.strip_prefix('/') {
        Some(body) => (true, body),
        None => (body.contains('/'), body),
    };
    if body.is_empty() {
        return None;
    }
    let mut glob = if rooted { String::new() } else { "**/".to_owned() };
    escape_braces(body, &mut glob);
    Some((glob, folders_only))
}

/// Copies `pattern` with braces taken literally, as gitignore has no alternatives.
fn escape_braces(pattern: &str, glob: &mut String) {
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    let mut class_len = 0;
    while let Some(c) = chars.next() {
        if in_class {
            // A `]` right after the opening, or after its `!`, belongs to the class.
            let negation = class_len == 0 && matches!(c, '!' | '^');
            in_class = c != ']' || class_len == 0;
            class_len += usize::from(!negation);
            glob.push(c);
            continue;
        }
        match c {
            '\\' => {
                glob.push(c);
                glob.extend(chars.next());
            }
            '[' => {
                (in_class, class_len) = (true, 0);
                glob.push(c);
            }
            '{' | '}' => {
                glob.push('\\');
                glob.push(c);
            }
            _ => glob.push(c),
        }
    }
}

fn without_trailing_blanks(line: &str) -> &str {
    let trimmed = line.trim_end_matches([' ', '\t', '\r']);
    let backslashes = trimmed.chars().rev().take_while(|c| *c == '\\').count();
    let blank_is_escaped = backslashes % 2 == 1 && trimmed.len() < line.len();
    if blank_is_escaped {
        &line[..=trimmed.len()]
    } else {
        trimmed
    }
}

/// The pattern that matches `path` and as little else as can be typed: what text can't show is a `?`.
pub(super) fn pattern_for(path: &[u8]) -> String {
    let mut pattern = String::from("/");
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            if can_be_typed(c) {
                if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
                    pattern.push('\\');
                }
                pattern.push(c);
            } else {
                // A glob's `?` stands for one byte.
                pattern.extend(std::iter::repeat_n('?', c.len_utf8()));
            }
        }
        pattern.extend(chunk.invalid().iter().map(|_| '?'));
    }
    pattern
}

/// Letters, digits and ASCII signs; of the rest, a reader can't tell what is invisible or turns the line around.
fn can_be_typed(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric())
}

/// `text` as one word of a POSIX shell.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut word = String::new();
    // Writing to a String can't fail.
    let _ = write!(word, "'{}'", text.replace('\'', r"'\''"));
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(file: &str, path: &str, is_dir: bool) -> bool {
        Rules::new(&[], file).unwrap().judge(path.as_bytes(), is_dir) == Judgement::Ignored
    }

    #[test]
    fn a_bare_name_matches_at_any_depth() {
        for path in ["build", "a/build", "a/b/build"] {
            assert!(ignored("build", path, false), "{path}");
        }
        assert!(!ignored("build", "builds", false));
    }

    #[test]
    fn a_star_stays_within_one_part() {
        assert!(ignored("docs/*.md", "docs/a.md", false));
        assert!(!ignored("docs/*.md", "docs/sub/a.md", false));
    }

    #[test]
    fn a_slash_anchors_to_the_root() {
        assert!(ignored("/notes", "notes", false));
        assert!(!ignored("/notes", "a/notes", false));
        assert!(!ignored("docs/x", "a/docs/x", false));
    }

    #[test]
    fn two_stars_cross_folders() {
        assert!(ignored("a/**/z", "a/z", false));
        assert!(ignored("a/**/z", "a/b/c/z", false));
        assert!(ignored("**/z", "z", false));
        assert!(ignored("a/**", "a/b/c", false));
        assert!(!ignored("a/**", "a", true));
    }

    #[test]
    fn a_slash_at_the_end_spares_files() {
        assert!(ignored("out/", "out", true));
        assert!(!ignored("out/", "out", false));
    }

    #[test]
    fn the_last_matching_line_decides() {
        let file = "*.log\n!keep.log\n";
        assert!(ignored(file, "a.log", false));
        assert!(!ignored(file, "keep.log", false));
        assert!(ignored("!keep.log\n*.log\n", "keep.log", false));
    }

    #[test]
    fn comments_empty_lines_and_trailing_blanks_say_nothing() {
        let file = "# *.rs\n\n   \nx.txt  \t\r\n";
        assert!(!ignored(file, "a.rs", false));
        assert!(ignored(file, "x.txt", false));
    }

    #[test]
    fn an_escaped_blank_at_the_end_is_kept() {
        assert!(ignored("x\\ ", "x ", false));
        assert!(!ignored("x\\ ", "x", false));
    }

    #[test]
    fn hash_and_exclamation_mark_can_be_escaped() {
        assert!(ignored("\\#x", "#x", false));
        assert!(ignored("\\!x", "!x", false));
    }

    #[test]
    fn braces_have_no_meaning() {
        assert!(ignored("{a,b}", "{a,b}", false));
        assert!(!ignored("{a,b}", "a", false));
        assert!(ignored("[{]x", "{x", false));
        assert!(ignored("[!]]{", "a{", false));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_names_its_line() {
        let error = Rules::new(&[], "ok\n[z-a]\n").unwrap_err();
        assert_eq!(
            (error.place.as_str(), error.pattern.as_str()),
            (".diodeignore line 2", "[z-a]")
        );
    }

    #[test]
    fn an_exclude_outranks_what_the_file_takes_back() {
        let rules = Rules::new(&["*.log".to_owned()], "!keep.log").unwrap();
        assert_eq!(rules.judge(b"keep.log", false), Judgement::Excluded);
    }

    #[test]
    fn a_file_below_a_folder_left_out_is_left_out() {
        let rules = Rules::new(&["vendor/".to_owned()], "").unwrap();
        assert!(rules.leave_out(b"a/vendor/b/c.rs", false));
        assert!(!rules.leave_out(b"a/vendored/c.rs", false));
    }

    #[test]
    fn a_name_that_is_not_utf8_can_be_left_out() {
        let rules = Rules::new(&["*.bin".to_owned()], "").unwrap();
        assert_eq!(rules.judge(b"\xff\xfe.bin", false), Judgement::Excluded);
    }

    #[test]
    fn the_pattern_offered_for_a_path_matches_that_path() {
        let awkward: [&[u8]; 8] = [
            b"a b",
            b"[x]*?{y}",
            b"back\\slash",
            b"\xff.txt",
            b"tab\there",
            "ünïcode/ß".as_bytes(),
            b"#x",
            b"!x",
        ];
        for path in awkward {
            let rules = Rules::new(&[pattern_for(path)], "").unwrap();
            assert_eq!(rules.judge(path, false), Judgement::Excluded, "{}", pattern_for(path));
        }
    }

    #[test]
    fn the_pattern_offered_for_a_path_shows_no_invisible_character() {
        assert_eq!(pattern_for("a\u{202e}b\n".as_bytes()), "/a???b?");
    }

    #[test]
    fn a_word_with_a_quote_survives_the_shell() {
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word("/src/a.rs"), "/src/a.rs");
    }
}
