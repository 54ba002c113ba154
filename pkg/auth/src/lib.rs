//! Who says it: a node's Ed25519 key, and signatures that are good for one kind of statement only.

mod file;
mod key;
mod receipt;
mod signed;

pub use file::KeyFileError;
pub use key::{NodeKey, VerifyError, verify};
pub use receipt::{SignError, sign_receipt, verify_receipt};
pub use signed::{sign, verified};
