//! `CID[/path]`, with or without `ipfs://` before it.

use std::fmt;
use std::str::FromStr;

use gadus_model::Cid;

/// Something under a CID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentPath {
    /// The root, as it was written: a node answers in the same words.
    pub(crate) cid: String,
    /// The names below it, joined by `/`; empty for the root itself.
    pub(crate) path: String,
}

impl ContentPath {
    /// The last name: what a file made of it is called.
    pub(crate) fn last_name(&self) -> &str {
        self.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&self.cid)
    }
}

impl FromStr for ContentPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = ["ipfs://", "/ipfs/"].iter().find_map(|head| text.strip_prefix(head));
        let (cid, path) =
            bare.unwrap_or(text).split_once('/').unwrap_or((bare.unwrap_or(text), ""));
        if let Err(why) = cid.parse::<Cid>() {
            return Err(format!("'{cid}' is no CID, such as bafkrei… or bafybei…: {why}"));
        }
        let names: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
        if names.iter().any(|name| matches!(*name, "." | "..")) {
            return Err(format!("the path '{path}' has . or .. in it, and a CID has no parent"));
        }
        Ok(Self { cid: cid.to_owned(), path: names.join("/") })
    }
}

impl fmt::Display for ContentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.path.is_empty() { "" } else { "/" };
        write!(f, "{}{slash}{}", self.cid, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CID: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    #[test]
    fn every_spelling_is_read() {
        for text in
            [format!("{CID}/a/b"), format!("ipfs://{CID}/a//b/"), format!("/ipfs/{CID}/a/b")]
        {
            let path: ContentPath = text.parse().unwrap();
            assert_eq!(
                (path.cid.as_str(), path.path.as_str(), path.last_name()),
                (CID, "a/b", "b")
            );
            assert_eq!(path.to_string(), format!("{CID}/a/b"));
        }
        let root: ContentPath = CID.parse().unwrap();
        assert_eq!((root.last_name(), root.to_string().as_str()), (CID, CID));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "ipfs://", "nope", &format!("{CID}/../x"), "http://x"] {
            assert!(text.parse::<ContentPath>().is_err(), "{text}");
        }
    }
}
