//! How sure one wants to be of a result.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a job's result is to be checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Not at all: it is one node's word.
    #[default]
    Attest,
    /// One node runs it, and with this chance, in thousandths, a trusted one runs it again: drawn
    /// once the node has committed itself to its answer.
    Spot(u16),
    /// Several nodes run it without seeing each other's answers.
    Quorum(Quorum),
}

/// How many run it, and how many of them must agree. One that means nothing is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wanted")]
pub struct Quorum {
    /// Equal answers that make a result.
    pub equal: u32,
    /// Nodes that are asked at first.
    pub of: u32,
}

/// A quorum as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    equal: u32,
    of: u32,
}

impl TryFrom<Wanted> for Quorum {
    type Error = &'static str;

    fn try_from(wanted: Wanted) -> Result<Self, &'static str> {
        Self::new(wanted.equal, wanted.of)
    }
}

/// The most nodes that one job may be put before.
pub const QUORUM_MAX: u32 = 15;

/// The text given is no way to check a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no way to check a result: {why}")]
pub struct ParseVerificationError {
    text: String,
    why: &'static str,
}

impl Quorum {
    /// Two of two: the least that is a check at all.
    pub const TWO: Self = Self { equal: 2, of: 2 };

    /// The quorum, if it means anything.
    ///
    /// # Errors
    /// Why it does not.
    pub fn new(equal: u32, of: u32) -> Result<Self, &'static str> {
        if equal < 2 {
            return Err("one answer agrees with itself; ask for two at least");
        }
        if equal > of {
            return Err("more answers are to be equal than nodes are asked");
        }
        if of > QUORUM_MAX {
            return Err("more than 15 nodes are asked");
        }
        // With fewer, two different answers could both have enough.
        if equal.saturating_mul(2) <= of {
            return Err("more than half of the answers must be equal");
        }
        Ok(Self { equal, of })
    }
}

impl Verification {
    /// Whether a result needs more than one answer.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        match self {
            Self::Attest => false,
            Self::Spot(_) | Self::Quorum(_) => true,
        }
    }

    /// Nodes that are asked at first.
    #[must_use]
    pub fn seats(&self) -> u32 {
        match self {
            Self::Attest | Self::Spot(_) => 1,
            Self::Quorum(quorum) => quorum.of,
        }
    }

    /// What several answers must come to; absent where nothing is checked. A node that was drawn
    /// for a check and the one that checks it must agree.
    #[must_use]
    pub fn quorum(&self) -> Option<Quorum> {
        match self {
            Self::Attest => None,
            Self::Spot(_) => Some(Quorum::TWO),
            Self::Quorum(quorum) => Some(*quorum),
        }
    }

    /// Equal answers that it takes; a single one where nobody else is asked.
    #[must_use]
    pub fn equal(&self) -> u32 {
        match self {
            Self::Attest | Self::Spot(_) => 1,
            Self::Quorum(quorum) => quorum.equal,
        }
    }

    /// How many equal answers stand behind a result that was checked in this way, as far as that is
    /// sure: of two results the one with more is the better one.
    #[must_use]
    pub fn strength(&self) -> u32 {
        match self {
            Self::Attest => 0,
            Self::Spot(_) => 1,
            Self::Quorum(quorum) => quorum.equal,
        }
    }

    /// Whether a result that was checked in this way is good enough for who asks for `asked`.
    #[must_use]
    pub fn is_at_least(&self, asked: &Self) -> bool {
        match (self, asked) {
            (_, Self::Attest) => true,
            (Self::Attest, Self::Spot(_) | Self::Quorum(_)) | (Self::Spot(_), Self::Quorum(_)) => {
                false
            }
            (Self::Spot(had), Self::Spot(wanted)) => had >= wanted,
            (Self::Quorum(_), Self::Spot(_)) => true,
            (Self::Quorum(had), Self::Quorum(wanted)) => had.equal >= wanted.equal,
        }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attest => f.write_str("attest"),
            Self::Spot(permille) if permille % 10 == 0 => write!(f, "spot={}%", permille / 10),
            Self::Spot(permille) => write!(f, "spot={}.{}%", permille / 10, permille % 10),
            Self::Quorum(Quorum { equal, of }) => write!(f, "quorum={equal}/{of}"),
        }
    }
}

impl FromStr for Verification {
    type Err = ParseVerificationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why| ParseVerificationError { text: text.to_owned(), why };
        if text == "attest" {
            return Ok(Self::Attest);
        }
        if let Some(share) = text.strip_prefix("spot=") {
            return permille(share).map(Self::Spot).map_err(refused);
        }
        let Some(quorum) = text.strip_prefix("quorum=") else {
            return Err(refused("use 'attest', 'quorum=2/2' or 'spot=5%'"));
        };
        let numbers = quorum
            .split_once('/')
            .and_then(|(equal, of)| Some((equal.parse::<u32>().ok()?, of.parse::<u32>().ok()?)));
        let (equal, of) =
            numbers.ok_or_else(|| refused("a quorum is two numbers, such as 'quorum=2/3'"))?;
        Quorum::new(equal, of).map(Self::Quorum).map_err(refused)
    }
}

fn permille(share: &str) -> Result<u16, &'static str> {
    const FORM: &str = "a share is a percentage above 0 with one decimal at most: 'spot=5%'";
    let number = share.strip_suffix('%').ok_or(FORM)?;
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    if tenths.len() != 1 || whole.len() > 3 {
        return Err(FORM);
    }
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(tenths) {
        return Err(FORM);
    }
    let parse = |part: &str| part.parse::<u16>().map_err(|_| FORM);
    match parse(whole)? * 10 + parse(tenths)? {
        0 => Err(FORM),
        permille if permille > 1_000 => Err("a share is 100% at most"),
        permille => Ok(permille),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Verification, String> {
        text.parse().map_err(|error: ParseVerificationError| error.to_string())
    }

    #[test]
    fn each_is_read_as_it_is_written() {
        for text in ["attest", "spot=5%", "spot=0.1%", "spot=100%", "quorum=2/2", "quorum=2/3"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse("spot=2.5%").unwrap(), Verification::Spot(25));
        assert_eq!(parse("spot=5.0%").unwrap(), Verification::Spot(50));
    }

    #[test]
    fn what_means_nothing_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "use 'attest'"),
            ("quorum", "use 'attest'"),
            ("quorum=2", "two numbers"),
            ("quorum=-2/2", "two numbers"),
            ("quorum=1/1", "two at least"),
            ("quorum=3/2", "than nodes are asked"),
            ("quorum=2/4", "more than half"),
            ("quorum=9/16", "more than 15"),
            ("spot=5", "percentage"),
            ("spot=0%", "above 0"),
            ("spot=0.05%", "one decimal"),
            ("spot=+5%", "percentage"),
            ("spot=101%", "100% at most"),
            ("spot=9999999%", "percentage"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why) && error.contains(text), "{text}: {error}");
        }
    }

    #[test]
    fn what_was_checked_harder_answers_who_asks_for_less() {
        let level = |text: &str| parse(text).unwrap();
        let rising = ["attest", "spot=1%", "spot=5%", "quorum=2/3", "quorum=3/3", "quorum=4/5"];
        for (n, had) in rising.iter().enumerate() {
            for (m, asked) in rising.iter().enumerate() {
                assert_eq!(level(had).is_at_least(&level(asked)), n >= m, "{had} for {asked}");
            }
        }
        assert!(level("quorum=2/2").is_at_least(&level("quorum=2/3")));
    }
}
