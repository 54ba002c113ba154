//! Every key there is, and what kind of value it takes: as the default file has them.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// Tables whose keys are the user's own.
const OPEN: [&str; 1] = ["node.labels"];
/// Tables whose values are amounts: text, or a number for short.
const AMOUNTS: [&str; 2] = ["compute.capacity.", "compute.job_max."];

/// What the keys end in whose values are shown to nobody.
const SECRETS: [&str; 2] = [".secret_access_key", ".session_token"];

/// Whether a key's value is shown to nobody.
pub(crate) fn is_secret(key: &str) -> bool {
    SECRETS.iter().any(|ending| key.ends_with(ending))
}

/// The known keys with their default values.
pub(super) struct Schema {
    leaves: BTreeMap<String, Value>,
}

impl Schema {
    pub(super) fn new(default: &Table) -> Self {
        Self { leaves: flatten(default).into_iter().collect() }
    }

    /// Whether a key is known, and what it must be like; what is under an open table is text.
    fn example(&self, key: &str) -> Option<&Value> {
        const TEXT: &Value = &Value::String(String::new());
        let is_open = open_table_of(key).is_some();
        self.leaves.get(key).or(is_open.then_some(TEXT))
    }

    pub(super) fn knows(&self, key: &str) -> bool {
        self.example(key).is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.leaves.keys().map(String::as_str)
    }

    /// The known key that is nearest to an unknown one.
    pub(super) fn nearest(&self, key: &str) -> Option<String> {
        crate::nearest::nearest(key, self.names())
    }

    /// Brings a value of the file into the form its key takes.
    ///
    /// # Errors
    /// What it should be, in words, for another kind of value.
    pub(super) fn fit(&self, key: &str, value: Value) -> Result<Value, String> {
        let is_amount = AMOUNTS.iter().any(|table| key.starts_with(table));
        match (self.example(key), value) {
            (Some(Value::String(_)), Value::Integer(n)) if is_amount => Ok(n.to_string().into()),
            (Some(Value::String(_)), Value::Float(n)) if is_amount => Ok(n.to_string().into()),
            (Some(Value::Integer(_)), Value::Integer(n)) if n < 0 => {
                Err(format!("it must not be below 0, and is {n}"))
            }
            (Some(Value::Array(_)), Value::Array(items)) if !items.iter().all(Value::is_str) => {
                Err("it must be a list of texts".to_owned())
            }
            (Some(example), value) if example.same_type(&value) => Ok(value),
            (Some(example), value) => {
                Err(format!("it must be {}, and is {}", kind(example), kind(&value)))
            }
            (None, _) => Err("it is not known".to_owned()),
        }
    }

    /// Reads a value from text, as variables have it.
    ///
    /// # Errors
    /// What it should be, in words.
    pub(super) fn read(&self, key: &str, text: &str) -> Result<Value, String> {
        let wrong = |kind: &str| format!("it must be {kind}, and is '{text}'");
        match self.example(key) {
            Some(Value::Boolean(_)) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true.into()),
                "false" | "0" | "no" | "off" => Ok(false.into()),
                _ => Err(wrong("true or false")),
            },
            Some(Value::Integer(_)) => {
                let number = text.replace('_', "").parse::<i64>().ok().filter(|n| *n >= 0);
                number.map(Value::Integer).ok_or_else(|| wrong("a whole number"))
            }
            Some(Value::Array(_)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(Value::Array(items.map(Value::from).collect()))
            }
            Some(_) => Ok(text.into()),
            None => Err("it is not known".to_owned()),
        }
    }
}

/// Every value of a table by its dotted key. Open tables themselves are left out.
pub(super) fn flatten(table: &Table) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    flatten_below("", table, &mut leaves);
    leaves
}

fn flatten_below(prefix: &str, table: &Table, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(table) => flatten_below(&format!("{key}."), table, leaves),
            value => leaves.push((key, value.clone())),
        }
    }
}

/// Puts a value at its dotted key.
pub(super) fn set(table: &mut Table, key: &str, value: Value) {
    let (parents, name) = match open_table_of(key) {
        Some((open, name)) => (open, name),
        None => key.rsplit_once('.').unwrap_or(("", key)),
    };
    let mut place = table;
    for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
        let below = place.entry(parent).or_insert_with(|| Value::Table(Table::new()));
        match below {
            Value::Table(below) => place = below,
            // A key that stands where a table should was refused before.
            _ => return,
        }
    }
    place.insert(name.to_owned(), value);
}

/// The open table that a key is in, and the key's name there, which may have dots in it.
fn open_table_of(key: &str) -> Option<(&'static str, &str)> {
    OPEN.iter().find_map(|open| {
        let name = key.strip_prefix(open)?.strip_prefix('.')?;
        Some((*open, name))
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
