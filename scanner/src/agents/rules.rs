//! The rules of the engine *agents* that are not phrases: which files speak to agents, and what their settings allow.

use crate::fixed_rule::fixed_rules;

fixed_rules! {
    AGENT_FILE = "agent-file", "a file that agents read for orders", Low, Some(1427),
        "read it before an agent does";
    CONCEALED_TEXT = "concealed-text", "text in a file for agents that people do not see", Medium, Some(1427),
        "say it where people see it, or take it out";
    RUNS_COMMAND = "settings-run-command", "settings by which an agent or editor starts a program", High, Some(829),
        "see what the command does; leave such settings to each person's own machine";
    GIVES_PERMISSION = "settings-give-permission", "settings that let an agent act without asking", High, Some(732),
        "leave the question in, or list the single commands that need none";
    HOSTILE_PASSAGE = "hostile-passage", "a passage that speaks to a language model against its user", Medium, Some(1427),
        "find out who wrote it and why; take it out before an agent reads the file";
    UNREADABLE_SETTINGS = "settings-unreadable", "settings of an agent that cannot be read", Low, None,
        "mend the file: whether it starts programs was not seen";
}
