//! Symbolic links in outputs: they stay links, and none may lead out of its output directory.
//!
//! They are judged on what was imported, never by following one on this machine. A target is read
//! name by name from the link's own directory. Until it names another link, it is where its text
//! says, since everything else that can be entered is a directory; a `..` is taken back only
//! there. Behind another link nothing but further names may come: that link stays inside by the
//! same judgement, and names only lead further down.

use gadus_ports::ContentError;

use crate::import::links::{Links, Symlink};

/// Refuses the first link that cannot be shown to stay inside. Paths begin with the output's name.
///
/// # Errors
/// `UnsafeOutput`.
pub(super) fn check(links: &Links) -> Result<(), ContentError> {
    let mut strays = links.iter().filter_map(|link| Some((link, stray(link, links)?)));
    let Some((link, why)) = strays.next() else { return Ok(()) };
    let more = match strays.count() {
        0 => String::new(),
        n => format!(" (and {n} more like it)"),
    };
    let why = format!("is a link to '{}', {why}{more}", link.target.escape_debug());
    Err(ContentError::UnsafeOutput { path: links.path(link.dir, link.name), why })
}

/// Why a link may lead out of its output; `None` when it stays inside.
fn stray(link: Symlink<'_>, links: &Links) -> Option<String> {
    const OUT: &str = "which leads out of the output directory, and nothing outside is published";
    if link.target.starts_with('/') {
        return Some(OUT.to_owned());
    }
    // Where the target has led so far: the last directory that links are in or below, and the
    // names after that.
    let (mut at, mut beyond) = (link.dir, 0usize);
    let mut names = link.target.split('/').filter(|name| !matches!(*name, "" | "."));
    while let Some(name) = names.next() {
        match name {
            ".." if beyond > 0 => beyond -= 1,
            ".." => match links.above(at) {
                Some(above) => at = above,
                None => return Some(OUT.to_owned()),
            },
            _ if beyond > 0 => beyond += 1,
            name if links.is_link(at, name) => {
                return names.any(|name| name == "..").then(|| {
                    let passed = links.path(at, name);
                    format!(
                        "whose '..' comes after the link '{passed}': where that leads depends on it"
                    )
                });
            }
            name => match links.dir(at, name) {
                Some(below) => at = below,
                None => beyond = 1,
            },
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(links: &[(&str, &str)]) -> Option<String> {
        let mut all = Links::default();
        for (path, target) in links {
            let names: Vec<_> = format!("o/{path}").split('/').map(str::to_owned).collect();
            all.back_to(0);
            all.add(&names, (*target).to_owned());
        }
        check(&all).err().map(|error| error.to_string())
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

    #[test]
    fn many_links_far_down_are_judged_by_their_names_alone() {
        // Their paths together have 6.5 GB.
        let mut path = vec!["o".to_owned()];
        path.extend((0..255).map(|n| format!("{n:0>255}")));
        let began = std::time::Instant::now();
        let mut links = Links::default();
        for n in 0..100_000 {
            path.push(format!("l{n}"));
            links.add(&path, format!("l{}/x/../y", n + 1));
            path.pop();
            links.back_to(path.len());
        }
        let error = check(&links).unwrap_err().to_string();
        assert!(error.contains("(and 99998 more like it)"), "{}", &error[error.len() - 200..]);
        // Far more than it takes, and far less than it took.
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
