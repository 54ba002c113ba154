//! `config default`, `config show`.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::Value;

use crate::cli::{ConfigCommand, ConfigShowArgs};
use crate::config::{self, FlagLayer, Origin};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::render;

/// A value and where it comes from.
#[derive(Serialize)]
struct Shown<'a> {
    value: &'a Value,
    origin: String,
}

pub(super) fn config(command: &ConfigCommand, printer: &Printer) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Default => printer.data(config::DEFAULT)?,
        ConfigCommand::Show(args) => show(args, printer)?,
    }
    Ok(Exit::Success)
}

fn show(args: &ConfigShowArgs, printer: &Printer) -> Result<(), Failure> {
    let effective = config::load(FlagLayer::of_serve(&args.serve), crate::variables())?;
    let data_dir = Value::from(effective.config.node.data_dir.to_string_lossy().into_owned());
    let hidden = Value::from("hidden");
    let values: BTreeMap<&str, Shown<'_>> = effective
        .values
        .iter()
        .filter(|(_, (_, origin))| !args.changed || *origin != Origin::Default)
        .map(|(key, (value, origin))| {
            // Shown as it is used, not as the empty text that stands for the usual place.
            let value = match key.as_str() {
                "node.data_dir" => &data_dir,
                key if config::is_secret(key) && *value != Value::from("") => &hidden,
                _ => value,
            };
            (key.as_str(), Shown { value, origin: origin.to_string() })
        })
        .collect();
    let rows = values
        .iter()
        .map(|(key, shown)| [(*key).to_owned(), shown.value.to_string(), shown.origin.clone()]);
    printer.object(args.format.output, &values, || render::settings(rows, printer.width()))
}
