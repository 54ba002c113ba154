//! Text as JSON or YAML, and what is said of text that is neither.

use serde_json::Value;

use super::smallest;
use crate::failure::Failure;

/// Characters of a line that are shown.
const SHOWN_MAX: usize = 100;

/// Where a text goes wrong.
struct Fault {
    /// The language that it is meant to be.
    kind: &'static str,
    /// In the reader's words, with the line and column.
    why: String,
    /// From 1; `None` where the reader does not know.
    line: Option<usize>,
}

/// The value of a text, which is JSON where it begins as an object of it and YAML otherwise.
///
/// # Errors
/// For text that is not: what is wrong, on which line, and what that says.
pub(super) fn parse(name: &str, text: &str) -> Result<Value, Failure> {
    let parsed = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| Fault {
            kind: "JSON",
            why: e.to_string(),
            line: Some(e.line()).filter(|line| *line > 0),
        })
    } else {
        serde_yaml_ng::from_str(text).map_err(|e| Fault {
            kind: "YAML",
            why: e.to_string(),
            line: e.location().map(|place| place.line()),
        })
    };
    parsed.map_err(|fault| fault.told(name, text))
}

impl Fault {
    fn told(self, name: &str, text: &str) -> Failure {
        let Self { kind, why, line } = self;
        let failure = Failure::usage(format!("{name} is no {kind}")).because(why);
        let Some(line) = line else { return failure.hint(smallest()) };
        let shown = text.lines().nth(line - 1).unwrap_or_default();
        let failure = match shown.trim() {
            "" => failure,
            words => failure.because(format!(
                "line {line}: {}",
                words.chars().take(SHOWN_MAX).collect::<String>()
            )),
        };
        if kind == "YAML" && shown.trim_end().trim_start_matches(' ').starts_with('\t') {
            return failure.hint("indent with blanks: YAML takes no tabs");
        }
        failure.hint(format!("look at line {line} and the one before it; {}", smallest()))
    }
}
