//! Answers without what differs from run to run.

use serde_json::Value;

/// The compact JSON of a value, keys in their order: ids are their letters, moments `T`, revisions
/// `R`, and content ids `CID`.
pub(super) fn scrubbed(value: &Value) -> String {
    let mut text = Vec::new();
    write(value, &mut text);
    text.concat()
}

fn write(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            out.push("{".to_owned());
            for (index, (key, field)) in fields.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                out.push(format!("{comma}{}:", Value::from(key.as_str())));
                match key.as_str() {
                    "CreateTime" | "ModifyTime" if field.is_u64() => out.push("T".to_owned()),
                    "Revision" if field.is_u64() => out.push("R".to_owned()),
                    _ => write(field, out),
                }
            }
            out.push("}".to_owned());
        }
        Value::Array(items) => {
            out.push("[".to_owned());
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(",".to_owned());
                }
                write(item, out);
            }
            out.push("]".to_owned());
        }
        Value::String(text) => out.push(Value::from(word(text)).to_string()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => out.push(other.to_string()),
    }
}

fn word(text: &str) -> String {
    let is_uuid =
        |text: &str| text.len() == 36 && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    let kinds = [("j-", "J"), ("e-", "E"), ("n-", "N"), ("", "UUID")];
    for (prefix, kind) in kinds {
        if text.strip_prefix(prefix).is_some_and(is_uuid) {
            return kind.to_owned();
        }
    }
    if let Some(cid) = text.strip_prefix("ipfs://").filter(|cid| cid.starts_with("baf")) {
        return text.replace(cid, "CID");
    }
    let is_moment = text.len() > 19 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    match text {
        _ if text.starts_with("baf") => "CID".to_owned(),
        _ if is_moment => "T".to_owned(),
        _ => text.to_owned(),
    }
}
