//! What an ending means: a result, or a failure of the surroundings.

use gadus_model::{Failure, FailureKind, Outcome};

/// Everything known of a container's end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    /// As the init process gives it: 128 + n for a signal.
    pub(crate) code: i64,
    /// Whether the kernel killed something in it for want of memory.
    pub(crate) oom_killed: bool,
    /// Whether somebody was there to see it end, all the way from its start.
    pub(crate) watched: Watched,
    /// The first bytes of stderr.
    pub(crate) stderr_head: Vec<u8>,
    /// What its memory was limited to.
    pub(crate) memory_bytes: u64,
}

/// Who saw a container end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Watched {
    /// We did.
    #[default]
    Throughout,
    /// We were not running.
    NotByUs,
    /// The engine was away.
    NotByEngine,
}

/// How init says that it could not start the program: the one line on stderr, and the code.
const INIT_FATAL: &[u8] = b"[FATAL tini (";

/// SIGKILL, SIGTERM, and what an engine that lost track of a container reports.
const ENDED_FROM_OUTSIDE: [i64; 3] = [137, 143, 255];

/// An exit code is a result, whatever it is, as long as the job itself brought it about.
///
/// # Errors
/// `OutOfMemory`; `Invalid` where the program could not be started; `EngineDown` or `Interrupted`
/// where a signal may have come with the fall of the engine or the machine.
pub(crate) fn judge(ending: &Ending) -> Result<Outcome, Failure> {
    let Ending { code, .. } = *ending;
    if ending.oom_killed && code != 0 {
        let mib = ending.memory_bytes >> 20;
        return Err(Failure::new(
            FailureKind::OutOfMemory,
            format!("the job used more than its {mib} MiB of memory"),
        )
        .with_hint("ask for more memory"));
    }
    if ENDED_FROM_OUTSIDE.contains(&code) {
        match ending.watched {
            Watched::Throughout => {}
            Watched::NotByUs => {
                let what = "its container was killed while gadus was not running";
                return Err(Failure::new(FailureKind::Interrupted, what));
            }
            Watched::NotByEngine => {
                let what = "the docker engine went away while it ran, and its container ended";
                return Err(Failure::new(FailureKind::EngineDown, what).with_hint(
                    "`live-restore` in the engine's configuration keeps containers running",
                ));
            }
        }
    }
    if let Some(why) = init_failure(&ending.stderr_head) {
        return Err(not_started(why));
    }
    Ok(Outcome::Exit(i32::try_from(code).unwrap_or(i32::MAX)))
}

/// The failure of a program that could not be started, in the engine's words.
pub(crate) fn not_started(why: impl AsRef<str>) -> Failure {
    let why = why.as_ref().trim();
    Failure::new(FailureKind::Invalid, format!("the program could not be started: {why}"))
        .with_hint("check the command, the entry point and the image: is the program there, executable, and made for this architecture?")
}

/// What init says of a program that it could not execute. A job may print the same and exit; it
/// fools nobody but itself.
fn init_failure(stderr: &[u8]) -> Option<String> {
    let line = stderr.strip_prefix(INIT_FATAL)?;
    let text = String::from_utf8_lossy(line);
    let (_, why) = text.split_once("] ")?;
    (why.starts_with("exec ") && why.trim_end().lines().count() == 1).then(|| why.trim().to_owned())
}

/// What it means that the engine could not create or start a container.
pub(crate) fn refused(status: u16, why: &str) -> Failure {
    let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
    let short = why.rsplit("unable to start container process: ").next().unwrap_or(why);
    if has(&["could not select device driver", "nvidia-container", "GPU vendor from CDI"]) {
        return Failure::new(
            FailureKind::EngineDown,
            format!("the docker engine cannot use GPUs: {why}"),
        )
        .with_hint(
            "install the NVIDIA container toolkit and restart the engine, or let gadus give the \
             devices itself: `access = \"direct\"` in the config's [docker.gpu]",
        );
    }
    if has(&["no space left on device"]) {
        return Failure::new(FailureKind::DiskFull, format!("cannot start the container: {why}"));
    }
    let program = has(&[
        "executable file not found",
        "exec format error",
        "No command specified",
        "unable to find user",
    ]) || (why.contains("exec: \"")
        && has(&["no such file or directory", "permission denied", "is a directory"]));
    if program {
        return not_started(short);
    }
    // Mounts over files, working directories that a read-only image lacks, and the like.
    let layout = has(&["not a directory", "read-only file system", "Duplicate mount point"]);
    let kind = if status == 400 || layout { FailureKind::Invalid } else { FailureKind::Internal };
    Failure::new(kind, format!("the docker engine cannot run it: {short}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(code: i64) -> Ending {
        Ending { code, memory_bytes: 64 << 20, ..Ending::default() }
    }

    fn kind(ending: &Ending) -> FailureKind {
        judge(ending).unwrap_err().kind
    }

    #[test]
    fn every_exit_code_is_a_result() {
        for code in [0, 1, 126, 127, 137, 143, 255] {
            assert_eq!(judge(&ending(code)), Ok(Outcome::Exit(i32::try_from(code).unwrap())));
        }
    }

    #[test]
    fn an_oom_kill_is_told_apart_from_a_kill() {
        let oom = Ending { oom_killed: true, ..ending(137) };
        assert_eq!(kind(&oom), FailureKind::OutOfMemory);
        assert!(judge(&oom).unwrap_err().message.contains("64 MiB"));
        // One of its processes died, and it coped.
        assert_eq!(judge(&Ending { code: 0, ..oom }), Ok(Outcome::Exit(0)));
    }

    #[test]
    fn a_kill_that_nobody_saw_is_no_result() {
        let by = |watched| Ending { watched, ..ending(137) };
        assert_eq!(kind(&by(Watched::NotByEngine)), FailureKind::EngineDown);
        assert_eq!(kind(&by(Watched::NotByUs)), FailureKind::Interrupted);
        let done = Ending { watched: Watched::NotByUs, ..ending(3) };
        assert_eq!(judge(&done), Ok(Outcome::Exit(3)));
    }

    #[test]
    fn a_program_that_is_not_there_is_told_apart_from_exit_127() {
        let said = |text: &str| Ending { stderr_head: text.into(), ..ending(127) };
        let init = said("[FATAL tini (7)] exec nope failed: No such file or directory\n");
        assert_eq!(kind(&init), FailureKind::Invalid);
        assert!(judge(&said("sh: nope: not found\n")).is_ok());
        assert!(judge(&said("[FATAL tini (7)] exec a failed\nand more\n")).is_ok());
    }

    #[test]
    fn refusals_of_the_engine_are_sorted() {
        let exec = "OCI runtime create failed: unable to start container process: exec: \"/x\": permission denied: unknown";
        assert_eq!(refused(400, exec).kind, FailureKind::Invalid);
        assert!(refused(400, exec).message.contains("started: exec: \"/x\": permission denied"));
        assert_eq!(refused(500, "x: no space left on device").kind, FailureKind::DiskFull);
        assert_eq!(
            refused(500, "could not select device driver \"nvidia\"").kind,
            FailureKind::EngineDown
        );
        assert_eq!(refused(500, "cgroup: permission denied").kind, FailureKind::Internal);
    }
}
