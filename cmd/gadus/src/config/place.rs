//! Where a node keeps things, and where it listens.

use std::env;
use std::path::{Path, PathBuf};

use super::FlagLayer;
use super::layers::Setting;
use crate::failure::Failure;

const KEY: &str = "node.data_dir";

/// The data directory as flags and variables have it: where the config file is looked for.
pub(super) fn data_dir(flags: &FlagLayer, variables: &[Setting]) -> PathBuf {
    let last = |settings: &[Setting]| {
        let found = settings.iter().rfind(|setting| setting.key == KEY)?;
        found.value.as_str().map(PathBuf::from)
    };
    let named = last(&flags.settings).or_else(|| last(variables));
    resolve(&named.unwrap_or_default()).unwrap_or_default()
}

/// The absolute path of a data directory; the usual one where none is named.
pub(super) fn resolve(named: &Path) -> Result<PathBuf, Failure> {
    let text = named.to_string_lossy();
    let path = if named.as_os_str().is_empty() {
        usual(env::var_os("XDG_DATA_HOME").map(PathBuf::from), env::home_dir())
    } else if let Some(below) = text.strip_prefix("~/") {
        env::home_dir().map(|home| home.join(below))
    } else {
        Some(named.to_owned())
    };
    let path = path.ok_or_else(|| {
        Failure::usage("there is no place for the node's data")
            .because("neither HOME nor XDG_DATA_HOME is set")
            .hint("name one with --data-dir")
    })?;
    std::path::absolute(&path).map_err(|e| Failure::io(format!("find {}", path.display()), &e))
}

fn usual(xdg_data_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    // Relative ones are to be ignored (https://specifications.freedesktop.org/basedir-spec/).
    let xdg = xdg_data_home.filter(|path| path.is_absolute()).map(|path| path.join("gadus"));
    xdg.or_else(|| home.filter(|path| path.is_absolute()).map(|path| path.join(".gadus")))
}

/// `host:port` of what may be a URL, since clients take the same variable.
pub(super) fn listen_address(text: &str) -> String {
    let bare = text.strip_prefix("http://").unwrap_or(text);
    bare.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_place_is_the_users_own() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(usual(path("/x"), path("/home/a")), path("/x/gadus"));
        assert_eq!(usual(path("rel"), path("/home/a")), path("/home/a/.gadus"));
        assert_eq!(usual(None, path("/home/a")), path("/home/a/.gadus"));
        assert_eq!(usual(None, None), None);
    }

    #[test]
    fn addresses_may_be_urls() {
        assert_eq!(listen_address("http://127.0.0.1:1/"), "127.0.0.1:1");
        assert_eq!(listen_address("0.0.0.0:0"), "0.0.0.0:0");
    }
}
