//! JSON as Go's `encoding/json` reads it: keys in any case, unknown keys ignored, the last of a
//! doubled key wins, `null` is as good as nothing. Types are not bent.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::limits::ApiLimits;
use crate::service::{ErrorCode, ServiceError};
use crate::types::InputSource;

mod shapes;

pub(crate) use shapes::{BAN, COUNT, PIN, PUT_JOB, STOP_JOB, put_job_hint};

/// What a value is to look like.
pub(crate) enum Shape {
    /// Anything, taken as it is.
    Any,
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// An object with these keys.
    Object(&'static [(&'static str, Self)]),
    /// A list of one shape.
    List(&'static Self),
    /// An object whose keys are data, and whose values are text.
    TextMap,
}

/// What a body is to be.
pub(crate) struct Form {
    shape: Shape,
    /// For who has sent something else: what it looks like.
    hint: fn() -> String,
}

/// The smallest job that can run, for who is to write one. It is YAML as well.
pub const SMALLEST_JOB: &str = r#"{"Type": "batch", "Tasks": [{"Name": "main", "Engine": {"Type": "docker", "Params": {"Image": "busybox:1.37"}}}]}"#;

/// Reads a body.
///
/// # Errors
/// 400 when it is no JSON, nested too deep, or of the wrong shape; with the place.
pub(crate) fn read<T: DeserializeOwned>(
    body: &[u8],
    form: &'static Form,
    limits: &ApiLimits,
) -> Result<T, ApiError> {
    let bad = |message| ApiError::from(ServiceError::bad_request(message).with_hint((form.hint)()));
    if depth(body) > limits.json_depth_max {
        return Err(bad(format!("the JSON is nested deeper than {}", limits.json_depth_max)));
    }
    let bad = |e: serde_json::Error| bad(format!("the body is not valid: {e}"));
    let mut reader = Reader::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = reader.seed(&form.shape).deserialize(&mut json).map_err(bad)?;
    json.end().map_err(bad)?;
    serde_json::from_value(value).map_err(bad)
}

/// A document in Bacalhau's job format, as it was read from a file (YAML or JSON), in the form
/// that the API takes: keys in their own case, numbers where text is meant as text.
///
/// # Errors
/// `ValidationError` for the wrong shape; its detail `Path` is the place, such as
/// `Tasks.0.Name`.
pub fn job_document(value: Value) -> Result<JobDocument, ServiceError> {
    let mut reader = Reader { scalars_as_text: true, ..Reader::default() };
    let read: Result<_, serde_json::Error> = reader.seed(&shapes::JOB).deserialize(value);
    match read {
        Ok(job) => Ok(JobDocument { job, unknown_keys: reader.unknown }),
        Err(e) => {
            Err(ServiceError::new(ErrorCode::ValidationError, format!("this is no job: {e}"))
                .with_hint(format!("a job at its smallest: {SMALLEST_JOB}"))
                .with_detail("Path", reader.path.join(".")))
        }
    }
}

/// An input source that stands where any value may.
pub(crate) fn input_source(value: &Value) -> Result<InputSource, serde_json::Error> {
    let mut reader = Reader::default();
    serde_json::from_value(reader.seed(&shapes::INPUT).deserialize(value)?)
}

/// A job as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobDocument {
    /// The job, ready to be submitted.
    pub job: Value,
    /// Paths of keys that mean nothing.
    pub unknown_keys: Vec<String>,
}

/// How deep the brackets of a text are nested, those in strings not counted. Known before
/// anything is parsed.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What is kept while a value is read.
#[derive(Default)]
struct Reader {
    scalars_as_text: bool,
    path: Vec<String>,
    unknown: Vec<String>,
}

impl Reader {
    fn seed(&mut self, shape: &'static Shape) -> Seed<'_> {
        Seed { shape, reader: self }
    }

    fn path_to(&self, name: &str) -> String {
        self.path.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }
}

struct Seed<'a> {
    shape: &'static Shape,
    reader: &'a mut Reader,
}

impl Seed<'_> {
    /// A number or truth value where text is meant and a file was read; otherwise itself back.
    fn text_of(self, text: String) -> Result<Value, Self> {
        let meant = matches!(self.shape, Shape::Text) && self.reader.scalars_as_text;
        if meant { Ok(Value::String(text)) } else { Err(self) }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        match self.shape {
            Shape::Any => serde::Deserialize::deserialize(d),
            Shape::Text
            | Shape::Int
            | Shape::Bool
            | Shape::Object(_)
            | Shape::List(_)
            | Shape::TextMap => d.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.shape {
            Shape::Any => "a value",
            Shape::Text => "text",
            Shape::Int => "a whole number",
            Shape::Bool => "true or false",
            Shape::Object(_) | Shape::TextMap => "an object",
            Shape::List(_) => "a list",
        };
        match self.reader.path.as_slice() {
            [] => f.write_str(what),
            path => write!(f, "{what} at {}", path.join(".")),
        }
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<Value, E> {
        if matches!(self.shape, Shape::Bool) {
            return Ok(Value::Bool(v));
        }
        self.text_of(v.to_string()).map_err(|seed| E::invalid_type(Unexpected::Bool(v), &seed))
    }

    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<Value, E> {
        if matches!(self.shape, Shape::Int) {
            return Ok(Value::Number(v.into()));
        }
        self.text_of(v.to_string()).map_err(|seed| E::invalid_type(Unexpected::Signed(v), &seed))
    }

    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<Value, E> {
        match i64::try_from(v) {
            Ok(v) => self.visit_i64(v),
            Err(_) => self
                .text_of(v.to_string())
                .map_err(|seed| E::invalid_value(Unexpected::Unsigned(v), &seed)),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Value, E> {
        self.text_of(v.to_string()).map_err(|seed| E::invalid_type(Unexpected::Float(v), &seed))
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Value, E> {
        if matches!(self.shape, Shape::Text) {
            return Ok(Value::String(v.to_owned()));
        }
        Err(E::invalid_type(Unexpected::Str(v), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let Shape::List(item) = self.shape else {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        };
        let mut items = Vec::new();
        loop {
            self.reader.path.push(items.len().to_string());
            let next = seq.next_element_seed(self.reader.seed(item))?;
            self.reader.path.pop();
            match next {
                Some(value) => items.push(value),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        if !matches!(self.shape, Shape::Object(_) | Shape::TextMap) {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let known = if let Shape::Object(keys) = self.shape {
                let same = keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key));
                same.map(|(name, shape)| ((*name).to_owned(), shape))
            } else {
                Some((key.clone(), &Shape::Text))
            };
            let Some((name, shape)) = known else {
                map.next_value::<IgnoredAny>()?;
                self.reader.unknown.push(self.reader.path_to(&key));
                continue;
            };
            self.reader.path.push(name);
            let value = map.next_value_seed(self.reader.seed(shape))?;
            let name = self.reader.path.pop().unwrap_or_default();
            // Go leaves a field as it was when it meets null; in a map, null is the empty text.
            match (value, self.shape) {
                (Value::Null, Shape::TextMap) => {
                    object.insert(name, Value::String(String::new()));
                }
                (Value::Null, _) => {}
                (value, _) => {
                    object.insert(name, value);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests;
