//! Restarts in each of the last hours as a bar.

use crate::display::GlyphSet;
use crate::logs::HOURS;

/// From none to the most.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A character for each hour, the present one last. In ASCII they are the numbers.
pub(super) fn bar(by_hour: &[u32; HOURS], set: GlyphSet) -> String {
    let most = by_hour.iter().copied().max().unwrap_or(0);
    let level = |count: u32| match set {
        GlyphSet::Unicode => {
            // Whatever has happened is seen, and only the most fills the cell.
            let steps = u64::from(count) * (LEVELS.len() as u64 - 1);
            let level = usize::try_from(steps.div_ceil(u64::from(most.max(1)))).unwrap_or_default();
            LEVELS.get(level).copied().unwrap_or(LEVELS[0])
        }
        GlyphSet::Ascii => match count {
            0 => '.',
            1..=9 => char::from_digit(count, 10).unwrap_or('+'),
            _ => '+',
        },
    };
    by_hour.iter().map(|count| level(*count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_told_from_few_and_the_most_fills_the_cell() {
        let mut by_hour = [0; HOURS];
        (by_hour[0], by_hour[22], by_hour[23]) = (1, 100, 50);
        assert_eq!(bar(&by_hour, GlyphSet::Unicode), format!("▂{}█▅", "▁".repeat(21)));
        (by_hour[1], by_hour[2]) = (9, 10);
        assert_eq!(bar(&by_hour, GlyphSet::Ascii), format!("19+{}++", ".".repeat(19)));
        assert_eq!(bar(&[0; HOURS], GlyphSet::Unicode), "▁".repeat(24));
    }
}
