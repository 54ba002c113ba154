//! Names of entries: what may stand in a directory.

use gadus_ports::ContentError;

/// Bytes of a name: what Linux takes.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// Refuses a name that is no plain name of one entry.
///
/// # Errors
/// `UnsafeName`.
pub(crate) fn check(name: &str) -> Result<(), ContentError> {
    let why = match name {
        "" => "it is empty",
        "." | ".." => "it names another directory",
        _ if name.contains('/') => "it contains a slash",
        _ if name.contains('\0') => "it contains a zero byte",
        _ if name.len() > NAME_BYTES_MAX => "it is longer than 255 bytes",
        _ => return Ok(()),
    };
    Err(unsafe_name(name, why))
}

/// The error for a name.
pub(crate) fn unsafe_name(name: &str, why: &str) -> ContentError {
    let shown: String = name.chars().take(NAME_BYTES_MAX).flat_map(char::escape_debug).collect();
    ContentError::UnsafeName { name: shown, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_pass() {
        for name in ["a", ".hidden", "...", "a b", "-rf", "日本", &"z".repeat(255)] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "/", "/etc", "a\0b", &"z".repeat(256)] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
