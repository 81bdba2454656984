//! How well a colour is seen on a background: the contrast ratio of WCAG 2, from 1 to 21, and colours that reach it.
//! <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>

use crate::logs::{ColorDepth, Rgb};

/// What WCAG asks of text.
pub const READABLE: f64 = 4.5;

/// Steps from a colour to white or black.
const STEPS: u16 = 64;

/// The contrast ratio of two colours.
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Of a color with 8 bits a part.
pub fn rgb([red, green, blue]: [u8; 3]) -> Rgb {
    let wide = |part: u8| u16::from(part) * 257;
    (wide(red), wide(green), wide(blue))
}

/// White, or black if that is told more easily from the background. One of them always has a ratio of 4.58 or more.
pub fn opposite(background: Rgb) -> [u8; 3] {
    const WHITE: [u8; 3] = [0xFF; 3];
    const BLACK: [u8; 3] = [0; 3];
    if contrast(rgb(WHITE), background) >= contrast(rgb(BLACK), background) { WHITE } else { BLACK }
}

/// The first colour that is readable on the background, on the way from `wanted` to white or black.
pub fn readable(wanted: [u8; 3], background: Rgb) -> [u8; 3] {
    let end = opposite(background);
    let mixed = |step: u16| {
        let part = |from: u8, to: u8| (u16::from(from) * (STEPS - step) + u16::from(to) * step) / STEPS;
        let parts = [0, 1, 2].map(|index: usize| wanted.get(index).zip(end.get(index)));
        parts.map(|parts| parts.and_then(|(from, to)| u8::try_from(part(*from, *to)).ok()).unwrap_or_default())
    };
    (0..STEPS).map(mixed).find(|color| contrast(rgb(*color), background) >= READABLE).unwrap_or(end)
}

/// The same among the colours 16 to 255, by its number.
pub fn readable_indexed(wanted: [u8; 3], background: Rgb) -> Option<u8> {
    ColorDepth::nearest_indexed(readable(wanted, background), |color| contrast(rgb(color), background) >= READABLE)
}

fn luminance((red, green, blue): Rgb) -> f64 {
    let linear = |part: u16| match f64::from(part) / f64::from(u16::MAX) {
        part if part <= 0.04045 => part / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ratios_are_those_of_the_standard() {
        for (one, other, ratio) in [
            ([0xFF; 3], [0; 3], "21.00"),
            ([0x76; 3], [0xFF; 3], "4.54"),
            ([0x77; 3], [0xFF; 3], "4.48"),
            ([0, 0x80, 0], [0xFF; 3], "5.14"),
            ([0, 0, 0xFF], [0; 3], "2.44"),
        ] {
            assert_eq!(format!("{:.2}", contrast(rgb(one), rgb(other))), ratio);
        }
    }

    proptest! {
        #[test]
        fn every_background_has_a_readable_colour(wanted: [u8; 3], background: (u16, u16, u16)) {
            let full = readable(wanted, background);
            prop_assert!(contrast(rgb(full), background) >= READABLE, "{:?}", full);
            prop_assert!(readable_indexed(wanted, background).is_some());
        }
    }

    #[test]
    fn what_is_readable_stays_as_it_is() {
        let green = [0x2E, 0xA0, 0x43];
        assert_eq!(readable(green, rgb([0; 3])), green);
        assert_eq!(opposite(rgb([0xFD, 0xF6, 0xE3])), [0; 3]);
    }
}
