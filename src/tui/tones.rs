//! The theme's own colours, for a background that the terminal has told. Each is made from a hue, moved to white or black
//! until it is readable there: it holds on every background, and no table of themes is needed.

use ratatui::style::Color;

use crate::display::{readable, readable_indexed};
use crate::logs::{ColorDepth, Rgb};

const GREEN: [u8; 3] = [0x18, 0xB9, 0x3C];
const AMBER: [u8; 3] = [0xDB, 0x9B, 0x00];
const RED: [u8; 3] = [0xF8, 0x37, 0x3D];
const BLUE: [u8; 3] = [0x2E, 0x95, 0xFF];
/// Indigo, violet, teal, pink: none of them tells of a state.
const OF_SERVICES: [[u8; 3]; 4] = [[0x7C, 0x7C, 0xFF], [0xB8, 0x6B, 0xF5], [0x00, 0xAE, 0xBE], [0xEE, 0x62, 0xB4]];

/// The theme's own colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tones {
    /// What is well.
    pub(super) good: Color,
    /// Between two states.
    pub(super) busy: Color,
    /// What is wrong.
    pub(super) bad: Color,
    /// What has the focus.
    pub(super) accent: Color,
    /// What parts the screen: a grey with a little of the background's hue.
    pub(super) structure: Color,
    /// Services among others.
    pub(super) of_services: [Color; OF_SERVICES.len()],
}

impl Tones {
    /// Those for a background; `None` with 16 colours, which are the user's and not known.
    pub(super) fn on(background: Rgb, depth: ColorDepth) -> Option<Self> {
        let tone = |[red, green, blue]: [u8; 3]| Color::Rgb(red, green, blue);
        let tone = |hue: [u8; 3]| match depth {
            ColorDepth::Sixteen => None,
            ColorDepth::Indexed => readable_indexed(hue, background).map(Color::Indexed),
            ColorDepth::Full => Some(tone(readable(hue, background))),
        };
        let [first, second, third, fourth] = OF_SERVICES.map(tone);
        let (red, green, blue) = background;
        Some(Self {
            good: tone(GREEN)?,
            busy: tone(AMBER)?,
            bad: tone(RED)?,
            accent: tone(BLUE)?,
            structure: tone([red, green, blue].map(|part| part.to_be_bytes()[0]))?,
            of_services: [first?, second?, third?, fourth?],
        })
    }
}
