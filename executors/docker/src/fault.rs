//! What the engine's errors mean.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error;

/// What an error says of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody answers: it does not run, broke down, or is too slow to count as running.
    Gone(String),
    /// The socket is there, and we may not use it.
    Forbidden(String),
    /// It answered with a refusal: HTTP status and message.
    Refused(u16, String),
    /// It failed in the middle of an operation that it had begun.
    Failed(String),
}

impl Fault {
    pub(crate) fn of(error: &Error) -> Self {
        if let Error::DockerResponseServerError { status_code, message } = error {
            return Self::Refused(*status_code, message.trim().to_owned());
        }
        if let Error::DockerStreamError { error }
        | Error::DockerContainerWaitError { error, code: _ } = error
        {
            return Self::Failed(error.clone());
        }
        if is_forbidden(error) {
            return Self::Forbidden(innermost(error));
        }
        if matches!(error, Error::RequestTimeoutError) {
            return Self::Gone("it does not answer in time".into());
        }
        // Broken connections, and answers that are none.
        Self::Gone(innermost(error))
    }

    /// Whether the thing asked for does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(404, _))
    }
}

fn is_forbidden(error: &Error) -> bool {
    let denied = |e: &io::Error| e.kind() == io::ErrorKind::PermissionDenied;
    // A transparent variant is left out of its own chain.
    let direct = matches!(error, Error::IOError { err } if denied(err));
    direct || chain(error).any(|e| e.downcast_ref().is_some_and(denied))
}

/// The cause that says most: hyper's own words are only that connecting failed.
fn innermost(error: &Error) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |&e| e.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_and_absences_are_told_apart() {
        let refused = Error::DockerResponseServerError { status_code: 404, message: "no\n".into() };
        assert_eq!(Fault::of(&refused), Fault::Refused(404, "no".into()));
        assert!(Fault::of(&refused).is_not_found());
        let io = |kind| Error::IOError { err: io::Error::from(kind) };
        assert!(matches!(Fault::of(&io(io::ErrorKind::ConnectionRefused)), Fault::Gone(_)));
        assert!(matches!(Fault::of(&io(io::ErrorKind::PermissionDenied)), Fault::Forbidden(_)));
        assert!(matches!(Fault::of(&Error::RequestTimeoutError), Fault::Gone(_)));
    }
}
