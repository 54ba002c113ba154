//! The four layers laid over one another, and where each value comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use toml::{Table, Value};

use super::keys::{Schema, flatten, set};
use super::{Config, DEFAULT, FlagLayer, aws, env, file, place};
use crate::failure::Failure;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// With its line, from 1.
    File(PathBuf, Option<usize>),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, Some(line)) => write!(f, "{} line {line}", path.display()),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One value of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A configuration, and how it came about.
#[derive(Debug)]
pub(crate) struct Effective {
    pub(crate) config: Config,
    /// Every value by its dotted key.
    pub(crate) values: BTreeMap<String, (Value, Origin)>,
}

/// Lays the layers over one another.
///
/// # Errors
/// For a file that is not there or is no TOML, keys that are not known, and values that do not
/// fit, each with its place and the nearest known key.
pub(crate) fn load(
    flags: FlagLayer,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Effective, Failure> {
    let default: Table = DEFAULT.parse().map_err(|e: toml::de::Error| {
        Failure::usage("the default config is no TOML").because(e.message())
    })?;
    let schema = Schema::new(&default);
    let environment: Vec<_> = variables.into_iter().collect();
    let variables = env::read(&schema, environment.clone())?;
    let data_dir = place::data_dir(&flags, &variables.settings);
    let named = flags.config.clone().or(variables.config);
    let mut settings = match named {
        None if flags.is_apart => Vec::new(),
        named => file::read(&schema, named, &data_dir)?,
    };
    settings.extend(variables.settings);
    settings.extend(flags.settings);
    settings.splice(..0, aws::read(&environment, &settings));

    let (mut table, mut origins) = (default.clone(), BTreeMap::new());
    for setting in &settings {
        set(&mut table, &setting.key, setting.value.clone());
        origins.insert(setting.key.clone(), setting.origin.clone());
    }
    let mut config: Config =
        table.clone().try_into().map_err(|e| culprit(&default, &settings, &e))?;
    config.node.data_dir = place::resolve(&config.node.data_dir)?;
    if !config.requester.enabled && !config.compute.enabled {
        return Err(Failure::usage("the node is neither a requester nor a compute node")
            .because("both requester.enabled and compute.enabled are false")
            .hint("enable one of them, or give --requester or --compute"));
    }
    let origin = |key: &str| origins.get(key).cloned().unwrap_or(Origin::Default);
    let values = flatten(&table).into_iter().map(|(key, value)| {
        let origin = origin(&key);
        (key, (value, origin))
    });
    Ok(Effective { values: values.collect(), config })
}

/// Which setting it is that does not fit: each is tried alone over the defaults.
fn culprit(default: &Table, settings: &[Setting], error: &toml::de::Error) -> Failure {
    for Setting { key, value, origin } in settings {
        let mut table = default.clone();
        set(&mut table, key, value.clone());
        if let Err(error) = table.try_into::<Config>() {
            return Failure::usage(format!("'{key}' does not fit"))
                .because(error.message().trim())
                .because(format!("it comes from {origin}"));
        }
    }
    Failure::usage("the configuration does not fit").because(error.message())
}
