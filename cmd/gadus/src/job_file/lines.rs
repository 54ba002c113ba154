//! Where in a text a key stands.

/// The line (from 1) of the key at the end of a path. Parents are looked for one after the other,
/// so that a key that occurs several times is found in its own place; list items are not counted,
/// so that with several tasks it may be the first one's line.
pub(super) fn of_key(text: &str, path: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    let keys = path.split('.').filter(|part| part.parse::<usize>().is_err());
    let mut found = None;
    for key in keys {
        let next = (at..lines.len()).find(|n| has_key(lines[*n], key))?;
        (at, found) = (next, Some(next + 1));
    }
    found
}

/// Whether a line has `key:`, quoted or not, in any case.
fn has_key(line: &str, key: &str) -> bool {
    let (line, key) = (line.to_lowercase(), key.to_lowercase());
    line.match_indices(&key).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let rest = &line[at + key.len()..];
        let after = match before {
            None => Some(rest),
            Some(quote @ ('"' | '\'')) => rest.strip_prefix(quote),
            Some(c) => (c.is_whitespace() || "{,-".contains(c)).then_some(rest),
        };
        after.is_some_and(|after| after.trim_start().starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_their_place() {
        let yaml = "Name: x\nTasks:\n  - name: main\n    Engine:\n      Type: docker\n      Parms: {}\nParms: 1\n";
        assert_eq!(of_key(yaml, "Tasks.0.Engine.Parms"), Some(6));
        assert_eq!(of_key(yaml, "Tasks.0.Name"), Some(3));
        assert_eq!(of_key(yaml, "Nothing"), None);
        let json = "{\n \"Name\": \"Parms: no\",\n \"Parms\" : 1 }";
        assert_eq!(of_key(json, "Parms"), Some(3));
    }
}
