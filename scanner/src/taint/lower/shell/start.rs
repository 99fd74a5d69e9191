//! What a command line starts with before its command, what is read into it, and files that are fetched and then run.

use tree_sitter::Node;

use super::super::super::ir::{ExprId, ExprKind, Span};
use super::super::{children, span};
use super::{Shell, Walk};

/// Commands that start the command that their arguments are, the options of theirs that have a value behind them, and how
/// many words come before the command.
const STARTERS: [(&str, &str, usize); 17] = [
    ("sudo", "ughpCrtTRD", 0),
    ("env", "uCS", 0),
    ("exec", "a", 0),
    ("command", "", 0),
    ("builtin", "", 0),
    ("nohup", "", 0),
    ("time", "fo", 0),
    ("nice", "n", 0),
    ("ionice", "cnp", 0),
    ("doas", "uC", 0),
    ("setsid", "", 0),
    ("stdbuf", "ioe", 0),
    ("timeout", "ks", 1),
    ("chroot", "", 1),
    ("flock", "wE", 1),
    ("chronic", "", 0),
    ("xargs", "InPLdEsa", 0),
];
/// Commands that fetch a file, with the options before its name.
const FETCHERS: [(&str, &[&str]); 3] = [
    ("curl", &["-o", "--output"]),
    ("wget", &["-O", "--output-document"]),
    ("aria2c", &["-o", "--out"]),
];
/// Commands that run or install what they are given.
const RUNNERS: [&str; 12] = [
    "sh", "bash", "dash", "zsh", "ksh", "python", "python3", "perl", "source", ".", "dpkg", "rpm",
];
/// What compares a file with what it must be.
const VERIFIERS: [&str; 16] = [
    "gpg",
    "gpgv",
    "cosign",
    "minisign",
    "signify",
    "rsync",
    "sha256sum",
    "sha512sum",
    "sha384sum",
    "shasum",
    "b2sum",
    "sha1sum",
    "md5sum",
    "openssl",
    "slsa-verifier",
    "diff",
];

/// Commands with options that run or write something.
const SPLIT: [&str; 16] = [
    "find", "tar", "rsync", "ssh", "scp", "git", "curl", "wget", "zip", "sed", "awk", "sort", "mail", "ffmpeg", "man",
    "rm",
];

