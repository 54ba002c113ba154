//! DAG-CBOR as text, for people and for golden files.
//!
//! Much like CBOR's diagnostic notation (RFC 8949 §8): `{"key": value}`, `[value]`, `"text"`,
//! `h'00ff'` for bytes, and a CID as its own text. Different bytes give different texts.

use ipld_core::ipld::Ipld;

use crate::codec::{self, CodecError};

/// Columns that a line fills at most, where it can be broken.
const WIDTH: usize = 100;
/// Spaces that each level is moved in.
const INDENT: usize = 2;

/// The text of an encoded value; a map or list that is too long for one line has a line per entry.
/// Lines end in `\n`, the last one too.
///
/// # Errors
/// When the bytes are not DAG-CBOR.
pub fn text(bytes: &[u8]) -> Result<String, CodecError> {
    let value: Ipld = codec::decode(bytes)?;
    let mut out = String::new();
    write(&mut out, &value, 0, 0);
    out.push('\n');
    Ok(out)
}

/// Writes a value, `before` columns of whose first line are taken.
fn write(out: &mut String, value: &Ipld, level: usize, before: usize) {
    let line = line(value);
    let fits = level * INDENT + before + line.chars().count() < WIDTH;
    let (open, close) = match value {
        Ipld::Map(_) => ('{', '}'),
        Ipld::List(_) => ('[', ']'),
        Ipld::Null
        | Ipld::Bool(_)
        | Ipld::Integer(_)
        | Ipld::Float(_)
        | Ipld::String(_)
        | Ipld::Bytes(_)
        | Ipld::Link(_) => return out.push_str(&line),
    };
    if fits {
        return out.push_str(&line);
    }
    out.push(open);
    out.push('\n');
    for (key, value) in entries(value) {
        let key = key.map(|key| format!("{key:?}: ")).unwrap_or_default();
        out.push_str(&" ".repeat((level + 1) * INDENT));
        out.push_str(&key);
        write(out, value, level + 1, key.chars().count());
        out.push_str(",\n");
    }
    out.push_str(&" ".repeat(level * INDENT));
    out.push(close);
}

/// What a map or list holds, with keys where it has them, in the order of its encoding: shorter
/// keys first.
fn entries(value: &Ipld) -> Vec<(Option<&str>, &Ipld)> {
    match value {
        Ipld::Map(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (Some(k.as_str()), v)).collect();
            entries.sort_by_key(|(key, _)| key.map(|key| (key.len(), key)));
            entries
        }
        Ipld::List(list) => list.iter().map(|v| (None, v)).collect(),
        Ipld::Null
        | Ipld::Bool(_)
        | Ipld::Integer(_)
        | Ipld::Float(_)
        | Ipld::String(_)
        | Ipld::Bytes(_)
        | Ipld::Link(_) => Vec::new(),
    }
}

/// A value in one line.
fn line(value: &Ipld) -> String {
    let entry = |(key, value): (Option<&str>, &Ipld)| match key {
        Some(key) => format!("{key:?}: {}", line(value)),
        None => line(value),
    };
    let inside = || entries(value).into_iter().map(entry).collect::<Vec<_>>().join(", ");
    match value {
        Ipld::Null => "null".to_owned(),
        Ipld::Bool(b) => b.to_string(),
        Ipld::Integer(n) => n.to_string(),
        Ipld::Float(x) => format!("{x:?}"),
        Ipld::String(text) => format!("{text:?}"),
        Ipld::Bytes(bytes) => format!("h'{}'", data_encoding::HEXLOWER.encode(bytes)),
        Ipld::Link(cid) => cid.to_string(),
        Ipld::List(_) => format!("[{}]", inside()),
        Ipld::Map(_) => format!("{{{}}}", inside()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::codec::{RAW, cid_of};

    fn text_of(value: &Ipld) -> String {
        text(&codec::encode(value).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_has_its_own_look() {
        let cid = cid_of(RAW, b"x");
        let list = vec![
            Ipld::Null,
            Ipld::Bool(true),
            Ipld::Integer(-1),
            Ipld::Float(1.0),
            Ipld::String("1\"".to_owned()),
            Ipld::Bytes(vec![0, 255]),
            Ipld::List(Vec::new()),
            Ipld::Map(BTreeMap::new()),
        ];
        let expected = "[null, true, -1, 1.0, \"1\\\"\", h'00ff', [], {}]\n";
        assert_eq!(text_of(&Ipld::List(list)), expected);
        assert_eq!(text_of(&Ipld::Link(cid)), format!("{cid}\n"));
    }

    #[test]
    fn what_is_too_long_has_a_line_per_entry_and_shorter_keys_come_first() {
        let long = |c: &str| Ipld::String(c.repeat(60));
        let map = [("bb", long("x")), ("a", long("y")), ("c", Ipld::List(vec![Ipld::Integer(1)]))];
        let map = map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let (x, y) = ("x".repeat(60), "y".repeat(60));
        let expected = format!("{{\n  \"a\": \"{y}\",\n  \"c\": [1],\n  \"bb\": \"{x}\",\n}}\n");
        assert_eq!(text_of(&Ipld::Map(map)), expected);
    }

    #[test]
    fn bytes_that_are_no_dag_cbor_have_no_text() {
        assert!(text(&[0xff]).is_err() && text(&[0x01, 0x01]).is_err());
    }
}
