//! Bytes in, whole lines out: bounded, and in step again at the next end of line whatever came before.

use super::Rejection;

/// The longest line, in bytes, without its end.
pub const LINE_BYTES_MAX: usize = 1_024;

/// Puts lines together from pieces of any size.
///
/// LF, CR, CRLF and LFCR end a line; empty lines are nothing. What comes before the first end is dropped in silence:
/// after opening a port it may be the tail of a line, and half a number is a wrong number; unless the port was quiet before
/// it ([`Lines::begins`]). What is over-long is rejected once and dropped up to the next end.
#[derive(Debug)]
pub struct Lines {
    buffer: [u8; LINE_BYTES_MAX],
    len: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No end of line seen since opening.
    Opening,
    /// Within a line, or before one.
    Collecting,
    /// Within an over-long line.
    Dropping,
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

impl Lines {
    /// Starts as after opening a port.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: [0; LINE_BYTES_MAX], len: 0, state: State::Opening }
    }

    /// What comes next begins a line: the port was quiet for so long before it that it is no tail of one. To a mat that
    /// sends only on change its first line after the opening may be all that it says for hours.
    pub fn begins(&mut self) {
        if self.state == State::Opening {
            self.state = State::Collecting;
        }
    }

    /// Takes the bytes that have come and hands out each line that they complete; an over-long one as
    /// [`Rejection::TooLong`].
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Result<&[u8], Rejection>)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, after) = rest.split_at(end);
            self.collect(line, &mut each);
            self.end(&mut each);
            rest = after.get(1..).unwrap_or_default();
        }
        self.collect(rest, &mut each);
    }

    fn collect(&mut self, piece: &[u8], each: &mut impl FnMut(Result<&[u8], Rejection>)) {
        if self.state != State::Collecting {
            return;
        }
        if let Some(place) = self.buffer.get_mut(self.len..self.len.saturating_add(piece.len())) {
            place.copy_from_slice(piece);
            self.len += piece.len();
        } else {
            self.state = State::Dropping;
            each(Err(Rejection::TooLong));
        }
    }

    fn end(&mut self, each: &mut impl FnMut(Result<&[u8], Rejection>)) {
        if self.state == State::Collecting && self.len > 0 {
            each(Ok(self.buffer.get(..self.len).unwrap_or_default()));
        }
        self.len = 0;
        self.state = State::Collecting;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Line = Result<Vec<u8>, Rejection>;

    /// Hands the bytes over in pieces that end at `cuts`.
    fn lines(bytes: &[u8], cuts: &[usize]) -> Vec<Line> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let (mut lines, mut from, mut found) = (Lines::new(), 0, Vec::new());
        for cut in cuts {
            lines.push(&bytes[from..cut], |line| found.push(line.map(<[u8]>::to_vec)));
            from = cut;
        }
        found
    }

    /// The outcome of handing out these whole lines.
    fn whole<const N: usize>(texts: [&str; N]) -> Vec<Line> {
        texts.map(|text| Ok(text.as_bytes().to_vec())).to_vec()
    }

    #[test]
    fn every_kind_of_line_end_ends_one_line() {
        for end in ["\n", "\r", "\r\n", "\n\r"] {
            let text = ["tail", "1", "2", "part"].join(end);
            assert_eq!(lines(text.as_bytes(), &[]), whole(["1", "2"]), "{end:?}");
        }
    }

    #[test]
    fn opening_costs_one_line_at_most_and_nothing_where_an_end_comes_first() {
        assert_eq!(lines(b"112\n113\n", &[]), whole(["113"]));
        assert_eq!(lines(b"\n112\n113\n", &[]), whole(["112", "113"]));
    }

    #[test]
    fn after_a_quiet_opening_no_line_is_lost() {
        let (mut lines, mut found) = (Lines::new(), Vec::new());
        lines.begins();
        lines.push(b"112\n11", |line| found.push(line.map(<[u8]>::to_vec)));
        lines.begins();
        lines.push(b"3\n", |line| found.push(line.map(<[u8]>::to_vec)));
        assert_eq!(found, whole(["112", "113"]));
    }

    #[test]
    fn an_over_long_line_is_rejected_once_and_costs_no_other() {
        let mut bytes = b"\n1\n".to_vec();
        bytes.extend(vec![b'x'; 1_000_000]);
        bytes.extend(b"\n2\n");
        let cuts: Vec<usize> = (0..bytes.len()).step_by(512).collect();
        let mut expected = whole(["1", "2"]);
        expected.insert(1, Err(Rejection::TooLong));
        assert_eq!(lines(&bytes, &cuts), expected);
    }

    #[test]
    fn a_line_of_the_largest_length_is_taken() {
        for (length, taken) in [(LINE_BYTES_MAX, true), (LINE_BYTES_MAX + 1, false)] {
            let bytes = [b"\n".to_vec(), vec![b'7'; length], b"\n".to_vec()].concat();
            assert_eq!(lines(&bytes, &[])[0].is_ok(), taken, "{length}");
        }
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_changes_nothing(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..3_000),
            cuts in proptest::collection::vec(any::<usize>(), 0..20),
        ) {
            prop_assert_eq!(lines(&bytes, &cuts), lines(&bytes, &[]));
        }

        #[test]
        fn long_lines_too_are_cut_anywhere(
            lengths in proptest::collection::vec(900_usize..1_200, 0..6),
            cuts in proptest::collection::vec(any::<usize>(), 0..20),
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|length| [vec![b'5'; *length], b"\r\n".to_vec()].concat()).collect();
            let found = lines(&bytes, &cuts);
            prop_assert_eq!(found.len(), lengths.len().saturating_sub(1));
            prop_assert_eq!(found, lines(&bytes, &[]));
        }
    }
}
