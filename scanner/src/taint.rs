//! Values followed from where someone else may have written them to where they must not go.
//!
//! ```text
//! bytes ─▶ lower (tree-sitter, per language) ─▶ ir::Module ─check─▶ flow ─▶ hits ─▶ findings with their way
//!                                                        rules ─────┘
//! ```
//!
//! Always true:
//! - a lowering knows the language and no rule; the flow knows the rules and no language;
//! - a module is checked before it is followed, wherever it came from;
//! - the same bytes and rules give the same findings.

use crate::facts::Language;

pub mod engine;
pub mod flow;
pub mod ir;
pub mod link;
pub mod lower;
pub mod path;
mod quick;
pub mod rules;
pub mod value;

/// The engine's name in reports and policies.
pub const NAME: &str = "sast";

/// The languages whose programs the default policy wants followed.
pub const FOLLOWED: [Language; 6] = [
    Language::Go,
    Language::Java,
    Language::JavaScript,
    Language::Php,
    Language::Python,
    Language::TypeScript,
];
