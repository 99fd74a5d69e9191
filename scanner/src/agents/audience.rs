//! Which files programs read for orders: instructions for coding agents, and settings that say what such programs and
//! editors may do and start.
//!
//! A name decides, in any case of letters: it is by their names that agents find these files.

use crate::facts::FileFacts;

/// How a file speaks to agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Text that an agent takes for instructions.
    Instructions,
    /// Settings of an agent: permissions, hooks, servers.
    Settings,
    /// Settings of an editor, which everybody has: they are looked into, and no finding by themselves.
    Editor,
    /// People and other programs.
    Others,
}

/// Who a file speaks to.
pub(super) fn of(file: &FileFacts) -> Audience {
    let path = file.own_path().to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let within = |folder: &str| path.starts_with(folder) || path.contains(&format!("/{folder}"));
    if EDITOR.iter().any(|(folder, own)| within(folder) && name == *own) || name == ".devcontainer.json" {
        return Audience::Editor;
    }
    let is_data = [".json", ".jsonc", ".toml", ".yml", ".yaml"]
        .iter()
        .any(|extension| name.ends_with(extension));
    if SETTINGS.contains(&name) || is_data && SETTINGS_FOLDERS.iter().any(|folder| within(folder)) {
        return Audience::Settings;
    }
    let is_text = !is_data && !name.contains('.')
        || [".md", ".mdc", ".mdx", ".txt", ".markdown", ".prompt"]
            .iter()
            .any(|extension| name.ends_with(extension));
    let named = NAMES.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending));
    if named || is_text && FOLDERS.iter().any(|folder| within(folder)) {
        return Audience::Instructions;
    }
    Audience::Others
}

/// Files of instructions, by name.
const NAMES: &[&str] = &[
    "agent.md",
    "agents.md",
    "agents.override.md",
    "claude.md",
    "claude.local.md",
    "codex.md",
    "copilot-instructions.md",
    "gemini.md",
    "jules.md",
    "llms.txt",
    "llms-full.txt",
    "qwen.md",
    "skill.md",
    "warp.md",
    ".clinerules",
    ".cursorrules",
    ".goosehints",
    ".roorules",
    ".windsurfrules",
];

/// Files of instructions, by how the name ends.
const ENDINGS: &[&str] = &[
    ".agent.md",
    ".chatmode.md",
    ".instructions.md",
    ".mdc",
    ".prompt",
    ".prompt.md",
    ".prompty",
];

/// Folders whose texts are instructions.
const FOLDERS: &[&str] = &[
    ".agents/",
    ".amazonq/rules/",
    ".augment/",
    ".claude/",
    ".clinerules/",
    ".codex/",
    ".continue/",
    ".cursor/",
    ".gemini/",
    ".github/agents/",
    ".github/chatmodes/",
    ".github/instructions/",
    ".github/prompts/",
    ".junie/",
    ".kiro/",
    ".opencode/",
    ".roo/",
    ".windsurf/",
];

/// Settings of agents, by name.
const SETTINGS: &[&str] = &[
    ".aider.conf.yml",
    ".aider.conf.yaml",
    ".mcp.json",
    "claude_desktop_config.json",
    "mcp.json",
    "mcp_config.json",
    "mcp_settings.json",
    "opencode.json",
    "opencode.jsonc",
];

/// Folders whose data files are settings of agents.
const SETTINGS_FOLDERS: &[&str] = &[
    ".claude/",
    ".codex/",
    ".continue/",
    ".cursor/",
    ".gemini/",
    ".kiro/",
    ".opencode/",
    ".roo/",
    ".windsurf/",
];

/// Settings of editors that can start programs, by folder and name.
const EDITOR: &[(&str, &str)] = &[
    (".devcontainer/", "devcontainer.json"),
    (".vscode/", "mcp.json"),
    (".vscode/", "settings.json"),
    (".vscode/", "tasks.json"),
    (".zed/", "settings.json"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::FileEntry;

    fn audience(path: &str) -> Audience {
        let entry = FileEntry {
            path: path.to_owned(),
            size: 1,
            executable: false,
            sha256: None,
        };
        of(&FileFacts::of(0, &entry, b"x"))
    }

    #[test]
    fn instructions_are_known_by_name_and_by_folder_in_any_case() {
        for path in [
            "CLAUDE.md",
            "a/b/agents.MD",
            ".cursor/rules/a.mdc",
            ".github/copilot-instructions.md",
            ".claude/commands/deploy.md",
            "skills/x/SKILL.md",
            ".clinerules",
            "x/review.prompt.md",
        ] {
            assert_eq!(audience(path), Audience::Instructions, "{path}");
        }
    }

    #[test]
    fn settings_are_told_from_instructions_and_from_those_of_editors() {
        assert_eq!(audience(".claude/settings.local.json"), Audience::Settings);
        assert_eq!(audience("a/.mcp.json"), Audience::Settings);
        assert_eq!(audience(".vscode/tasks.json"), Audience::Editor);
        assert_eq!(audience(".devcontainer/devcontainer.json"), Audience::Editor);
    }

    #[test]
    fn ordinary_names_speak_to_others() {
        for path in [
            "README.md",
            "src/agents.rs",
            "docs/claude.html",
            "my.claude/x.md.py",
            "tasks.json",
        ] {
            assert_eq!(audience(path), Audience::Others, "{path}");
        }
    }
}
