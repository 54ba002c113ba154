//! Job files in Bacalhau's format, YAML or JSON. A key that means nothing is an error: a misspelt
//! one would silently be no key at all.

use std::io::{ErrorKind, Read};
use std::path::Path;

use gadus_api::json_in::{SMALLEST_JOB, job_document};
use serde_json::Value;

use crate::failure::Failure;
use crate::nearest::nearest;

mod keys;
mod lines;
mod syntax;

/// Bytes of a job file; a node takes less.
const BYTES_MAX: u64 = 16 << 20;

/// Whether an argument that may be an id names a file.
pub(crate) fn is_file(text: &str) -> bool {
    text == "-" || Path::new(text).is_file()
}

/// Reads a job from a file, or from stdin where it is `-`.
///
/// # Errors
/// For a file that cannot be read, is no job, or has keys that mean nothing.
pub(crate) fn read(path: &Path) -> Result<Value, Failure> {
    let mut text = String::new();
    let (name, read) = if path == Path::new("-") {
        let read = std::io::stdin().lock().take(BYTES_MAX).read_to_string(&mut text);
        ("stdin".to_owned(), read)
    } else {
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
        (path.display().to_string(), read)
    };
    read.map_err(|e| {
        let failure = Failure::io(format!("read {name}"), &e);
        match e.kind() {
            ErrorKind::InvalidData => failure.hint("a job file is text: YAML or JSON"),
            ErrorKind::NotFound => failure.hint("name a file, or - to read the job from stdin"),
            ErrorKind::IsADirectory => failure.hint("name a file in it"),
            _ => failure,
        }
    })?;
    if text.len() as u64 == BYTES_MAX {
        return Err(Failure::usage(format!("{name} is too large for a job"))
            .because(format!("it has {BYTES_MAX} bytes or more"))
            .hint("add what is large with `gadus add`, and name its CID in InputSources"));
    }
    parse(&name, &text)
}

/// Reads a job from text; `name` is what the text is called.
///
/// # Errors
/// As [`read`].
pub(crate) fn parse(name: &str, text: &str) -> Result<Value, Failure> {
    let value = value(name, text)?;
    let document = job_document(unwrapped(value)).map_err(|error| {
        let line = error.details.get("Path").and_then(|path| lines::of_key(text, path));
        let place = line.map(|n| format!(" (line {n})")).unwrap_or_default();
        Failure::usage(format!("{name} is no job"))
            .because(format!("{}{place}", error.message))
            .hint(smallest())
    })?;
    match document.unknown_keys.first() {
        None => Ok(document.job),
        Some(_) => Err(unknown(name, text, &document.unknown_keys)),
    }
}

fn value(name: &str, text: &str) -> Result<Value, Failure> {
    // Some editors begin a file with a mark that is no part of what it says.
    match syntax::parse(name, text.trim_start_matches('\u{feff}'))? {
        value @ Value::Object(_) => Ok(value),
        Value::Null => Err(Failure::usage(format!("{name} is empty")).hint(smallest())),
        _ => Err(Failure::usage(format!("{name} is no job"))
            .because("it is not a set of keys")
            .hint(smallest())),
    }
}

fn smallest() -> String {
    format!("a job at its smallest: {SMALLEST_JOB}; see `gadus job run --help`")
}

/// The job in a body of the REST API, `{"Job": …}`, is as good as the job itself.
fn unwrapped(mut value: Value) -> Value {
    let inner = value.as_object_mut().and_then(|object| match object.len() {
        1 => object.iter_mut().next().filter(|(key, _)| key.eq_ignore_ascii_case("job")),
        _ => None,
    });
    match inner {
        Some((_, job)) if job.is_object() => job.take(),
        _ => value,
    }
}

fn unknown(name: &str, text: &str, paths: &[String]) -> Failure {
    let mut failure = Failure::usage(format!("{name} has keys that mean nothing"));
    let mut hint = None;
    for path in paths {
        let key = path.rsplit('.').next().unwrap_or(path);
        let line = lines::of_key(text, path).map(|n| format!(" (line {n})")).unwrap_or_default();
        failure = failure.because(format!("{path}{line}"));
        let near = nearest(key, keys::beside(path));
        hint = hint.or(near.map(|near| format!("'{key}' may be meant to be '{near}'")));
    }
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure.hint("remove them, or put free facts into Meta"),
    }
}

#[cfg(test)]
mod tests;
