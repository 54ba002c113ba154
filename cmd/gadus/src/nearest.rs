//! The known word that a misspelt one is nearest to.

/// Below this likeness (0 to 1) a word is rather another one than a misspelt one.
const LIKENESS_MIN: f64 = 0.65;

/// The nearest of the known words, if any is near.
pub(crate) fn nearest<'a>(
    word: &str,
    known: impl IntoIterator<Item = impl AsRef<str> + 'a>,
) -> Option<String> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            let known = known.as_ref();
            (strsim::jaro_winkler(&word, &known.to_lowercase()), known.to_owned())
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["Engine", "Publisher", "Env", "Resources"];
        assert_eq!(nearest("Engin", known).as_deref(), Some("Engine"));
        assert_eq!(nearest("resource", known).as_deref(), Some("Resources"));
        assert_eq!(nearest("Xyzzy", known), None);
    }
}
