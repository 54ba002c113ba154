//! A judge that runs: it is asked line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use gadus_ports::Layout;
use serde_json::{Value, json};

use super::kubo::Kubo;
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
    /// That of the Kubo that `KUBO_BIN` names.
    Kubo,
}

/// A running judge; it ends with this.
pub(super) enum Judge {
    Lines(Lines),
    Kubo(Kubo),
}

impl Judge {
    /// `None` where one of its kind cannot be had here, which is said.
    pub(super) fn start(whose: Whose) -> Option<Self> {
        Some(match whose {
            Whose::Boxo => Self::Lines(Lines::start(Command::new(program::built()?))),
            Whose::Npm => Self::Lines(Lines::start(npm::command()?)),
            Whose::Kubo => Self::Kubo(Kubo::start()?),
        })
    }

    /// Asks; each question is to be followed by its [`Judge::answer`].
    pub(super) fn ask(&mut self, path: &Path, layout: Layout) {
        match self {
            Self::Lines(lines) => lines.ask(path, layout),
            Self::Kubo(kubo) => kubo.ask(path, layout),
        }
    }

    pub(super) fn answer(&mut self) -> Verdict {
        match self {
            Self::Lines(lines) => lines.answer(),
            Self::Kubo(kubo) => kubo.answer(),
        }
    }
}

/// A program that answers each line with a line.
pub(super) struct Lines {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Lines {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, questions, answers }
    }

    fn ask(&mut self, path: &Path, layout: Layout) {
        let question = json!({
            "path": path.to_str().unwrap(),
            "profile": layout.profile.as_str(),
            "modes": layout.keep_modes,
        });
        writeln!(self.questions, "{question}").unwrap();
    }

    fn answer(&mut self) -> Verdict {
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

impl Drop for Lines {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
