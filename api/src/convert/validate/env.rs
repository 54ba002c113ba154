//! Environment variables.

use std::collections::BTreeMap;

/// Names that begin so are the node's own.
const RESERVED: &str = "BACALHAU_";

/// The first thing that is wrong with an environment.
pub(super) fn env(env: &BTreeMap<String, String>) -> Option<String> {
    env.iter().find_map(|(name, value)| variable(name, value))
}

fn variable(name: &str, value: &str) -> Option<String> {
    let says = |what: &str| Some(format!("environment variable '{name}' {what}"));
    if name.is_empty() {
        return Some("environment variable name cannot be empty".to_owned());
    }
    if name != name.to_uppercase() {
        return says("must be uppercase");
    }
    if !name.starts_with(char::is_alphabetic) {
        return says("must start with a letter");
    }
    if !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return says("can only contain letters, numbers, and underscores");
    }
    if name.starts_with(RESERVED) {
        return says(&format!("cannot start with {RESERVED}"));
    }
    if value.is_empty() {
        return says("cannot have empty value");
    }
    if value.contains('\0') {
        return says("cannot contain null characters");
    }
    None
}
