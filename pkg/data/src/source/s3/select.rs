//! Which objects of a bucket are wanted, and where they stand in the tree. A bucket's keys are
//! plain texts, and whoever writes them may mean no good: what is no path below the target is
//! refused by its name, and nothing of the rest is fetched.

use std::collections::BTreeMap;

use gadus_ports::S3Origin;
use regex::{Regex, RegexBuilder};

use super::list::Object;
use crate::unixfs::name;

/// Bytes that a compiled filter may take.
const FILTER_BYTES_MAX: usize = 1 << 20;

/// A place in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Names, from the target on.
    pub(super) path: Vec<String>,
    /// The object that is there; none for a directory.
    pub(super) key: Option<String>,
    pub(super) bytes: u64,
}

/// The filter of an origin.
///
/// # Errors
/// For what is no regular expression.
pub(super) fn filter(origin: &S3Origin) -> Result<Option<Regex>, String> {
    let Some(text) = &origin.filter else { return Ok(None) };
    let filter = RegexBuilder::new(text).size_limit(FILTER_BYTES_MAX).build();
    filter.map(Some).map_err(|e| format!("the filter is no regular expression: {e}"))
}

/// The places of objects: their keys from the last slash of the prefix on, as Bacalhau has it. A
/// key that ends in a slash is a directory.
///
/// # Errors
/// The first object that has no place, and why; and that there is none at all.
pub(super) fn select(prefix: &str, objects: Vec<Object>) -> Result<Vec<Place>, String> {
    let base = prefix.rfind('/').map_or(0, |slash| slash + 1);
    let mut places = Vec::with_capacity(objects.len());
    for object in objects {
        let rest = object.key.strip_prefix(prefix).and(object.key.get(base..));
        let Some(rest) = rest else {
            return Err(refused(&object.key, "does not begin as it was asked to"));
        };
        let (names, is_directory) = match rest.strip_suffix('/') {
            Some(names) => (names, true),
            None => (rest, rest.is_empty()),
        };
        if is_directory && object.bytes > 0 {
            return Err(refused(&object.key, "is a directory and has bytes"));
        }
        if rest.is_empty() {
            continue;
        }
        let path: Vec<String> = names.split('/').map(str::to_owned).collect();
        for part in &path {
            name::check(part).map_err(|e| refused(&object.key, &format!("is no path: {e}")))?;
        }
        let Object { key, bytes } = object;
        places.push(Place { path, key: (!is_directory).then_some(key), bytes });
    }
    one_each(&places)?;
    match places.is_empty() {
        true => Err("the bucket has nothing there".to_owned()),
        false => Ok(places),
    }
}

/// Refuses two files at one place, and files that are directories too.
fn one_each(places: &[Place]) -> Result<(), String> {
    let mut files = BTreeMap::new();
    for Place { path, key, .. } in places {
        let Some(key) = key else { continue };
        if files.insert(path.as_slice(), key).is_some() {
            return Err(refused(key, "is there twice"));
        }
    }
    for Place { path, key, .. } in places {
        // Of a file, its parents; of a directory, itself too.
        let depth = path.len() + usize::from(key.is_none());
        for depth in 1..depth {
            if let Some(key) = files.get(&path[..depth]) {
                return Err(refused(key, "is a file, and a directory too"));
            }
        }
    }
    Ok(())
}

fn refused(key: &str, why: &str) -> String {
    let shown: String = key.chars().take(200).flat_map(char::escape_debug).collect();
    format!("the object '{shown}' {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(keys: &[&str]) -> Vec<Object> {
        let bytes = |key: &str| u64::from(!key.ends_with('/'));
        keys.iter().map(|key| Object { key: (*key).to_owned(), bytes: bytes(key) }).collect()
    }

    fn paths(prefix: &str, keys: &[&str]) -> Result<Vec<String>, String> {
        let places = select(prefix, objects(keys))?;
        let shown = places.iter().map(|place| {
            let slash = if place.key.is_none() { "/" } else { "" };
            format!("{}{slash}", place.path.join("/"))
        });
        Ok(shown.collect())
    }

    #[test]
    fn names_begin_after_the_last_slash_of_the_prefix() {
        let keys = ["d/e/f-1", "d/e/f-2/x"];
        for (prefix, expected) in [
            ("", ["d/e/f-1", "d/e/f-2/x"]),
            ("d", ["d/e/f-1", "d/e/f-2/x"]),
            ("d/", ["e/f-1", "e/f-2/x"]),
            ("d/e/f", ["f-1", "f-2/x"]),
            ("d/e/f-", ["f-1", "f-2/x"]),
        ] {
            assert_eq!(paths(prefix, &keys).unwrap(), expected, "{prefix}");
        }
        assert_eq!(paths("d/", &["d/", "d/a/", "d/a/b"]).unwrap(), ["a/", "a/b"]);
    }

    #[test]
    fn hostile_keys_are_refused_by_name() {
        for (keys, why) in [
            (&["d/../../etc/passwd"][..], "'d/../../etc/passwd' is no path"),
            (&["d/a/./b"], "names another directory"),
            (&["d//etc/passwd"], "it is empty"),
            (&["d/a//b"], "it is empty"),
            (&["d/a//"], "it is empty"),
            (&["d/a\0b"], "it contains a zero byte"),
            (&["other/a"], "'other/a' does not begin as it was asked to"),
            (&["d/a", "d/a"], "'d/a' is there twice"),
            (&["d/a", "d/a/b"], "'d/a' is a file, and a directory too"),
            (&["d/a/b/c", "d/a"], "'d/a' is a file, and a directory too"),
            (&["d/a/", "d/a"], "'d/a' is a file, and a directory too"),
            (&["d/"], "nothing there"),
            (&[], "nothing there"),
        ] {
            let error = paths("d/", keys).unwrap_err();
            assert!(error.contains(why), "{keys:?}: {error}");
        }
        let long = format!("d/{}", "z".repeat(256));
        assert!(paths("d/", &[&long]).unwrap_err().contains("longer than 255"));
        let fat = vec![Object { key: "d/a/".to_owned(), bytes: 1 }];
        assert!(select("d/", fat).unwrap_err().contains("is a directory and has bytes"));
    }

    #[test]
    fn a_filter_is_a_regular_expression() {
        let with = |text: &str| S3Origin { filter: Some(text.to_owned()), ..S3Origin::default() };
        assert!(filter(&with("^a.*\\.csv$")).unwrap().unwrap().is_match("a.csv"));
        assert!(filter(&with("(")).unwrap_err().contains("no regular expression"));
        assert!(filter(&with("(?:a{1000}){1000}")).is_err(), "and no bomb");
        assert!(filter(&S3Origin::default()).unwrap().is_none());
    }
}
