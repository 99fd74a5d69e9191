//! Settings of agents and editors: programs that they start, and questions that they no longer ask.
//!
//! JSON is read with the comments and trailing commas that editors allow. A program in a known place is a finding; what
//! gives permission is found by its wording, in whatever format it stands.

use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

use super::audience::Audience;
use super::rules;
use crate::engine::{Findings, Window};
use crate::finding::{Confidence, Severity};
use crate::fixed_rule::FixedRule;

/// Commands that fetch what they run, hide what they do, or open a way in.
static DANGEROUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?i-u)(?:curl|wget)\b.{0,300}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|(?:curl|wget)\b.{0,300}\|\s*(?:python|node|perl|ruby)|base64\s+(?:-d|--decode|-D)|/dev/tcp/|\bnc\s+-|\bncat\b|\$\(\s*(?:curl|wget)|powershell.{0,80}-e(?:nc|ncodedcommand)?\b|\biex\b|osascript|\beval\b|(?:curl|wget)\b.{0,200}(?:-d|--data|-F|--post-file)[^|]{0,80}(?:env|\$[A-Z_]{3,}|~/|\.ssh|\.aws)|rm\s+-rf\s+[~/]";
    Regex::new(pattern).ok()
});

/// What gives permission, and how bad that is.
static PERMISSIONS: LazyLock<Vec<(Regex, Severity, &str)>> = LazyLock::new(|| {
    let patterns = [
        (
            r#""defaultMode"\s*:\s*"(?:bypassPermissions|dontAsk)""#,
            Severity::High,
            "turns every question off",
        ),
        (
            r"dangerously[-_]?skip[-_]?permissions|skipDangerousModePermissionPrompt|--yolo\b|danger-full-access|dangerously-bypass-approvals",
            Severity::High,
            "turns every question off",
        ),
        (
            r#"approval_policy\s*=\s*"never"|"approvalMode"\s*:\s*"yolo"|^\s*yes-always\s*:\s*true"#,
            Severity::High,
            "turns every question off",
        ),
        (
            r#""(?:autoApprove|alwaysAllow|auto_approve|autoAccept\w{0,10})"\s*:\s*(?:true|\[\s*"[^"]|"\*")"#,
            Severity::Medium,
            "lets calls pass without a question",
        ),
        (
            r#""chat\.tools\.(?:global\.)?autoApprove"\s*:\s*true|"chat\.tools\.terminal\.autoApprove"\s*:\s*(?:true|\{)"#,
            Severity::High,
            "lets every tool run without a question",
        ),
        (
            r#""enableAllProjectMcpServers"\s*:\s*true"#,
            Severity::High,
            "starts every server that the folder names",
        ),
        (
            r#""allow"\s*:\s*\[[^\]]{0,4000}?"(?:\*|Bash|Bash\(\*(?::\*)?\)|mcp__\*|shell|run_shell_command)"[^\]]{0,4000}?\]"#,
            Severity::High,
            "lets any command run without a question",
        ),
        (
            r#""(?:security\.workspace\.trust\.enabled|enableSandbox)"\s*:\s*false|"task\.allowAutomaticTasks"\s*:\s*"on""#,
            Severity::Medium,
            "opens the folder's programs to be started",
        ),
        (
            r#""trust"\s*:\s*true"#,
            Severity::Medium,
            "lets a server's tools run without a question",
        ),
    ];
    let compile = |(pattern, severity, what)| Some((Regex::new(&format!("(?m-u){pattern}")).ok()?, severity, what));
    patterns.into_iter().filter_map(compile).collect()
});

/// Looks through a file of settings.
pub(super) fn check(audience: Audience, name: &str, window: &Window<'_>, out: &mut Findings<'_>) {
    for (regex, severity, what) in PERMISSIONS.iter() {
        for found in regex.find_iter(window.bytes) {
            let message =
                format!("this setting {what}: an agent that works in the folder has it without anybody's word");
            let place = Some(window.place(found.range()));
            out.add(rules::GIVES_PERMISSION.found(*severity, Confidence::High, message, place));
        }
    }
    if !(name.ends_with(".json") || name.ends_with(".jsonc")) {
        return;
    }
    let text = without_comments(window.bytes);
    match serde_json::from_slice::<Value>(&text) {
        Ok(value) => {
            let mut commands = Vec::new();
            collect(&value, Owner::of(name), &mut commands);
            for command in commands {
                report(&command, window, out);
            }
        }
        Err(error) if audience == Audience::Settings => {
            let message = format!("no JSON in line {}: nobody can tell what it would start", error.line());
            out.add(rules::UNREADABLE_SETTINGS.found(Severity::Low, Confidence::High, message, None));
        }
        Err(_) => {}
    }
}

/// What starts a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Nothing that is known yet.
    Nobody,
    /// A server or hook: an agent starts it by itself.
    Agent,
    /// A task that an editor starts when the folder is opened.
    Task,
    /// A container's own commands.
    Container,
}

impl Owner {
    fn of(name: &str) -> Self {
        if name.ends_with("devcontainer.json") {
            Self::Container
        } else {
            Self::Nobody
        }
    }
}

