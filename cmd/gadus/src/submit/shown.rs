//! How much of an execution's output has been printed, so that a stream that begins anew goes on
//! where the last one broke.

use gadus_ports::StdStream;

/// Bytes of each stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    stdout: u64,
    stderr: u64,
}

impl Shown {
    pub(super) fn of(&self, stream: StdStream) -> u64 {
        match stream {
            StdStream::Stdout => self.stdout,
            StdStream::Stderr => self.stderr,
        }
    }

    fn of_mut(&mut self, stream: StdStream) -> &mut u64 {
        match stream {
            StdStream::Stdout => &mut self.stdout,
            StdStream::Stderr => &mut self.stderr,
        }
    }

    /// The part of `bytes`, which stand at `received` in their stream, that is new; both counts
    /// move on.
    pub(super) fn fresh<'a>(
        &mut self,
        received: &mut Self,
        stream: StdStream,
        bytes: &'a [u8],
    ) -> &'a [u8] {
        let at = received.of_mut(stream);
        let known = self.of_mut(stream);
        let skip = known.saturating_sub(*at).min(bytes.len() as u64);
        *at += bytes.len() as u64;
        *known = (*known).max(*at);
        &bytes[usize::try_from(skip).unwrap_or(bytes.len())..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StdStream::{Stderr, Stdout};

    #[test]
    fn a_stream_that_begins_anew_goes_on_where_it_broke() {
        let mut shown = Shown::default();
        let mut first = Shown::default();
        assert_eq!(shown.fresh(&mut first, Stdout, b"hello "), b"hello ");
        assert_eq!(shown.fresh(&mut first, Stderr, b"warn"), b"warn");
        // Cut otherwise than before.
        let mut second = Shown::default();
        assert_eq!(shown.fresh(&mut second, Stdout, b"hel"), b"");
        assert_eq!(shown.fresh(&mut second, Stdout, b"lo wor"), b"wor");
        assert_eq!(shown.fresh(&mut second, Stdout, b"ld"), b"ld");
        assert_eq!(shown.fresh(&mut second, Stderr, b"warning"), b"ing");
        assert_eq!((shown.of(Stdout), shown.of(Stderr)), (11, 7));
    }

    #[test]
    fn a_shorter_stream_shows_nothing_twice() {
        let mut shown = Shown::default();
        shown.fresh(&mut Shown::default(), Stdout, b"all of it");
        assert_eq!(shown.fresh(&mut Shown::default(), Stdout, b"all"), b"");
        assert_eq!(shown.of(Stdout), 9);
    }
}
