//! The language of a text, guessed by its name and its first line.
//!
//! A guess decides how closely a text is looked at, so an unknown one counts as a program.

use serde::{Deserialize, Serialize};

/// How a text is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nature {
    /// A machine runs it, or may.
    Program,
    /// A program reads it.
    Data,
    /// A person reads it.
    Prose,
}

/// Declares [`Language`] with, for each, its name, its nature and the extensions of its files.
macro_rules! languages {
    ($($(#[$doc:meta])* $variant:ident $name:literal $nature:ident [$($ext:literal)*];)*) => {
        /// A language or a text format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "each is the name of the language")]
        pub enum Language { $($(#[$doc])* $variant,)* }

        impl Language {
            /// The name in reports and policies.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How it is used.
            #[must_use]
            pub fn nature(self) -> Nature {
                match self { $(Self::$variant => Nature::$nature,)* }
            }

            /// The language of files with this extension, in lower case.
            #[must_use]
            pub fn by_extension(extension: &str) -> Option<Self> {
                match extension { $($($ext => Some(Self::$variant),)*)* _ => None }
            }
        }
    };
}

languages! {
    Assembly "assembly" Program ["s" "asm" "nasm"];
    Batch "batch" Program ["bat" "cmd"];
    C "c" Program ["c" "h"];
    Clojure "clojure" Program ["clj" "cljs" "cljc" "edn"];
    Cpp "cpp" Program ["cc" "cpp" "cxx" "c++" "hpp" "hh" "hxx" "inl" "ipp" "cu" "cuh"];
    CSharp "c-sharp" Program ["cs" "csx"];
    Css "css" Program ["css" "scss" "sass" "less"];
    Dart "dart" Program ["dart"];
    Dockerfile "dockerfile" Program ["dockerfile" "containerfile"];
    Elixir "elixir" Program ["ex" "exs" "heex"];
    Erlang "erlang" Program ["erl" "hrl"];
    Fortran "fortran" Program ["f" "f90" "f95" "f03" "for"];
    FSharp "f-sharp" Program ["fs" "fsi" "fsx"];
    Go "go" Program ["go"];
    Gradle "gradle" Program ["gradle" "groovy"];
    Haskell "haskell" Program ["hs" "lhs"];
    Html "html" Program ["html" "htm" "xhtml" "vue" "svelte" "erb" "ejs" "hbs"];
    Java "java" Program ["java"];
    JavaScript "javascript" Program ["js" "mjs" "cjs" "jsx"];
    Julia "julia" Program ["jl"];
    Kotlin "kotlin" Program ["kt" "kts"];
    Lisp "lisp" Program ["lisp" "el" "scm" "rkt" "cl"];
    Lua "lua" Program ["lua"];
    Make "make" Program ["mk" "mak" "cmake"];
    Nim "nim" Program ["nim" "nims"];
    Nix "nix" Program ["nix"];
    ObjectiveC "objective-c" Program ["mm"];
    OCaml "ocaml" Program ["ml" "mli"];
    Pascal "pascal" Program ["pas" "pp" "dpr"];
    Perl "perl" Program ["pl" "pm" "t"];
    Php "php" Program ["php" "phtml" "pht" "php3" "php4" "php5" "php7" "php8" "phps" "phar"];
    PowerShell "powershell" Program ["ps1" "psm1" "psd1"];
    Prolog "prolog" Program ["pro"];
    Python "python" Program ["py" "pyi" "pyx" "pyw" "pth"];
    R "r" Program ["r"];
    Ruby "ruby" Program ["rb" "rake" "gemspec"];
    Rust "rust" Program ["rs"];
    Scala "scala" Program ["scala" "sc" "sbt"];
    ServerPage "server-page" Program ["jsp" "jspx" "jspf" "asp" "aspx" "ascx" "ashx" "cshtml" "cfm"];
    Shell "shell" Program ["sh" "bash" "zsh" "ksh" "fish" "csh" "bats"];
    Solidity "solidity" Program ["sol"];
    Sql "sql" Program ["sql"];
    Svg "svg" Program ["svg"];
    Swift "swift" Program ["swift"];
    Tcl "tcl" Program ["tcl"];
    Terraform "terraform" Program ["tf" "hcl"];
    TypeScript "typescript" Program ["ts" "tsx" "mts" "cts"];
    VisualBasic "visual-basic" Program ["vb" "vbs" "bas" "vba"];
    Zig "zig" Program ["zig"];

    Csv "csv" Data ["csv" "tsv"];
    Env "env" Data ["env"];
    Ini "ini" Data ["ini" "cfg" "conf" "properties" "editorconfig" "gitconfig" "desktop" "service"];
    Json "json" Data ["json" "jsonc" "json5" "jsonl" "ndjson" "map" "geojson" "ipynb" "webmanifest"];
    Lock "lock" Data ["lock" "sum"];
    Patch "patch" Data ["patch" "diff"];
    Pem "pem" Data ["pem" "crt" "key" "pub" "csr" "asc"];
    Protobuf "protobuf" Data ["proto" "graphql" "thrift" "avsc"];
    Snapshot "snapshot" Data ["snap"];
    Toml "toml" Data ["toml"];
    Translation "translation" Prose ["po" "pot" "ftl" "strings" "xlf" "arb"];
    Xml "xml" Data ["xml" "xsd" "xsl" "xslt" "plist" "xib" "storyboard" "csproj" "vcxproj" "props" "pom" "wsdl" "rss"];
    Yaml "yaml" Data ["yaml" "yml"];
    Yara "yara" Data ["yar" "yara"];

    Markdown "markdown" Prose ["md" "markdown" "mdx"];
    Plain "plain" Prose ["txt" "text" "log" "license" "rst" "adoc" "asciidoc" "org" "bib" "1" "3" "5" "7" "8"];
    Tex "tex" Prose ["tex" "sty" "cls" "bst"];

    /// Text whose name says nothing: it counts as a program.
    Unknown "unknown" Program [];
}

/// A list that is longer may go on behind what is looked at.
const MAX_LIST: usize = 16 << 10;

impl Language {
    /// The language of a text called `path` that starts with `head`.
    pub(super) fn of(path: &str, head: &[u8]) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        let written = extension.and_then(Self::by_extension);
        // By such an ending another program brings it in, whatever its name or its first line says.
        written
            .filter(|language| language.is_brought_in())
            .or_else(|| Self::of_list(&name, head))
            .or_else(|| Self::of_name(&name))
            .or_else(|| Self::of_shebang(head))
            .or(written)
            .unwrap_or(Self::Unknown)
    }

    /// Whether programs of the language bring in files by an ending that is theirs.
    fn is_brought_in(self) -> bool {
        matches!(
            self,
            Self::C
                | Self::Cpp
                | Self::Go
                | Self::Java
                | Self::JavaScript
                | Self::Php
                | Self::Python
                | Self::Rust
                | Self::TypeScript
        )
    }

    /// Whether the language has `#` for a comment up to the line's end.
    #[must_use]
    pub fn has_hash_comments(self) -> bool {
        matches!(
            self,
            Self::Dockerfile
                | Self::Elixir
                | Self::Julia
                | Self::Make
                | Self::Nim
                | Self::Nix
                | Self::Perl
                | Self::PowerShell
                | Self::Python
                | Self::R
                | Self::Ruby
                | Self::Shell
                | Self::Tcl
                | Self::Terraform
                | Self::Toml
                | Self::Yaml
        )
    }

    /// Whether the language has `//` for a comment up to the line's end.
    #[must_use]
    pub fn has_slash_comments(self) -> bool {
        matches!(
            self,
            Self::C
                | Self::Cpp
                | Self::CSharp
                | Self::Dart
                | Self::FSharp
                | Self::Go
                | Self::Gradle
                | Self::Java
                | Self::JavaScript
                | Self::Kotlin
                | Self::ObjectiveC
                | Self::Rust
                | Self::Scala
                | Self::Solidity
                | Self::Swift
                | Self::TypeScript
                | Self::Zig
        )
    }

    /// The language of files that go by their name; `name` is in lower case.
    fn of_name(name: &str) -> Option<Self> {
        let stem = name.split('.').next().unwrap_or(name);
        match name {
            "makefile" | "gnumakefile" | "justfile" | "cmakelists.txt" | "meson.build" | "build.bazel" => {
                Some(Self::Make)
            }
            "dockerfile" | "containerfile" => Some(Self::Dockerfile),
            "jenkinsfile" => Some(Self::Gradle),
            "gemfile" | "rakefile" | "vagrantfile" | "podfile" | "brewfile" => Some(Self::Ruby),
            "go.mod" | "go.work" => Some(Self::Lock),
            "requirements.txt" | "constraints.txt" => Some(Self::Ini),
            ".npmrc" | ".pypirc" | ".netrc" | ".gitconfig" | ".editorconfig" | ".gitmodules" => Some(Self::Ini),
            ".gitignore" | ".gitattributes" | ".dockerignore" | ".diodeignore" | "codeowners" => Some(Self::Ini),
            ".bashrc" | ".profile" | ".bash_profile" | ".zshrc" | ".envrc" => Some(Self::Shell),
            ".cargo-ok" | ".cargo_vcs_info.json" => Some(Self::Json),
            _ if name.starts_with(".env") => Some(Self::Env),
            _ if name.starts_with("dockerfile.") => Some(Self::Dockerfile),
            _ => match stem {
                "license" | "licence" | "copying" | "copyright" | "notice" | "authors" | "contributors" | "readme"
                | "changelog" | "changes" | "history" | "news" | "todo" | "version" | "unlicense" | "patents"
                    if !name.contains('.') =>
                {
                    Some(Self::Plain)
                }
                _ => name
                    .starts_with("license-")
                    .then_some(Self::Plain)
                    .filter(|_| !name.contains('.')),
            },
        }
    }

    /// Homebrew runs its lists as Ruby; one that only names formulae of its own says nothing but these.
    fn of_list(name: &str, head: &[u8]) -> Option<Self> {
        let names_one = |line: &[u8]| {
            let quoted = [&b"brew \""[..], b"cask \""]
                .iter()
                .find_map(|word| line.strip_prefix(*word));
            let formula = quoted.and_then(|rest| rest.strip_suffix(b"\""));
            formula.is_some_and(|name| {
                name.iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"@+._-".contains(byte))
            })
        };
        let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let listed = name == "brewfile"
            && head.len() < MAX_LIST
            && lines.all(|line| line.is_empty() || line.starts_with(b"# ") || names_one(line));
        listed.then_some(Self::Ini)
    }

    /// The language that the first line asks for.
    fn of_shebang(head: &[u8]) -> Option<Self> {
        let line = head.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?;
        let mut words = line.split_whitespace();
        let program = words.next()?.rsplit('/').next()?;
        let program = match program {
            // `env -S deno run`, `env VAR=1 python3`: the first word that is neither flag nor assignment.
            "env" => words.find(|word| !word.starts_with('-') && !word.contains('='))?,
            other => other,
        };
        let program = program.rsplit('/').next().unwrap_or(program);
        let known = [
            ("python", Self::Python),
            ("pypy", Self::Python),
            ("node", Self::JavaScript),
            ("deno", Self::TypeScript),
            ("bun", Self::TypeScript),
            ("perl", Self::Perl),
            ("ruby", Self::Ruby),
            ("php", Self::Php),
            ("lua", Self::Lua),
            ("tclsh", Self::Tcl),
            ("Rscript", Self::R),
            ("pwsh", Self::PowerShell),
            ("make", Self::Make),
        ];
        if let Some((_, language)) = known.iter().find(|(prefix, _)| program.starts_with(prefix)) {
            return Some(*language);
        }
        program.ends_with("sh").then_some(Self::Shell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shebang_through_env_names_the_language() {
        assert_eq!(
            Language::of("bin/tool", b"#!/usr/bin/env -S python3 -u\n"),
            Language::Python
        );
    }

    #[test]
    fn a_shebang_wins_over_the_extension() {
        assert_eq!(Language::of("run.txt", b"#!/bin/bash\n"), Language::Shell);
    }

    #[test]
    fn an_ending_that_programs_bring_in_wins_over_first_line_and_name() {
        assert_eq!(Language::of("app.py", b"#!/usr/bin/make\n"), Language::Python);
        assert_eq!(Language::of("dockerfile.py", b""), Language::Python);
        assert_eq!(Language::of(".env.js", b""), Language::JavaScript);
    }

    #[test]
    fn a_name_that_says_nothing_counts_as_a_program() {
        assert_eq!(Language::of("thing.zzz", b"hello").nature(), Nature::Program);
    }

    #[test]
    fn an_extension_counts_in_any_case() {
        assert_eq!(Language::of("A/MAIN.PY", b""), Language::Python);
    }

    #[test]
    fn a_list_of_formulae_is_data_and_whatever_else_a_brewfile_says_is_ruby() {
        assert_eq!(
            Language::of("Brewfile", b"# tools\nbrew \"cmake\"\ncask \"x-y\"\n"),
            Language::Ini
        );
        for more in [
            "tap \"a/b\"",
            "brew \"a/b/c\"",
            "brew \"#{x}\"",
            "system \"x\"",
            "brew \"a\", args: [x]",
            "=begin",
        ] {
            assert_eq!(Language::of("Brewfile", more.as_bytes()), Language::Ruby, "{more}");
        }
        assert_eq!(Language::of("Rakefile", b"brew \"cmake\"\n"), Language::Ruby);
    }

    #[test]
    fn a_dotenv_file_is_data() {
        assert_eq!(Language::of(".env.production", b""), Language::Env);
    }
}
