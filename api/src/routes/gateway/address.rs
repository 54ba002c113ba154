//! Addresses of content: a root and names below it.

use gadus_model::Cid;

use crate::convert::percent_decode;
use crate::service::ServiceError;

/// Names below a root; more is no tree that anybody made.
const NAMES_MAX: usize = 256;

/// A root and names below it, each safe to use as one name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The root.
    pub(super) root: Cid,
    /// The root as it was written, which may be in another base.
    pub(super) root_text: String,
    /// Below it, decoded.
    pub(super) names: Vec<String>,
    /// It ends with a slash: what stands there is to be a directory.
    pub(super) slash: bool,
}

impl Address {
    /// Reads the path of a URI, `/ipfs/CID[/name…]`, as it was sent: a name is decoded once and
    /// on its own, so that an encoded slash cannot make two of one.
    pub(super) fn parse(path: &str) -> Result<Self, ServiceError> {
        let mut parts = path.split('/').filter(|part| !part.is_empty()).skip(1);
        let text = parts.next().unwrap_or_default();
        let no_cid = |why: &str| {
            let message = format!("'{}' is no CID: {why}", text.escape_debug());
            ServiceError::bad_request(message).with_hint("a CID looks like bafkrei… or bafybei…")
        };
        // A CID may be written in bytes as they are, or in emoji, and the text goes into headers.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(no_cid("it is not in plain letters and digits"));
        }
        let root = text.parse::<Cid>().map_err(|error| no_cid(&error.to_string()))?;
        let names = parts.map(name).collect::<Result<Vec<_>, _>>()?;
        if names.len() > NAMES_MAX {
            let message = format!("the path has more than {NAMES_MAX} names");
            return Err(ServiceError::bad_request(message));
        }
        Ok(Self { root, root_text: text.to_owned(), names, slash: path.ends_with('/') })
    }

    /// The names, joined.
    pub(super) fn path(&self) -> String {
        self.names.join("/")
    }

    /// What to call it: the last name, or the root.
    pub(super) fn name(&self) -> String {
        self.names.last().cloned().unwrap_or_else(|| self.root.to_string())
    }

    /// The URI's path, encoded again, without a slash at its end.
    pub(super) fn uri(&self) -> String {
        self.joined(encode)
    }

    /// The path as it was asked for, decoded.
    pub(super) fn shown(&self) -> String {
        self.joined(str::to_owned) + if self.slash { "/" } else { "" }
    }

    fn joined(&self, name: impl Fn(&str) -> String) -> String {
        let start = format!("/ipfs/{}", self.root_text);
        self.names.iter().fold(start, |path, part| path + "/" + &name(part))
    }
}

fn name(part: &str) -> Result<String, ServiceError> {
    let decoded = percent_decode(part).and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(name) if !matches!(name.as_str(), "." | "..") && !name.contains(['/', '\0']) => {
            Ok(name)
        }
        _ => Err(ServiceError::bad_request(format!("'{part}' is no name in a path"))),
    }
}

/// Percent-encodes all but what is safe everywhere in a URI, an attribute and a header.
pub(super) fn encode(name: &str) -> String {
    encode_but(name, b"")
}

/// The same for a place where some more bytes are safe.
pub(super) fn encode_but(name: &str, safe: &[u8]) -> String {
    name.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || safe.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    #[test]
    fn names_are_decoded_once() {
        let path = format!("/ipfs/{ROOT}/a%20b//c%2520d/%C3%A9/");
        let address = Address::parse(&path).unwrap();
        assert_eq!(address.names, ["a b", "c%20d", "é"]);
        assert_eq!(address.name(), "é");
        assert_eq!(address.uri(), format!("/ipfs/{ROOT}/a%20b/c%2520d/%C3%A9"));
        assert_eq!(address.shown(), format!("/ipfs/{ROOT}/a b/c%20d/é/"));
        let alone = Address::parse(&format!("/ipfs/{ROOT}")).unwrap();
        assert_eq!((alone.name().as_str(), alone.slash), (ROOT, false));
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for tail in ["..", ".", "%2e%2e", "a%2fb", "a%00", "%ff", "%4", "x/../y", "%2E"] {
            let path = format!("/ipfs/{ROOT}/{tail}");
            assert!(Address::parse(&path).is_err(), "{tail}");
        }
        let deep = format!("/ipfs/{ROOT}{}", "/a".repeat(NAMES_MAX + 1));
        assert!(Address::parse(&deep).is_err());
        // A CID in no base at all.
        let bare = "/ipfs/\0\u{1}U\0\0";
        assert!("\0\u{1}U\0\0".parse::<Cid>().is_ok());
        for path in ["/ipfs/", "/ipfs/nonsense", "/ipfs/..%2f", bare] {
            assert!(Address::parse(path).is_err(), "{path}");
        }
    }
}
