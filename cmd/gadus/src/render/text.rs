//! Text that others wrote, made harmless for a terminal.

use gadus_model::steers;

/// The text without what steers a terminal: names, messages and paths come from strangers.
/// Newlines and tabs stay.
pub(crate) fn plain(text: &str) -> String {
    let harmless = |c: char| !steers(c) || matches!(c, '\n' | '\t');
    text.chars().map(|c| if harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// JSON that says the same without what steers a terminal: JSON itself escapes only the first
/// controls.
pub(crate) fn harmless_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    for c in text.chars() {
        match steers(c) && c != '\n' {
            true => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => json.push(c),
        }
    }
    json
}

/// The same on one line.
pub(super) fn one_line(text: &str) -> String {
    plain(text).replace(['\n', '\t'], " ").trim().to_owned()
}

/// `j-5772b6f9` of `j-5772b6f9-7c73-…`: what is unique enough to be typed. Other texts stay.
pub(crate) fn short_id(id: &str) -> String {
    let is_uuid = id.len() == 38 && id.as_bytes()[1] == b'-' && id.is_ascii();
    one_line(if is_uuid { &id[..10] } else { id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[31mb\r\u{7}\nc\u{202e}d\u{9b}"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}\nc\u{fffd}d\u{fffd}"
        );
        assert_eq!(one_line("a\nb\t"), "a b");
    }

    #[test]
    fn nor_does_json_and_it_says_the_same() {
        let words = "a\u{7f}b\u{9b}c\u{202e}d\u{2066}\u{e9}";
        let json = harmless_json(&serde_json::to_string(words).unwrap());
        assert_eq!(json, r#""a\u007fb\u009bc\u202ed\u2066é""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), words);
    }

    #[test]
    fn only_ids_are_cut() {
        assert_eq!(short_id("j-5772b6f9-7c73-493a-bdfe-aa3fe82e96a9"), "j-5772b6f9");
        assert_eq!(short_id("my-job"), "my-job");
        assert_eq!(short_id(""), "");
    }
}