/// A program that settings start.
struct Command {
    text: String,
    /// The word to find it by.
    word: String,
    severity: Severity,
    when: &'static str,
}

/// Keys below which every command is started by an agent.
const AGENT_KEYS: &[&str] = &[
    "mcpServers",
    "mcp_servers",
    "servers",
    "context_servers",
    "mcp",
    "hooks",
    "statusLine",
];
/// Keys whose value is a command that an agent runs by itself.
const HELPER_KEYS: &[&str] = &[
    "apiKeyHelper",
    "awsAuthRefresh",
    "awsCredentialExport",
    "otelHeadersHelper",
];
/// Keys of a container's commands, and whether they run outside of it.
const CONTAINER_KEYS: &[(&str, bool)] = &[
    ("initializeCommand", true),
    ("onCreateCommand", false),
    ("updateContentCommand", false),
    ("postCreateCommand", false),
    ("postStartCommand", false),
    ("postAttachCommand", false),
];

/// Collects the commands below `value`; the parser bounds how deep that is.
fn collect(value: &Value, owner: Owner, commands: &mut Vec<Command>) {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(items) => return items.iter().for_each(|item| collect(item, owner, commands)),
        _ => return,
    };
    let opens = fields.get("runOptions").and_then(|options| options.get("runOn"));
    let owner = if opens.and_then(Value::as_str) == Some("folderOpen") {
        Owner::Task
    } else {
        owner
    };
    for (key, value) in fields {
        let within = if AGENT_KEYS.contains(&key.as_str()) {
            Owner::Agent
        } else {
            owner
        };
        let outside = CONTAINER_KEYS
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, outside)| *outside);
        let found = match (owner, outside) {
            (Owner::Container, Some(true)) => Some((Severity::Medium, "on this machine, before the container starts")),
            (Owner::Container, Some(false)) => Some((Severity::Low, "in the container, when it is made or started")),
            _ if HELPER_KEYS.contains(&key.as_str()) => {
                Some((Severity::Medium, "whenever an agent starts in the folder"))
            }
            (Owner::Agent, _) if key == "command" => {
                Some((Severity::Medium, "by itself, when an agent works in the folder"))
            }
            (Owner::Task, _) if key == "command" => Some((Severity::Medium, "as soon as an editor opens the folder")),
            _ => None,
        };
        match found {
            Some((severity, when)) => commands.extend(command(value, fields.get("args"), severity, when)),
            None => collect(value, within, commands),
        }
    }
}

/// The command that a value says, with the arguments beside it.
fn command(value: &Value, args: Option<&Value>, severity: Severity, when: &'static str) -> Option<Command> {
    let mut words = Vec::new();
    strings(value, &mut words);
    let word = words.first()?.clone();
    args.into_iter().for_each(|args| strings(args, &mut words));
    Some(Command {
        text: words.join(" "),
        word,
        severity,
        when,
    })
}

fn strings(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(word) => words.push(word.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, words)),
        Value::Object(fields) => fields.values().for_each(|item| strings(item, words)),
        _ => {}
    }
}

fn report(command: &Command, window: &Window<'_>, out: &mut Findings<'_>) {
    let is_dangerous = DANGEROUS
        .as_ref()
        .is_some_and(|dangerous| dangerous.is_match(command.text.as_bytes()));
    let (severity, why) = if is_dangerous {
        (
            Severity::High,
            ", and the command fetches, hides or sends what it works on",
        )
    } else {
        (command.severity, "")
    };
    let message = format!("this program is started {}{why}", command.when);
    let word = serde_json::to_string(&command.word).unwrap_or_default();
    let at = find(window.bytes, word.as_bytes());
    let place = at.map(|at| window.place(at..at + word.len()));
    add(&rules::RUNS_COMMAND, severity, message, place, out);
}

fn add(
    rule: &FixedRule,
    severity: Severity,
    message: String,
    place: Option<crate::finding::Place>,
    out: &mut Findings<'_>,
) {
    out.add(rule.found(severity, Confidence::High, message, place));
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len().max(1)).position(|window| window == needle)
}

/// JSON without comments and without commas before a closing bracket; as long as before, so that lines stay.
fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    let (mut at, mut comma) = (0, None);
    while let Some(&byte) = text.get(at) {
        let end = match (byte, text.get(at + 1)) {
            (b'"', _) => string_end(text, at),
            (b'/', Some(b'/')) => at + length_to(text, at, b"\n"),
            (b'/', Some(b'*')) => at + length_to(text, at, b"*/") + 2,
            _ => at + 1,
        };
        match byte {
            b'/' if end > at + 1 => {
                let comment = out.get_mut(at..end.min(text.len())).unwrap_or_default();
                comment
                    .iter_mut()
                    .filter(|byte| **byte != b'\n')
                    .for_each(|byte| *byte = b' ');
            }
            b',' => comma = Some(at),
            b']' | b'}' => {
                if let Some(blank) = comma.take().and_then(|comma| out.get_mut(comma)) {
                    *blank = b' ';
                }
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at = end;
    }
    out
}

fn length_to(text: &[u8], at: usize, needle: &[u8]) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    find(rest, needle).unwrap_or(rest.len())
}

fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' | b'\n' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}
