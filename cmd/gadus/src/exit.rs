//! The exit codes: one table, which `gadus --help` prints.

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked for was done; a job that was waited for ended with 0.
    Success,
    /// The job's own exit code, never 0.
    Job(u8),
    /// `verify`: everything holds, and nobody but its node vouches for it.
    Unverified,
    /// `verify`: something does not hold.
    Forged,
    /// Wrong usage, bad input, or trouble with files of this machine.
    Usage,
    /// The job ended without a result.
    JobFailed,
    /// No node could be reached.
    Unreachable,
    /// The node said no.
    Refused,
    /// The wait was longer than allowed; the job goes on.
    TimedOut,
    /// Ctrl-C; a job that was waited for goes on.
    Interrupted,
}

/// Every code with its meaning, as the help shows it.
pub(crate) const TABLE: [(&str, &str); 10] = [
    ("0", "it worked; a job that was waited for ended with 0"),
    ("1-255", "the job's own exit code, when a job is waited for (134: a Wasm trap)"),
    ("1", "`verify`: everything holds, and whom you trust is not enough to believe it"),
    ("2", "`verify`: something does not hold, so nothing in it is to be believed"),
    ("120", "wrong usage, bad input, or trouble with files, ports or disks of this machine"),
    ("121", "the job ended without a result: it failed or was stopped"),
    ("122", "no node can be reached"),
    (
        "123",
        "the node refused the request, or `add --check` or `store verify` found something wrong",
    ),
    ("124", "waiting took longer than --wait-timeout; the job goes on"),
    ("130", "interrupted; a job that was waited for goes on"),
];

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Job(code) => code,
            Self::Unverified => 1,
            Self::Forged => 2,
            Self::Usage => 120,
            Self::JobFailed => 121,
            Self::Unreachable => 122,
            Self::Refused => 123,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
        }
    }

    /// What a job's exit code becomes: a system keeps its lowest eight bits, and what is not 0
    /// must not become 0 by that.
    pub(crate) fn of_job(code: i32) -> Self {
        match (code, code.to_le_bytes()[0]) {
            (0, _) => Self::Success,
            (_, 0) => Self::Job(255),
            (_, low) => Self::Job(low),
        }
    }

    /// The table as text, for the help.
    pub(crate) fn help() -> String {
        let line = |(code, meaning): &(&str, &str)| format!("  {code:<6} {meaning}");
        format!("Exit codes:\n{}", TABLE.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_code_passes_and_never_turns_into_success() {
        let cases = [(0, 0), (1, 1), (19, 19), (134, 134), (255, 255), (256, 255), (-1, 255)];
        for (code, shown) in cases {
            assert_eq!(Exit::of_job(code).code(), shown, "{code}");
        }
    }

    #[test]
    fn the_table_has_every_code() {
        let all = [
            Exit::Success,
            Exit::Unverified,
            Exit::Forged,
            Exit::Usage,
            Exit::JobFailed,
            Exit::Unreachable,
            Exit::Refused,
            Exit::TimedOut,
            Exit::Interrupted,
        ];
        for exit in all {
            let code = exit.code().to_string();
            assert!(TABLE.iter().any(|(number, _)| *number == code), "{exit:?}");
        }
        insta::assert_snapshot!(Exit::help());
    }
}
