//! Symbolic links in outputs: they stay links, and none may lead out of its output directory.
//!
//! They are judged on what was imported, never by following one on this machine. A target is read
//! name by name from the link's own directory. Until it names another link, it is where its text
//! says, since everything else that can be entered is a directory; a `..` is taken back only
//! there. Behind another link nothing but further names may come: that link stays inside by the
//! same judgement, and names only lead further down.

use std::collections::BTreeSet;

use gadus_ports::ContentError;

use crate::import::walk::Symlink;

/// Refuses the first link that cannot be shown to stay inside. Paths begin with the output's name.
///
/// # Errors
/// `UnsafeOutput`.
pub(super) fn check(links: &[Symlink]) -> Result<(), ContentError> {
    let known = links.iter().map(|link| link.path.as_str()).collect();
    let mut strays = links.iter().filter_map(|link| Some((link, stray(link, &known)?)));
    let Some((link, why)) = strays.next() else { return Ok(()) };
    let more = match strays.count() {
        0 => String::new(),
        n => format!(" (and {n} more like it)"),
    };
    let why = format!("is a link to '{}', {why}{more}", link.target.escape_debug());
    Err(ContentError::UnsafeOutput { path: link.path.clone(), why })
}

/// Why a link may lead out of its output; `None` when it stays inside.
fn stray(link: &Symlink, known: &BTreeSet<&str>) -> Option<String> {
    const OUT: &str = "which leads out of the output directory, and nothing outside is published";
    if link.target.starts_with('/') {
        return Some(OUT.to_owned());
    }
    // The names from the output's own down to where the target has led so far.
    let mut at: Vec<&str> = link.path.split('/').collect();
    at.pop();
    let mut passed = None;
    for name in link.target.split('/') {
        match (name, &passed) {
            ("" | ".", _) => {}
            ("..", Some(passed)) => {
                return Some(format!(
                    "whose '..' comes after the link '{passed}': where that leads depends on it"
                ));
            }
            ("..", None) if at.len() <= 1 => return Some(OUT.to_owned()),
            ("..", None) => {
                at.pop();
            }
            (_, Some(_)) => {}
            (name, None) => {
                at.push(name);
                let path = at.join("/");
                passed = known.contains(path.as_str()).then_some(path);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(links: &[(&str, &str)]) -> Option<String> {
        let links: Vec<_> = links
            .iter()
            .map(|(path, target)| Symlink { path: format!("o/{path}"), target: (*target).into() })
            .collect();
        check(&links).err().map(|error| error.to_string())
    }

    #[test]
    fn what_stays_inside_is_fine() {
        let cases: [&[(&str, &str)]; 8] = [
            &[("l", "a"), ("m", "."), ("d/l", "../a"), ("d/m", "..")],
            &[("l", "a/.."), ("d/e/l", "../../a"), ("n", "./a//b/")],
            // Whatever they lead to, or to nothing.
            &[("l", "gone"), ("m", "gone/../a")],
            // By way of each other, and round in circles.
            &[("l", "m"), ("m", "d/n"), ("d/n", "../a")],
            &[("l", "m/x/y"), ("m", "d")],
            &[("l", "m"), ("m", "l")],
            &[("d/up", ".."), ("l", "d/up/a")],
            // Beside a link, not by way of it.
            &[("d/up", ".."), ("l", "d/upper/../a")],
        ];
        for links in cases {
            assert_eq!(refused(links), None, "{links:?}");
        }
    }

    #[test]
    fn what_leads_out_is_refused() {
        let targets = ["/etc", "/", "..", "../x", "a/../..", "./../o/x", "../o", "a/b/../../../x"];
        for target in targets {
            let error = refused(&[("l", target)]).unwrap();
            let expected = format!(
                "output 'o/l' is a link to '{target}', which leads out of the output directory, \
                 and nothing outside is published"
            );
            assert_eq!(error, expected);
        }
        assert!(refused(&[("d/l", "../../x")]).is_some());
        let error = refused(&[("fine", "a"), ("l", "/x"), ("m", "/y"), ("n", "..")]).unwrap();
        assert!(error.contains("'o/l'") && error.ends_with("(and 2 more like it)"), "{error}");
    }

    #[test]
    fn what_turns_back_behind_another_link_is_refused() {
        // Each of these is inside by its text; the first two are outside in truth.
        let cases: [&[(&str, &str)]; 4] = [
            &[("d/e/a", "../.."), ("b", "d/e/a/../x")],
            &[("a", "d"), ("d/x", ".."), ("b", "a/x/../y")],
            &[("a", "sub/deep"), ("b", "a/../x")],
            &[("d/l", "../d/l/../x")],
        ];
        for links in cases {
            let error = refused(links).unwrap();
            assert!(error.contains("whose '..' comes after the link 'o/"), "{error}");
        }
    }

    #[test]
    fn a_target_is_shown_without_its_control_characters() {
        let error = refused(&[("l", "/\u{1b}[2J")]).unwrap();
        assert!(error.contains(r"'/\u{1b}[2J'"), "{error}");
    }
}
