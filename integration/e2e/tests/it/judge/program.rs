//! The judge, a Go program of ours: built once, then asked line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use gadus_ports::Layout;
use serde_json::{Value, json};

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

/// A running judge; it ends with this.
pub(super) struct Judge {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    /// `None` where there is no Go to build it with.
    pub(super) fn start() -> Option<Self> {
        let mut command = Command::new(built()?);
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

/// Where its sources are.
pub(super) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("judge")
}

/// A Go, or `None`: then the test is skipped, and says so; under `CI=true` it fails.
pub(super) fn go() -> Option<&'static Path> {
    static GO: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/go.sh");
        let output = Command::new(script).output().unwrap();
        let said = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(said(&output.stdout).into())
        } else {
            Err(said(&output.stderr))
        }
    });
    match &*GO {
        Ok(go) => Some(go),
        Err(why) => {
            assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "no judge: {why}");
            // Written, not printed: the harness swallows what a test that passes prints.
            _ = writeln!(std::io::stderr(), "SKIP the judge of content ids: {why}");
            None
        }
    }
}

/// The program, built; `None` where there is no Go to build it with, which is said.
pub(crate) fn built() -> Option<&'static Path> {
    static BUILT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let go = go()?;
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("judge");
        let aside = program.with_extension(std::process::id().to_string());
        let mut build = Command::new(go);
        build.args(["build", "-p", "2", "-o"]).arg(&aside).arg(".");
        build.current_dir(sources()).env("GOTOOLCHAIN", "local");
        let output = build.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Moved, since another run may be using the one that is there.
        std::fs::rename(&aside, &program).unwrap();
        Some(program)
    });
    if BUILT.is_none() {
        // Each test that is skipped says so.
        go();
    }
    BUILT.as_deref()
}
