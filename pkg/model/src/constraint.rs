//! Label selectors, in Kubernetes' grammar as Bacalhau uses it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One requirement on a node's labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// `in`, `=` and `==`.
    In,
    /// `notin` and `!=`; true when the label is absent.
    NotIn,
    /// The label is there.
    Exists,
    /// `!`: the label is not there.
    DoesNotExist,
    /// A larger integer.
    Gt,
    /// A smaller integer.
    Lt,
}

impl Operator {
    /// Reads Bacalhau's spellings.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "=" | "==" | "in" => Self::In,
            "!=" | "notin" => Self::NotIn,
            "exists" => Self::Exists,
            "!" => Self::DoesNotExist,
            "gt" | ">" => Self::Gt,
            "lt" | "<" => Self::Lt,
            _ => return None,
        })
    }
}

impl Constraint {
    /// Whether labels meet it. `gt` and `lt` are false where either side is no integer.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let have = labels.get(&self.key);
        let number = |text: &str| text.parse::<i64>().ok();
        let compare = |f: fn(&i64, &i64) -> bool| {
            let bound = self.values.first().and_then(|v| number(v));
            matches!((have.and_then(|h| number(h)), bound), (Some(h), Some(b)) if f(&h, &b))
        };
        match self.operator {
            Operator::In => have.is_some_and(|h| self.values.contains(h)),
            Operator::NotIn => have.is_none_or(|h| !self.values.contains(h)),
            Operator::Exists => have.is_some(),
            Operator::DoesNotExist => have.is_none(),
            Operator::Gt => compare(i64::gt),
            Operator::Lt => compare(i64::lt),
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::In if self.values.len() == 1 => write!(f, "{key}={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn if self.values.len() == 1 => write!(f, "{key}!={values}"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::Gt => write!(f, "{key}>{values}"),
            Operator::Lt => write!(f, "{key}<{values}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(key: &str, op: &str, values: &[&str]) -> bool {
        let labels = BTreeMap::from([
            ("os".to_owned(), "linux".to_owned()),
            ("n".to_owned(), "7".to_owned()),
        ]);
        let operator = Operator::parse(op).unwrap();
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        Constraint { key: key.to_owned(), operator, values }.matches(&labels)
    }

    #[test]
    fn every_operator_holds_and_fails() {
        assert!(holds("os", "=", &["linux"]) && !holds("os", "=", &["plan9"]));
        assert!(holds("os", "in", &["plan9", "linux"]) && !holds("gpu", "in", &["a"]));
        assert!(holds("gpu", "!=", &["a"]) && !holds("os", "notin", &["linux"]));
        assert!(holds("os", "exists", &[]) && !holds("gpu", "exists", &[]));
        assert!(holds("gpu", "!", &[]) && !holds("os", "!", &[]));
        assert!(holds("n", "gt", &["6"]) && !holds("n", "gt", &["7"]));
        assert!(holds("n", "lt", &["8"]) && !holds("os", "lt", &["8"]));
    }
}
