//! Variables of the environment. Every key has one, by its name in capitals: `network.name` is
//! `GADUS_NETWORK_NAME`. Flags have short ones besides.

use std::path::PathBuf;

use toml::{Table, Value};

use super::keys::Schema;
use super::layers::{Origin, Setting};
use super::place::listen_address;
use crate::failure::Failure;

/// What every variable of ours begins with.
const PREFIX: &str = "GADUS_";
/// The variables of flags, and the keys they set.
const SHORT: [(&str, &str); 10] = [
    ("GADUS_API", "api.listen"),
    ("GADUS_COMPUTE", "compute.enabled"),
    ("GADUS_DATA_DIR", "node.data_dir"),
    ("GADUS_LABEL", "node.labels"),
    ("GADUS_LISTEN", "network.listen"),
    ("GADUS_LOG", "log.level"),
    ("GADUS_NAME", "node.name"),
    ("GADUS_NETWORK", "network.name"),
    ("GADUS_PEER", "network.peers"),
    ("GADUS_REQUESTER", "requester.enabled"),
];
/// Names the config file, and so is no key in it.
const CONFIG: &str = "GADUS_CONFIG";
/// Variables for tests: where a process is to die, and whatever a test needs.
const FOR_TESTS: [&str; 2] = ["GADUS_CRASH_AT", "GADUS_TEST_"];

/// What the environment says.
pub(super) struct Variables {
    pub(super) config: Option<PathBuf>,
    pub(super) settings: Vec<Setting>,
}

/// Reads the variables that are ours. Those of flags go before those of keys, and empty ones are
/// as good as none.
pub(super) fn read(
    schema: &Schema,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Variables, Failure> {
    let (mut config, mut long, mut short) = (None, Vec::new(), Vec::new());
    let ours = variables.into_iter().filter(|(name, value)| {
        name.starts_with(PREFIX)
            && !value.is_empty()
            && !FOR_TESTS.iter().any(|test| name.starts_with(test))
    });
    for (name, value) in ours {
        if name == CONFIG {
            config = Some(PathBuf::from(value));
        } else if let Some((_, key)) = SHORT.iter().find(|(short, _)| *short == name) {
            short.extend(settings(schema, &name, key, &value)?);
        } else if let Some(key) = schema.names().find(|key| variable_of(key) == name) {
            long.extend(settings(schema, &name, key, &value)?);
        } else {
            return Err(unknown(schema, &name));
        }
    }
    long.sort_by(|a: &Setting, b| a.key.cmp(&b.key));
    short.sort_by(|a: &Setting, b| a.key.cmp(&b.key));
    Ok(Variables { config, settings: [long, short].concat() })
}

fn settings(schema: &Schema, name: &str, key: &str, text: &str) -> Result<Vec<Setting>, Failure> {
    let origin = || Origin::Variable(name.to_owned());
    if key == "node.labels" {
        return Ok(labels(text)
            .into_iter()
            .map(|(label, value)| Setting {
                key: format!("{key}.{label}"),
                value,
                origin: origin(),
            })
            .collect());
    }
    let value = match key {
        "api.listen" => Ok(Value::from(listen_address(text))),
        _ => schema.read(key, text),
    };
    let value = value
        .map_err(|why| Failure::usage(format!("the variable {name} does not fit")).because(why))?;
    Ok(vec![Setting { key: key.to_owned(), value, origin: origin() }])
}

/// `k=v,k=v`.
fn labels(text: &str) -> Table {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (key.to_owned(), Value::from(value))
        })
        .collect()
}

/// The variable of a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

fn unknown(schema: &Schema, name: &str) -> Failure {
    let known = schema.names().map(variable_of).chain(SHORT.iter().map(|(n, _)| (*n).to_owned()));
    let failure = Failure::usage(format!("the variable {name} is not known"))
        .because("variables that begin with GADUS_ are the configuration");
    match crate::nearest::nearest(name, known) {
        Some(near) => failure.hint(format!("the nearest known variable is {near}")),
        None => failure.hint("unset it"),
    }
}
