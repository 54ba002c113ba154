//! A named thing with free parameters: an engine, a source, a publisher, a published result.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A type and its parameters. Keys of parameters keep the case they were given in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct SpecConfig {
    /// Its name; empty where there is none.
    #[serde(rename = "Type")]
    pub kind: String,
    /// What its type understands.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
}

impl SpecConfig {
    /// A type without parameters.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), params: Map::new() }
    }

    /// The same with one more parameter.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.params.insert(key.to_owned(), value.into());
        self
    }

    /// A parameter, whatever the case of its key.
    #[must_use]
    pub fn param(&self, key: &str) -> Option<&Value> {
        self.params.iter().rfind(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v)
    }

    /// A parameter that is text, without outer blanks; none where it is empty.
    ///
    /// # Errors
    /// For what is no text.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, String> {
        match self.param(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
            }
            Some(other) => Err(format!("'{key}' is no text: {other}")),
        }
    }

    /// The first parameter that is none of these, whatever the case of its key.
    pub(crate) fn unknown(&self, known: &[&str]) -> Option<&str> {
        let is_known = |key: &str| known.iter().any(|known| known.eq_ignore_ascii_case(key));
        self.params.keys().map(String::as_str).find(|key| !is_known(key))
    }

    /// Whether it is of a type; types are compared without regard to case and outer blanks.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        self.kind.trim().eq_ignore_ascii_case(kind)
    }
}
