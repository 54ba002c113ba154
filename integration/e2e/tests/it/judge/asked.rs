//! A judge that runs: it is asked line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use gadus_ports::Layout;
use serde_json::{Value, json};

use super::{npm, program};

/// What somebody says of a tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The content id, or why there is none.
    pub(super) cid: String,
    /// What the root's block is; empty where nobody says.
    pub(super) kind: String,
}

impl Verdict {
    pub(super) fn of(cid: &str) -> Self {
        Self { cid: cid.to_owned(), kind: String::new() }
    }
}

/// Whose opinion is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// That of boxo, Kubo's own library.
    Boxo,
    /// That of npm's `ipfs-unixfs-importer`.
    Npm,
}

/// A running judge; it ends with this.
pub(super) struct Judge {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    /// `None` where one of its kind cannot be had here, which is said.
    pub(super) fn start(whose: Whose) -> Option<Self> {
        let mut command = match whose {
            Whose::Boxo => Command::new(program::built()?),
            Whose::Npm => npm::command()?,
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, questions, answers })
    }

    /// Asks; each question is to be followed by its [`Judge::answer`].
    pub(super) fn ask(&mut self, path: &Path, layout: Layout) {
        let question = json!({
            "path": path.to_str().unwrap(),
            "profile": layout.profile.as_str(),
            "modes": layout.keep_modes,
        });
        writeln!(self.questions, "{question}").unwrap();
    }

    pub(super) fn answer(&mut self) -> Verdict {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("the judge said '{line}': {error}"));
        if let Some(error) = answer["error"].as_str() {
            return Verdict::of(&format!("an error: {error}"));
        }
        let word = |key: &str| answer[key].as_str().unwrap().to_owned();
        Verdict { cid: word("cid"), kind: word("kind") }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
