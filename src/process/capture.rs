//! What is kept of a stream of a try: its beginning and its end. How much was between them is counted.

use std::collections::VecDeque;

/// So much of the beginning is kept …
const FIRST: usize = 64 << 10;

/// … and so much of the end.
const LAST: usize = 960 << 10;

/// What is kept of a stream.
#[derive(Debug, Default)]
pub(super) struct Capture {
    first: Vec<u8>,
    last: VecDeque<u8>,
    dropped: u64,
}

/// A stream that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// Its beginning, and behind it its end.
    pub text: String,
    /// Bytes between the two that were not kept.
    pub dropped: u64,
}

impl Capture {
    /// The stream goes on with these.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = FIRST - self.first.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.first.extend_from_slice(first);
        // Of more than fits only the end can stay.
        let (gone, rest) = rest.split_at(rest.len().saturating_sub(LAST));
        let over = (self.last.len() + rest.len()).saturating_sub(LAST);
        self.last.drain(..over);
        self.last.extend(rest);
        self.dropped += (gone.len() + over) as u64;
    }

    /// The stream has ended. What is not UTF-8 is replaced; a character that the cut has halved goes as a whole.
    pub(super) fn finish(self) -> Captured {
        let Self { mut first, mut last, mut dropped } = self;
        let last = last.make_contiguous();
        if dropped == 0 {
            first.extend_from_slice(last);
            return Captured { text: text_of(first), dropped };
        }
        let whole = first.len() - half_at_end(&first);
        let begin = last.iter().take(3).take_while(|byte| is_continuation(**byte)).count();
        dropped += (first.len() - whole + begin) as u64;
        first.truncate(whole);
        first.extend_from_slice(last.get(begin..).unwrap_or_default());
        Captured { text: text_of(first), dropped }
    }
}

/// As text; without a copy if it is one.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// How many bytes at the end are the beginning of a character.
fn half_at_end(bytes: &[u8]) -> usize {
    let tail = bytes.get(bytes.len().saturating_sub(3)..).unwrap_or_default();
    (1..=tail.len())
        .find(|length| {
            let start = tail.get(tail.len() - length..).unwrap_or_default();
            let wanted = start.first().map_or(0, |first| match first {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 0,
            });
            wanted > *length && start.iter().skip(1).all(|byte| is_continuation(*byte))
        })
        .unwrap_or(0)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pieces: &[&[u8]]) -> Captured {
        let mut capture = Capture::default();
        pieces.iter().for_each(|piece| capture.push(piece));
        capture.finish()
    }

    #[test]
    fn beginning_and_end_are_kept_and_the_middle_is_counted() {
        assert_eq!(captured(&[b"a\n", b"b"]), Captured { text: "a\nb".into(), dropped: 0 });
        let all: Vec<u8> = (0..3_000_000_u32).map(|place| b'a' + u8::try_from(place / 7 % 26).unwrap()).collect();
        for size in [1_000, 70_000, 1_500_000, 3_000_000] {
            let pieces: Vec<&[u8]> = all.chunks(size).collect();
            let Captured { text, dropped } = captured(&pieces);
            assert_eq!(text.len(), FIRST + LAST, "in pieces of {size}");
            assert_eq!(dropped, 3_000_000 - (FIRST + LAST) as u64, "in pieces of {size}");
            assert_eq!(text.as_bytes().get(..FIRST), all.get(..FIRST));
            assert_eq!(text.as_bytes().get(FIRST..), all.get(all.len() - LAST..));
        }
        let exact = captured(&[all.get(..FIRST + LAST).unwrap()]);
        assert_eq!((exact.text.len(), exact.dropped), (FIRST + LAST, 0));
    }

    #[test]
    fn no_character_is_halved_by_the_cut_and_others_are_replaced() {
        let text = "x".to_owned() + &"ä€🦀".repeat(500_000);
        let Captured { text: kept, dropped } = captured(&[text.as_bytes()]);
        assert!(!kept.contains('\u{FFFD}'));
        assert_eq!(kept.len() as u64 + dropped, text.len() as u64);
        assert_eq!(captured(&[b"a\xFFb\xC3"]).text, "a\u{FFFD}b\u{FFFD}");
    }
}
