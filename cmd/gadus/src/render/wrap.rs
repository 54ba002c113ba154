//! Text in the columns of a terminal. Wide characters take two of them, and some take none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands where text was cut.
const CUT: char = '…';

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Columns of the longest word: what cannot be narrower without being broken.
pub(super) fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(columns).max().unwrap_or_default()
}

/// The text in at most so many columns, its end left out if it must be.
pub(super) fn cut(text: &str, max: usize) -> String {
    if columns(text) <= max {
        return text.to_owned();
    }
    let mut kept = head(text, max.saturating_sub(1)).trim_end().to_owned();
    kept.push(CUT);
    kept
}

/// The text in lines of at most so many columns: broken between words, and in the midst of a word
/// only where it fills a line by itself.
pub(super) fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(1);
    let mut lines = Vec::new();
    for line in text.lines() {
        if columns(line) <= max {
            lines.push(line.to_owned());
        } else {
            wrap_line(line, max, &mut lines);
        }
    }
    lines
}

fn wrap_line(line: &str, max: usize, lines: &mut Vec<String>) {
    let mut current = String::new();
    for word in line.split_whitespace() {
        let blank = usize::from(!current.is_empty());
        if columns(&current) + blank + columns(word) > max && !current.is_empty() {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        let mut rest = word;
        while columns(rest) > max {
            // At least one character, so that it comes to an end.
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let (part, after) = rest.split_at(head(rest, max).len().max(first));
            lines.push(part.to_owned());
            rest = after;
        }
        current.push_str(rest);
    }
    if !current.is_empty() {
        lines.push(current);
    }
}

/// The beginning of a text that takes at most so many columns.
fn head(text: &str, max: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or_default();
        taken > max
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_it_must_be() {
        let cases = [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("two words", 5, "two…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("x", 0, "…"),
            ("", 0, ""),
        ];
        for (text, max, expected) in cases {
            assert_eq!(cut(text, max), expected, "{text} {max}");
        }
    }

    #[test]
    fn lines_end_between_words_and_no_line_is_too_long() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("a\n  b", 10), ["a", "  b"], "lines that fit stay as they are");
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"]);
        assert_eq!(wrap("", 3), Vec::<String>::new());
        assert_eq!(longest_word("a bafy日 c"), 6);
    }
}
