//! Label selectors in Kubernetes' grammar: `env=prod,tier in (a,b),!x,gpu`.

use gadus_model::{Constraint, Operator};

use crate::service::ServiceError;

/// Reads a selector; an empty one selects everything.
///
/// # Errors
/// `BadRequest` for anything else.
pub fn parse_selector(text: &str) -> Result<Vec<Constraint>, ServiceError> {
    split_requirements(text)
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            requirement(part).ok_or_else(|| {
                ServiceError::bad_request(format!("'{part}' is no label requirement"))
                    .with_hint("for example: env=prod,tier in (a,b),!x,gpu,n>3")
            })
        })
        .collect()
}

/// Splits at the commas that are not inside parentheses.
fn split_requirements(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|c| {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        c == ',' && !inside
    })
    .collect()
}

fn requirement(text: &str) -> Option<Constraint> {
    let make = |key: &str, operator, values: Vec<&str>| {
        let key = key.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let good = !key.is_empty() && key.chars().all(plain);
        let values = values.into_iter().map(|value| value.trim().to_owned()).collect();
        good.then(|| Constraint { key: key.to_owned(), operator, values })
    };
    if let Some(key) = text.strip_prefix('!') {
        return make(key, Operator::DoesNotExist, vec![]);
    }
    if let Some((head, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let (key, word) = head.trim().rsplit_once(char::is_whitespace)?;
        let operator = match word {
            "in" => Operator::In,
            "notin" => Operator::NotIn,
            _ => return None,
        };
        return make(key, operator, values.split(',').collect());
    }
    let symbols = [
        ("!=", Operator::NotIn),
        ("==", Operator::In),
        ("=", Operator::In),
        (">", Operator::Gt),
        ("<", Operator::Lt),
    ];
    for (symbol, operator) in symbols {
        if let Some((key, value)) = text.split_once(symbol) {
            return make(key, operator, vec![value]);
        }
    }
    make(text, Operator::Exists, vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let shown = |text: &str| {
            let all = parse_selector(text).unwrap();
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
        };
        assert_eq!(
            shown("env=prod, tier in (a, b),!x,gpu,n>3,m<4,y!=z,w==v,q notin (c)"),
            "env=prod;tier in (a,b);!x;gpu;n>3;m<4;y!=z;w=v;q!=c"
        );
        assert_eq!(shown(""), "");
        assert_eq!(shown("bacalhau_canary != true"), "bacalhau_canary!=true");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["=x", "a b", "a in b", "a within (b)", "!", "in (a)", "a~b"] {
            assert!(parse_selector(text).is_err(), "{text}");
        }
    }
}
