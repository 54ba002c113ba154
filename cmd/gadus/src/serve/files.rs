//! How many files and sockets this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises it as far as the system lets an ordinary process: shells start with a thousand, and a
/// node with a few jobs, each of which may hold hundreds of files, needs more.
pub(crate) fn raise_limit() {
    let had = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: had.maximum, maximum: had.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, limit = ?had.current, "the limit of open files stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_high_as_it_may_be() {
        raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
