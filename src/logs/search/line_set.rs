//! A set of line numbers that stays small however many lines there are: pages of bits.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::logs::LineId;

const WORDS: usize = 64;
/// Lines of a page.
const PAGE: u64 = 64 * WORDS as u64;

/// A set of line numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct LineSet {
    pages: BTreeMap<u64, Page>,
    len: u64,
}

#[derive(Clone, Debug)]
struct Page {
    bits: Box<[u64; WORDS]>,
    len: u64,
}

impl Page {
    fn word(&self, index: usize) -> u64 {
        self.bits.get(index).copied().unwrap_or(0)
    }

    /// The first member in that range of the page, from the front or from the back.
    fn first_in(&self, range: Range<u64>) -> Option<u64> {
        (range.start / 64..range.end.div_ceil(64)).find_map(|index| {
            let word = self.word(index as usize) & mask(index, &range);
            (word != 0).then(|| index * 64 + u64::from(word.trailing_zeros()))
        })
    }

    fn last_in(&self, range: Range<u64>) -> Option<u64> {
        (range.start / 64..range.end.div_ceil(64)).rev().find_map(|index| {
            let word = self.word(index as usize) & mask(index, &range);
            (word != 0).then(|| index * 64 + 63 - u64::from(word.leading_zeros()))
        })
    }

    fn count_in(&self, range: Range<u64>) -> u64 {
        let words = range.start / 64..range.end.div_ceil(64);
        words.map(|index| u64::from((self.word(index as usize) & mask(index, &range)).count_ones())).sum()
    }
}

/// The bits of a word that lie in a range of the page.
fn mask(index: u64, range: &Range<u64>) -> u64 {
    let low = range.start.saturating_sub(index * 64).min(64);
    let high = range.end.saturating_sub(index * 64).min(64);
    let below = |bit: u64| if bit >= 64 { u64::MAX } else { (1 << bit) - 1 };
    below(high) & !below(low)
}

impl LineSet {
    /// Adds lines; nothing happens to those that are there. A page is looked up once for lines of it in a row.
    pub(super) fn extend(&mut self, lines: impl IntoIterator<Item = LineId>) {
        let mut lines = lines.into_iter().peekable();
        while let Some(LineId(first)) = lines.peek() {
            let number = first / PAGE;
            let page = self.pages.entry(number).or_insert_with(|| Page { bits: Box::new([0; WORDS]), len: 0 });
            let before = page.len;
            while let Some(line) = lines.next_if(|line| line.0 / PAGE == number) {
                let place = line.0 % PAGE;
                if let Some(word) = page.bits.get_mut((place / 64) as usize) {
                    let bit = 1 << (place % 64);
                    page.len += u64::from(*word & bit == 0);
                    *word |= bit;
                }
            }
            self.len += page.len - before;
        }
    }

    /// The line is in it.
    pub(super) fn contains(&self, line: LineId) -> bool {
        self.pages.get(&(line.0 / PAGE)).is_some_and(|page| {
            let place = line.0 % PAGE;
            page.word((place / 64) as usize) & 1 << (place % 64) != 0
        })
    }

    /// Number of lines in the set.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// How many are before that line.
    pub(super) fn rank(&self, line: LineId) -> u64 {
        let number = line.0 / PAGE;
        let whole: u64 = self.pages.range(..number).map(|(_, page)| page.len).sum();
        whole + self.pages.get(&number).map_or(0, |page| page.count_in(0..line.0 % PAGE))
    }

    /// How many are before that line, of those that are in the other set too.
    pub(super) fn rank_in(&self, other: &Self, line: LineId) -> u64 {
        let common = |(number, page): (&u64, &Page)| {
            let Some(others) = other.pages.get(number) else { return 0 };
            let range = 0..line.0.saturating_sub(number * PAGE).min(PAGE);
            let words = (0..range.end.div_ceil(64)).map(|index| {
                let word = page.word(index as usize) & others.word(index as usize) & mask(index, &range);
                u64::from(word.count_ones())
            });
            words.sum()
        };
        self.pages.range(..=line.0 / PAGE).map(common).sum()
    }

    /// The first from that line on.
    pub(super) fn first_from(&self, line: LineId) -> Option<LineId> {
        self.pages.range(line.0 / PAGE..).find_map(|(number, page)| {
            let start = line.0.saturating_sub(number * PAGE);
            page.first_in(start..PAGE).map(|place| LineId(number * PAGE + place))
        })
    }

    /// The last before that line.
    pub(super) fn last_before(&self, line: LineId) -> Option<LineId> {
        self.pages.range(..=line.0 / PAGE).rev().find_map(|(number, page)| {
            let end = (line.0 - number * PAGE).min(PAGE);
            page.last_in(0..end).map(|place| LineId(number * PAGE + place))
        })
    }

    /// Forgets all lines before that one.
    pub(super) fn drop_before(&mut self, line: LineId) {
        while let Some(mut entry) = self.pages.first_entry() {
            let keep_from = line.0.saturating_sub(entry.key() * PAGE);
            if keep_from >= PAGE {
                self.len -= entry.remove().len;
                continue;
            }
            if keep_from > 0 {
                let page = entry.get_mut();
                for (index, word) in (0..).zip(page.bits.iter_mut()) {
                    *word &= mask(index, &(keep_from..PAGE));
                }
                let left = page.count_in(0..PAGE);
                self.len -= page.len - left;
                page.len = left;
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set_in_order(
            lines in prop::collection::vec(0_u64..20_000, 0..200),
            asked in prop::collection::vec(0_u64..21_000, 1..50),
            dropped in 0_u64..21_000,
        ) {
            let mut set = LineSet::default();
            let mut model = BTreeSet::new();
            set.extend(lines.iter().copied().map(LineId));
            model.extend(lines);
            let mut odds = LineSet::default();
            odds.extend((1..21_000).step_by(2).map(LineId));
            for round in 0..2 {
                prop_assert_eq!(set.len(), model.len() as u64);
                for line in &asked {
                    let id = LineId(*line);
                    prop_assert_eq!(set.contains(id), model.contains(line));
                    prop_assert_eq!(set.rank(id), model.range(..line).count() as u64);
                    let odd = model.range(..line).filter(|line| *line % 2 == 1).count() as u64;
                    prop_assert_eq!(set.rank_in(&odds, id), odd);
                    prop_assert_eq!(set.first_from(id), model.range(line..).next().copied().map(LineId));
                    prop_assert_eq!(set.last_before(id), model.range(..line).next_back().copied().map(LineId));
                }
                if round == 0 {
                    set.drop_before(LineId(dropped));
                    model = model.split_off(&dropped);
                }
            }
        }
    }
}
