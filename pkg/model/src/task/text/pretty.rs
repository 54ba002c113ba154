//! JSON for people: sorted, indented, and with what DAG-JSON takes several braces for in one line.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::steers;

/// The text, with a line break at its end.
pub(super) fn print(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text.push('\n');
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !is_in_line(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let items = sorted.into_iter().map(|(name, value)| (Some(name.as_str()), value));
            list(text, ['{', '}'], items, depth);
        }
        Value::Array(items) if items.iter().any(is_nested) => {
            list(text, ['[', ']'], items.iter().map(|item| (None, item)), depth);
        }
        Value::Object(fields) => {
            text.push('{');
            for (nth, (name, value)) in fields.iter().enumerate() {
                let comma = if nth == 0 { "" } else { ", " };
                _ = write!(text, "{comma}{}: ", quoted(name));
                write(text, value, depth);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (nth, item) in items.iter().enumerate() {
                text.push_str(if nth == 0 { "" } else { ", " });
                write(text, item, depth);
            }
            text.push(']');
        }
        Value::String(words) => text.push_str(&quoted(words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            _ = write!(text, "{value}");
        }
    }
}

/// One item a line.
fn list<'a>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    depth: usize,
) {
    text.push(open);
    for (nth, (name, value)) in items.enumerate() {
        text.push_str(if nth == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        if let Some(name) = name {
            _ = write!(text, "{}: ", quoted(name));
        }
        write(text, value, depth + 1);
    }
    _ = write!(text, "\n{}{close}", "  ".repeat(depth));
}

/// A JSON string in which nothing steers a terminal, or hides from who reads it: JSON leaves the
/// delete character, the second set of controls and the marks that turn the direction of writing
/// as they are.
fn quoted(words: &str) -> String {
    let mut text = String::new();
    for c in Value::String(words.to_owned()).to_string().chars() {
        match steers(c) {
            true => _ = write!(text, "\\u{:04x}", u32::from(c)),
            false => text.push(c),
        }
    }
    text
}

/// Nothing at all, a link, bytes, or one of these under a single name.
fn is_in_line(fields: &Map<String, Value>) -> bool {
    let is_leaf = |value: &Value| match value {
        Value::Object(inner) => inner.contains_key("/") || inner.contains_key("bytes"),
        Value::Array(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    fields.is_empty()
        || (fields.len() == 1
            && fields.iter().all(|(name, value)| {
                matches!(name.as_str(), "/" | "bytes" | "cid" | "digest") && is_leaf(value)
            }))
}

fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}
