//! A compiler that is another process, from this side.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use gadus_model::{Failure, FailureKind};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::child::read_answer;
use super::{Settings, gave_up, too_slow};
use crate::outcome::clipped;

/// The most that it may say on stderr.
const WORDS_MAX_BYTES: u64 = 16 << 10;

/// The signal of the kernel when there is no memory left, and of an impatient operator.
const SIGKILL: i32 = 9;
/// The signals by which a program ends that has a fault.
const SIGILL: i32 = 4;
const SIGABRT: i32 = 6;
const SIGBUS: i32 = 7;
const SIGSEGV: i32 = 11;

/// A program that compiles modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerProcess {
    /// The program.
    pub program: PathBuf,
    /// What makes it call [`super::compile_stdin`]. Two more arguments follow: the limit of its
    /// memory in bytes, and the settings.
    pub args: Vec<OsString>,
    /// Its environment: nothing of this process's is for it.
    pub envs: Vec<(OsString, OsString)>,
    /// The most memory that it may have, as `RLIMIT_DATA` counts it: what it may write to, stacks
    /// of threads included.
    pub memory_max_bytes: u64,
}

impl CompilerProcess {
    /// Of memory, unless somebody knows better: more than twice of what the largest modules that
    /// are allowed have been seen to take.
    pub const MEMORY_MAX_BYTES: u64 = 4 << 30;

    /// The code of a module. The process has ended when this returns, or is killed.
    ///
    /// # Errors
    /// As [`super::Compiler::code`].
    pub(super) async fn code(
        &self,
        settings: &Settings,
        given: &[u8],
        max: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let answer_max = (settings.module.code_max_bytes as u64).saturating_add(WORDS_MAX_BYTES);
        let settings = serde_json::to_string(settings).map_err(|e| broken(&e.into()))?;
        let child = self.start(&settings).map_err(|e| broken(&e))?;
        match timeout(max, Self::exchange(child, given, answer_max)).await {
            Ok(Ok((status, _, answer))) if status.success() => read_answer(answer),
            Ok(Ok((status, words, _))) => Err(self.why(status, &words)),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(too_slow(max)),
        }
    }

    fn start(&self, settings: &str) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.args)
            .arg(self.memory_max_bytes.to_string())
            .arg(settings)
            .env_clear()
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            // What a terminal sends to the node is not for it: the node ends it, if it is to end.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// Gives it the module, and takes what it has to say.
    async fn exchange(
        mut child: Child,
        module: &[u8],
        answer_max_bytes: u64,
    ) -> io::Result<(ExitStatus, String, Vec<u8>)> {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(io::Error::other("its streams are not there"));
        };
        let ask = async move {
            // One that does not read to the end says why, or ends with a status that does.
            let _ = stdin.write_all(module).await;
        };
        let (answer, words) = (read(stdout, answer_max_bytes), read(stderr, WORDS_MAX_BYTES));
        let ((), answer, words) = tokio::join!(ask, answer, words);
        let words = String::from_utf8_lossy(&words?).into_owned();
        Ok((child.wait().await?, words, answer?))
    }

    /// Why it ended without an answer.
    fn why(&self, status: ExitStatus, words: &str) -> Failure {
        tracing::warn!(%status, words, "the compiler of a Wasm module broke down");
        let internal = |message| Failure::new(FailureKind::Internal, message);
        let is_starved = words.lines().any(|line| line.starts_with("memory allocation of"))
            || (status.code().is_some() && words.contains("out of memory"));
        match status.signal() {
            _ if is_starved => {
                let limit = self.memory_max_bytes;
                internal(format!(
                    "compiling the Wasm module takes more than {limit} bytes of memory, the limit \
                     here"
                ))
            }
            Some(SIGABRT | SIGBUS | SIGILL | SIGSEGV) => gave_up(),
            Some(SIGKILL) => internal(
                "the compiler of the Wasm module was killed: there may be too little memory for \
                 it on the node"
                    .to_owned(),
            ),
            // All else is the machine's doing, or the operator's.
            Some(_) | None => {
                let last = clipped(words.lines().last().unwrap_or_default(), 200);
                internal(format!("the compiler of the Wasm module ended early ({status}): {last}"))
            }
        }
    }
}

async fn read(stream: impl AsyncRead + Unpin, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(bytes_max).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn broken(error: &io::Error) -> Failure {
    let message = format!("the compiler of Wasm modules cannot be run: {error}");
    Failure::new(FailureKind::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WasmConfig;

    /// What comes of a compiler that is a script of the shell's.
    async fn with(script: &str, max: Duration) -> Result<Vec<u8>, Failure> {
        let process = CompilerProcess {
            program: "/bin/sh".into(),
            args: ["-c", script, "compiler"].map(OsString::from).to_vec(),
            envs: vec![("ALONE".into(), "yes".into())],
            memory_max_bytes: 123,
        };
        let settings = Settings::of(&WasmConfig::new("unused"));
        process.code(&settings, &[7; 300_000], max).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn it_gets_the_module_and_the_limits_and_its_answer_is_taken() {
        let script = r#"printf '%s %s\000' "$1" "$(wc -c)"; test "$HOME$ALONE" = yes"#;
        assert_eq!(with(script, LONG).await.unwrap(), b"123 300000");
        let script = r#"printf '{"kind":"invalid","message":"%s","hint":null}\001' "no""#;
        assert_eq!(with(script, LONG).await.unwrap_err().message, "no");
    }

    #[tokio::test]
    async fn however_it_ends_the_reason_is_told() {
        for (script, kind, says) in [
            ("kill -ABRT $$", FailureKind::Invalid, "gave up"),
            ("kill -SEGV $$", FailureKind::Invalid, "gave up"),
            (
                "echo no thread >&2; exit 101",
                FailureKind::Internal,
                "ended early (exit status: 101): no thread",
            ),
            ("kill -TERM $$", FailureKind::Internal, "ended early"),
            (
                "echo cause: out of memory >&2; exit 120",
                FailureKind::Internal,
                "more than 123 bytes",
            ),
            ("kill -KILL $$", FailureKind::Internal, "was killed"),
            (
                "echo memory allocation of 9 bytes failed >&2; kill -ABRT $$",
                FailureKind::Internal,
                "more than 123 bytes",
            ),
            ("exit 0", FailureKind::Internal, "nonsense"),
        ] {
            let failure = with(script, LONG).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{script}: {}", failure.message);
            assert!(failure.message.contains(says), "{script}: {}", failure.message);
        }
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let script = format!("exec sleep 1000 3> {}", fifo.display());
        // Ends when nobody has it open to write any more.
        let gone = tokio::task::spawn_blocking(move || std::fs::read(fifo));
        let failure = with(&script, Duration::from_secs(1)).await.unwrap_err();
        assert!(failure.message.contains("longer than 1000 ms"), "{}", failure.message);
        timeout(LONG, gone).await.expect("it is gone").unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named_as_the_trouble() {
        let process = CompilerProcess {
            program: "/nowhere".into(),
            args: Vec::new(),
            envs: Vec::new(),
            memory_max_bytes: 1,
        };
        let settings = Settings::of(&WasmConfig::new("unused"));
        let failure = process.code(&settings, &[], LONG).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(failure.message.contains("cannot be run"), "{}", failure.message);
    }
}