impl Shell<'_> {
    /// Takes away what only starts a command: `sudo -u deploy`, `timeout 5`, `xargs -I {}`.
    pub(super) fn started<'t>(&mut self, words: &mut Vec<Node<'t>>) {
        self.placeholder = None;
        while words.len() > 1 {
            let name = self.source.text(words[0]).into_owned();
            let name = name.rsplit('/').next().unwrap_or_default();
            let Some((_, valued, before)) = STARTERS.iter().find(|(starter, ..)| *starter == name) else {
                return;
            };
            let mut at = 1;
            let mut left = *before;
            while let Some(word) = words.get(at) {
                let text = self.source.text(*word).into_owned();
                let letter = text
                    .strip_prefix('-')
                    .filter(|rest| !rest.starts_with('-'))
                    .and_then(|rest| rest.chars().last());
                if let Some(letter) = letter.filter(|letter| valued.contains(*letter)) {
                    if letter == 'I' {
                        self.placeholder = words.get(at + 1).map(|word| self.source.text(*word).into_owned());
                    }
                    at += 2;
                } else if text.starts_with('-') || is_setting(&text) {
                    at += 1;
                } else if left > 0 {
                    left -= 1;
                    at += 1;
                } else {
                    break;
                }
            }
            if at >= words.len() {
                return;
            }
            words.drain(..at);
        }
    }

    /// What comes to a command by its redirections: a here-document, a here-string.
    pub(super) fn redirected_input(&mut self, redirects: &[Node<'_>]) -> Option<ExprId> {
        let here = redirects.iter().find(|redirect| redirect.kind().starts_with("here"))?;
        let parts = children(*here);
        let inside = parts
            .into_iter()
            .find(|part| !matches!(part.kind(), "heredoc_start" | "heredoc_end"))?;
        if inside.kind() == "heredoc_body" {
            return Some(self.here_document(inside));
        }
        Some(self.expr(inside))
    }

    /// The text of a here-document with what is put into it.
    fn here_document(&mut self, body: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        let mut at = body.start_byte();
        for part in children(body) {
            if part.kind() == "heredoc_content" {
                continue;
            }
            let before = self.source.bytes.get(at..part.start_byte()).unwrap_or_default();
            let before = String::from_utf8_lossy(before).into_owned();
            parts.push(self.source.build.str_expr(&before, span(body)));
            parts.push(self.expr(part));
            at = part.end_byte();
        }
        let rest = self.source.bytes.get(at..body.end_byte()).unwrap_or_default();
        let rest = String::from_utf8_lossy(rest).into_owned();
        parts.push(self.source.build.str_expr(&rest, span(body)));
        self.source.build.expr(ExprKind::Concat(parts), span(body))
    }

    /// Notes that a file is fetched or compared; says so if one is run that was fetched alone.
    pub(super) fn fetched(&mut self, words: &[Node<'_>]) -> bool {
        let texts: Vec<String> = words
            .iter()
            .map(|word| self.source.text(*word).trim_matches('"').to_owned())
            .collect();
        let Some((name, args)) = texts.split_first() else {
            return false;
        };
        let name = name.rsplit('/').next().unwrap_or_default();
        if let Some((_, options)) = FETCHERS.iter().find(|(fetcher, _)| *fetcher == name) {
            let far = args
                .iter()
                .any(|arg| !arg.contains("localhost") && (arg.contains("://") || arg.contains('$')));
            for pair in args.windows(2).filter(|_| far) {
                let [option, file] = pair else { continue };
                let joined = option.starts_with('-')
                    && !option.starts_with("--")
                    && options
                        .iter()
                        .any(|known| known.len() == 2 && option.ends_with(&known[1..]));
                if options.contains(&option.as_str()) || joined {
                    self.fetched.insert(file.clone());
                }
            }
            return false;
        }
        if VERIFIERS.contains(&name) {
            let shown = name.ends_with("sum") && !self.substituted && !args.iter().any(|arg| is_check(arg));
            if !shown {
                self.fetched.clear();
            }
            return false;
        }
        let ran = self.fetched.contains(&texts[0]) || self.fetched.contains(texts[0].trim_start_matches("./"));
        let given = RUNNERS.contains(&name) && args.iter().any(|arg| self.fetched.contains(arg));
        ran || given
    }

    /// Whether a word that the script was given says which of its functions runs: `"$@"`, `"cmd_$1"`.
    pub(super) fn is_choice(&self, name: Node<'_>) -> bool {
        let text = self.source.text(name);
        !self.within
            && !self.functions.is_empty()
            && (text.contains("$@") || text.contains("$1") || text.contains("${1"))
    }

    /// Each function of the file, with what the script was given after its name.
    pub(super) fn chosen(&mut self, at: Span) -> ExprId {
        let mut calls = Vec::new();
        for name in self.functions.clone() {
            let given: Vec<ExprId> = (2..=4)
                .map(|number| self.source.build.name_expr(&format!("$argument{number}"), at))
                .collect();
            calls.push(self.call_of(&name, &given, at));
        }
        self.source.build.expr(ExprKind::Of(calls), at)
    }

    /// A shell that another command starts: `docker exec app sh -c "…"`.
    pub(super) fn started_within(&mut self, words: &[Node<'_>], at: Span) -> Vec<ExprId> {
        let texts: Vec<String> = words.iter().map(|word| self.source.text(*word).into_owned()).collect();
        let shell = |text: &String| {
            let name = text.rsplit('/').next().unwrap_or_default();
            matches!(name, "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash")
        };
        let option = |text: &String| text.starts_with('-') && !text.starts_with("--") && text.ends_with('c');
        let begins = texts
            .windows(2)
            .skip(1)
            .position(|pair| shell(&pair[0]) && option(&pair[1]));
        // `find -exec` has names in it, which its own rule knows.
        let own = matches!(
            texts.first().map(String::as_str),
            Some("find" | "fd" | "parallel" | "env")
        );
        let Some(line) = begins.and_then(|begins| words.get(begins + 3)).filter(|_| !own) else {
            return Vec::new();
        };
        let option = self.source.build.str_expr("-c", at);
        let line = self.expr(*line);
        vec![self.call_of("sh", &[option, line], at)]
    }

    /// Words without quotes, which fall into several: options of a command that runs or writes by them.
    pub(super) fn split_words(&mut self, words: &[Node<'_>], at: Span) -> Vec<ExprId> {
        let name = words
            .first()
            .map(|name| self.source.text(*name).into_owned())
            .unwrap_or_default();
        if !SPLIT.contains(&name.rsplit('/').next().unwrap_or_default()) {
            return Vec::new();
        }
        let bare: Vec<Node<'_>> = words
            .iter()
            .skip(1)
            .filter(|word| matches!(word.kind(), "simple_expansion" | "expansion"))
            .copied()
            .collect();
        if bare.is_empty() {
            return Vec::new();
        }
        let given = self.exprs(bare);
        vec![self.call_of("split", &given, at)]
    }

    /// Whether a word of a loop stands for the names of files: `/in/*`.
    pub(super) fn is_glob(&self, node: Node<'_>) -> bool {
        let text = self.source.text(node);
        let mut quoted = false;
        for c in text.chars() {
            match c {
                '"' => quoted = !quoted,
                '*' | '?' if !quoted => return matches!(node.kind(), "word" | "concatenation" | "extglob_pattern"),
                _ => {}
            }
        }
        false
    }
}

/// A variable's value before a command.
fn is_setting(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

fn is_check(option: &str) -> bool {
    option == "--check" || option.starts_with('-') && !option.starts_with("--") && option.contains('c')
}

/// Whether a variable is called like a password.
pub(super) fn is_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = [
        "password",
        "passwd",
        "_pass",
        "secret",
        "token",
        "api_key",
        "passphrase",
        "_pw",
        "secret_access_key",
        "secret_key",
        "apikey",
        "_pwd",
    ];
    ends.iter().any(|end| name.ends_with(end))
}
