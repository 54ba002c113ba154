//! Which characters of strangers' words a terminal is not to be given.

/// Whether a character moves what a terminal shows, or hides from who reads it: all controls, and
/// the marks that turn the direction of writing or take no room (Unicode's bidi controls, and the
/// byte order mark). Newlines and tabs are controls as well.
#[must_use]
pub fn steers(c: char) -> bool {
    let is_mark = matches!(
        c,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    );
    c.is_control() || is_mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_controls_steer_and_letters_do_not() {
        let marks = "\0\u{1b}\n\t\r\u{7f}\u{9b}\u{61c}\u{200e}\u{202e}\u{2066}\u{feff}";
        assert!(marks.chars().all(steers));
        assert!(!"aé文🦀 \u{a0}\u{200d}".chars().any(steers), "a joiner is part of many emoji");
    }
}
