//! The config file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use toml::Table;
use toml::de::{DeTable, DeValue};

use super::keys::{Schema, flatten};
use super::layers::{Origin, Setting};
use crate::failure::Failure;

/// The file's name in a data directory.
const NAME: &str = "config.toml";

/// The settings of the named file; of none, those of the one in the data directory if there is
/// one.
pub(super) fn read(
    schema: &Schema,
    named: Option<PathBuf>,
    data_dir: &Path,
) -> Result<Vec<Setting>, Failure> {
    let is_named = named.is_some();
    let path = named.unwrap_or_else(|| data_dir.join(NAME));
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(schema, &path, &text),
        Err(e) if e.kind() == io::ErrorKind::NotFound && !is_named => Ok(Vec::new()),
        Err(e) => Err(Failure::io(format!("read the config file {}", path.display()), &e)
            .hint("`gadus config default` prints one to begin with")),
    }
}

/// The settings of a file's text.
pub(super) fn parse(schema: &Schema, path: &Path, text: &str) -> Result<Vec<Setting>, Failure> {
    let no_toml = |e: toml::de::Error| {
        let failure = Failure::usage(format!("{} is no TOML", path.display()));
        let line = e.span().map(|span| line_at(text, span.start));
        let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        failure
            .because(format!("{place}{}", e.message()))
            .hint("`gadus config default` prints a whole one to compare it with")
    };
    let table: Table = text.parse().map_err(no_toml)?;
    let spans = DeTable::parse(text).map_err(no_toml)?;
    let mut lines = BTreeMap::new();
    find_lines("", spans.get_ref(), text, &mut lines);
    let mut settings = Vec::new();
    for (key, value) in flatten(&table) {
        let origin = Origin::File(path.to_owned(), lines.get(&key).copied());
        if !schema.knows(&key) {
            return Err(unknown(schema, &key, &origin));
        }
        let value = schema.fit(&key, value).map_err(|why| {
            Failure::usage(format!("'{key}' does not fit"))
                .because(why)
                .because(format!("it comes from {origin}"))
        })?;
        settings.push(Setting { key, value, origin });
    }
    Ok(settings)
}

/// A key that is not known is refused: a misspelt one would silently change nothing.
pub(super) fn unknown(schema: &Schema, key: &str, origin: &Origin) -> Failure {
    let failure = Failure::usage(format!("the key '{key}' is not known"))
        .because(format!("it comes from {origin}"));
    match schema.nearest(key) {
        Some(near) => failure.hint(format!("the nearest known key is '{near}'")),
        None => failure.hint("`gadus config default` prints every key"),
    }
}

/// The line of each key.
fn find_lines(prefix: &str, table: &DeTable<'_>, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        lines.insert(key.clone(), line_at(text, name.span().start));
        if let DeValue::Table(below) = value.get_ref() {
            find_lines(&format!("{key}."), below, text, lines);
        }
    }
}

fn line_at(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}
