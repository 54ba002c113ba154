//! What goes wrong, told in three parts: what, why, and what to do next.

use std::fmt;
use std::io;

use gadus_api::client::ClientError;

use crate::exit::Exit;
use crate::render::plain;

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is something to say.
    Told(Box<Report>),
    /// Whoever reads stdout has gone: nothing is left to say, and nobody to say it to.
    ReaderGone,
}

/// An error for people.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What happened.
    pub(crate) what: String,
    /// Why, a line each.
    pub(crate) causes: Vec<String>,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self::Told(Box::new(Report { exit, what: what.into(), causes: vec![], hint: None }))
    }

    /// Wrong usage, bad input, or trouble on this machine.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Trouble with a file or a stream of this machine.
    pub(crate) fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        if let Some(error) = client_error_in(error) {
            return Self::call(doing, error);
        }
        Self::usage(format!("failed to {doing}")).because(error.to_string())
    }

    /// A call to the node that failed.
    pub(crate) fn call(doing: impl fmt::Display, error: &ClientError) -> Self {
        let (exit, what, cause) = match error {
            ClientError::Address { .. } => {
                (Exit::Usage, format!("failed to {doing}"), error.to_string())
            }
            ClientError::Unreachable { url, why } => {
                (Exit::Unreachable, format!("no node answers at {url}"), why.clone())
            }
            ClientError::Broken { .. } | ClientError::Nonsense { .. } => {
                (Exit::Unreachable, format!("failed to {doing}"), error.to_string())
            }
            ClientError::Refused { body } => {
                (Exit::Refused, format!("failed to {doing}"), body.message.clone())
            }
        };
        let failure = Self::new(exit, what).because(cause);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// The same with a cause; each of its lines becomes one.
    pub(crate) fn because(mut self, cause: impl AsRef<str>) -> Self {
        if let Self::Told(report) = &mut self {
            report.causes.extend(cause.as_ref().lines().map(str::to_owned));
        }
        self
    }

    /// The same with what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Told(report) = &mut self {
            report.hint = Some(hint.into());
        }
        self
    }

    /// How the process ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Told(report) => report.exit,
            Self::ReaderGone => Exit::Success,
        }
    }
}

/// The trouble with the node that a stream of its bytes has ended with.
fn client_error_in(error: &io::Error) -> Option<&ClientError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|e| e as _);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = inner.map(|e| e as _).or_else(|| error.source());
    }
    None
}

impl fmt::Display for Report {
    /// The three parts, a line each, in the styles of the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, name, style: anstyle::Style, text: &str| {
            // What strangers wrote begins no line: it could look like our own words.
            let text = plain(text).replace('\n', "\n  ");
            writeln!(f, "{style}{name}:{style:#} {text}")
        };
        let red = anstyle::AnsiColor::Red.on_default().bold();
        part(f, "error", red, &self.what)?;
        for cause in &self.causes {
            part(f, "cause", anstyle::Style::new().bold(), cause)?;
        }
        let cyan = anstyle::AnsiColor::Cyan.on_default().bold();
        self.hint.iter().try_for_each(|hint| part(f, "hint", cyan, hint))
    }
}

#[cfg(test)]
mod tests;
