//! Select graphic rendition: `CSI … m`.

use crate::logs::{Attributes, Color, Style, Underline};

/// Applies the only parameter of a sequence: what most logs print, without looking through all that there is.
pub(super) fn apply_one(style: &mut Style, number: u16) {
    match number {
        0 => style.reset(),
        1 => style.attributes = style.attributes.with(Attributes::BOLD),
        2 => style.attributes = style.attributes.with(Attributes::DIM),
        30..=37 => style.foreground = indexed(number - 30),
        39 => style.foreground = Color::Default,
        _ => apply(style, std::iter::once([number].as_slice())),
    }
}

/// Applies parameters, each with its colon-separated parts.
pub(super) fn apply<'a>(style: &mut Style, mut params: impl Iterator<Item = &'a [u16]>) {
    while let Some(param) = params.next() {
        let attributes = style.attributes;
        match *param {
            [0] => style.reset(),
            [1] => style.attributes = attributes.with(Attributes::BOLD),
            [2] => style.attributes = attributes.with(Attributes::DIM),
            [3] => style.attributes = attributes.with(Attributes::ITALIC),
            [4, 0] | [24] => style.attributes = attributes.with_underline(None),
            [21] => style.attributes = attributes.with_underline(Some(Underline::Double)),
            [4, ref kind @ ..] => {
                let kind = kind.first().and_then(|kind| Underline::from_parameter(*kind));
                style.attributes = attributes.with_underline(Some(kind.unwrap_or_default()));
            }
            [5 | 6] => style.attributes = attributes.with(Attributes::BLINK),
            [7] => style.attributes = attributes.with(Attributes::REVERSE),
            [8] => style.attributes = attributes.with(Attributes::HIDDEN),
            [9] => style.attributes = attributes.with(Attributes::STRIKE),
            [22] => style.attributes = attributes.without(Attributes::BOLD).without(Attributes::DIM),
            [23] => style.attributes = attributes.without(Attributes::ITALIC),
            [25] => style.attributes = attributes.without(Attributes::BLINK),
            [27] => style.attributes = attributes.without(Attributes::REVERSE),
            [28] => style.attributes = attributes.without(Attributes::HIDDEN),
            [29] => style.attributes = attributes.without(Attributes::STRIKE),
            [color @ 30..=37] => style.foreground = indexed(color - 30),
            [color @ 40..=47] => style.background = indexed(color - 40),
            [color @ 90..=97] => style.foreground = indexed(color - 90 + 8),
            [color @ 100..=107] => style.background = indexed(color - 100 + 8),
            [39] => style.foreground = Color::Default,
            [49] => style.background = Color::Default,
            [53] => style.attributes = attributes.with(Attributes::OVERLINE),
            [55] => style.attributes = attributes.without(Attributes::OVERLINE),
            [59] => style.underline = Color::Default,
            [place @ (38 | 48 | 58), ref parts @ ..] => {
                let color = if parts.is_empty() {
                    color(params.by_ref().map(|param| param.first().copied().unwrap_or(0)))
                } else {
                    // `38:2:<colour space>:r:g:b`, or without the colour space.
                    let skipped = if parts.len() > 4 { 2 } else { 1 };
                    color(parts.iter().take(1).chain(parts.iter().skip(skipped)).copied())
                };
                match (place, color) {
                    (38, Some(color)) => style.foreground = color,
                    (48, Some(color)) => style.background = color,
                    (_, Some(color)) => style.underline = color,
                    (_, None) => {}
                }
            }
            _ => {}
        }
    }
}

fn indexed(color: u16) -> Color {
    u8::try_from(color).map_or(Color::Default, Color::Indexed)
}

fn color(mut numbers: impl Iterator<Item = u16>) -> Option<Color> {
    let mut byte = || u8::try_from(numbers.next()?).ok();
    match byte()? {
        2 => Some(Color::Rgb(byte()?, byte()?, byte()?)),
        5 => Some(Color::Indexed(byte()?)),
        _ => None,
    }
}
