//! What people are shown of a result that several nodes came to.
//!
//! A manifest names the files; what is shown of them without fetching any is each node's own word
//! (see [`ResultSummary`]). Of that only counts what the manifest binds, and what so many nodes say
//! in the same words that one of them is honest.

use gadus_model::manifest::ResultSummary;
use gadus_model::{Cid, Manifest, RAW, codec};

/// What counts of what the nodes of equal answers `told`; `enough` of them cannot all lie.
/// What does not is left out, and the text of a stream is then said to be cut: the file has it.
#[must_use]
pub fn agreed(manifest: &Manifest, told: &[&ResultSummary], enough: usize) -> ResultSummary {
    let of =
        |what: fn(&ResultSummary) -> (&str, bool)| told.iter().map(move |summary| what(summary));
    let stdout = of(|summary| (&summary.stdout, summary.stdout_truncated));
    let stderr = of(|summary| (&summary.stderr, summary.stderr_truncated));
    let (stdout, stdout_truncated) = stream(manifest.stdout, stdout, enough);
    let (stderr, stderr_truncated) = stream(manifest.stderr, stderr, enough);
    let error = same(told.iter().map(|summary| summary.error.as_str()), enough);
    let warnings = same(told.iter().map(|summary| &summary.warnings), enough);
    let result_bytes = same(told.iter().map(|summary| summary.result_bytes), enough);
    ResultSummary {
        stdout,
        stdout_truncated,
        stderr,
        stderr_truncated,
        error: error.unwrap_or(manifest.outcome.error()).to_owned(),
        warnings: warnings.cloned().unwrap_or_default(),
        result_bytes: result_bytes.unwrap_or_default(),
    }
}

/// The text of a file, and whether there is more of it.
fn stream<'a>(
    file: Cid,
    told: impl Iterator<Item = (&'a str, bool)> + Clone,
    enough: usize,
) -> (String, bool) {
    let is_bound =
        |(text, is_cut): &(&str, bool)| !is_cut && codec::cid_of(RAW, text.as_bytes()) == file;
    let found = told.clone().find(is_bound).or_else(|| same(told, enough));
    found.map_or_else(|| (String::new(), true), |(text, is_cut)| (text.to_owned(), is_cut))
}

/// What all say, if they are enough.
fn same<T: PartialEq>(mut told: impl Iterator<Item = T>, enough: usize) -> Option<T> {
    let first = told.next()?;
    let others = told.try_fold(1, |count, other| (other == first).then_some(count + 1))?;
    (others >= enough).then_some(first)
}

#[cfg(test)]
mod tests {
    use gadus_model::manifest::{MANIFEST_VERSION, Outcome};

    use super::*;

    fn manifest(stdout: &str) -> Manifest {
        let file = |text: &str| codec::cid_of(RAW, text.as_bytes());
        Manifest {
            v: MANIFEST_VERSION,
            outcome: Outcome::Trap("unreachable".to_owned()),
            result: file("result"),
            stdout: file(stdout),
            stderr: file(""),
        }
    }

    fn told(stdout: &str, stdout_truncated: bool) -> ResultSummary {
        let stdout = stdout.to_owned();
        ResultSummary { stdout, stdout_truncated, error: "at main".into(), ..Default::default() }
    }

    #[test]
    fn a_text_that_the_manifest_binds_counts_whoever_tells_it() {
        let (lie, truth) = (told("LIAR", false), told("truth", false));
        for told in [[&lie, &truth], [&truth, &lie]] {
            let shown = agreed(&manifest("truth"), &told, 2);
            assert_eq!((shown.stdout.as_str(), shown.stdout_truncated), ("truth", false));
        }
    }

    #[test]
    fn a_text_that_it_does_not_bind_counts_when_enough_tell_it() {
        let (lie, truth) = (told("LIAR", true), told("the first of m", true));
        let manifest = manifest("the first of many");
        let shown = agreed(&manifest, &[&truth, &truth], 2);
        assert_eq!((shown.stdout.as_str(), shown.stdout_truncated), ("the first of m", true));
        assert_eq!(shown.error, "at main");
        // One that says it is whole is not believed either.
        for told in [&[&lie, &truth][..], &[&truth, &lie], &[&lie], &[&told("LIAR", false)], &[]] {
            let shown = agreed(&manifest, told, 2);
            assert_eq!((shown.stdout.as_str(), shown.stdout_truncated), ("", true));
        }
        assert_eq!(agreed(&manifest, &[&truth], 2).error, "unreachable");
    }
}
