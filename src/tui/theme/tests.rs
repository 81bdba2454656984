//! Every style of the theme, on the backgrounds and palettes that people have: how well it is seen.

use super::*;
use crate::display::{DisplaySupport, READABLE, contrast, rgb};
use crate::logs::{ColorDepth, StyleSupport};

/// Lists styles by the names of their functions.
macro_rules! styles {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), Theme::$name as fn(Theme) -> Style)),*] };
}

/// A style by the name of its function.
type Named = (&'static str, fn(Theme) -> Style);

/// All styles but those with parameters.
const STYLES: [Named; 11] =
    styles![plain, good, good_glyph, busy, busy_glyph, bad, bad_glyph, bad_in_focus, structure, strong, accent];
/// Styles that are only the terminal's own colours, exchanged.
const REVERSED: [Named; 1] = styles![alert];
/// What services print has the colours that they ask for; how a service is labelled is looked at by number.
const WITH_PARAMETERS: [&str; 2] = ["of", "of_service"];

/// The styles that are drawn as glyphs and rules only.
const GLYPHS: [&str; 4] = ["good_glyph", "busy_glyph", "bad_glyph", "accent"];

/// What is asked of glyphs.
const SEEN: f64 = 3.0;

fn theme(depth: ColorDepth, color: bool, ground: Ground) -> Theme {
    let styles = StyleSupport { depth, underlines: false };
    let display = DisplaySupport { styles, color, ground, ..DisplaySupport::from_variables(|_| None) };
    Theme::new(DashboardOptions::new(display))
}

fn all_styles(theme: Theme) -> Vec<(String, Style)> {
    let named = STYLES.iter().map(|(name, style)| ((*name).to_owned(), style(theme)));
    named.chain((0..10).map(|number| (format!("of_service {number}"), theme.of_service(number)))).collect()
}

#[test]
fn no_style_escapes_these_tests() {
    let source = include_str!("mod.rs");
    let heads = source.lines().filter_map(|line| line.trim().strip_prefix("pub(super) fn ")?.split_once('('));
    let mut found: Vec<&str> = heads.filter(|(_, rest)| rest.contains("-> Style")).map(|(name, _)| name).collect();
    let mut tested: Vec<&str> = STYLES.iter().chain(&REVERSED).map(|(name, _)| *name).chain(WITH_PARAMETERS).collect();
    found.sort_unstable();
    tested.sort_unstable();
    assert_eq!(found, tested);
    for (name, style) in REVERSED {
        assert_eq!(style(theme(ColorDepth::Full, true, Ground::Dark)), Style::new().reversed(), "{name}");
    }
}

/// It is in the terminal's own colour.
fn has_no_color(style: Style) -> bool {
    matches!(style.fg, None | Some(Color::Reset))
}

/// A colour above the 16, by its parts.
fn parts(color: Color) -> Option<[u8; 3]> {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match color {
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(index @ 16..=231) => Some([36, 6, 1].map(|place| LEVELS[usize::from((index - 16) / place % 6)])),
        Color::Indexed(index @ 232..) => Some([8 + (index - 232) * 10; 3]),
        _ => None,
    }
}

/// Backgrounds that terminals have: black, that of VS Code, Solarized, greys, odd ones, white.
const BACKGROUNDS: [[u8; 3]; 14] = [
    [0, 0, 0],
    [0x18, 0x18, 0x1B],
    [0x1E, 0x1E, 0x1E],
    [0x28, 0x2A, 0x36],
    [0, 0x2B, 0x36],
    [0x30, 0x0A, 0x24],
    [0x44, 0x44, 0x44],
    [0x75, 0x75, 0x75],
    [0x80, 0x80, 0x80],
    [0xCC, 0xCC, 0xCC],
    [0xEE, 0xE8, 0xD5],
    [0xFD, 0xF6, 0xE3],
    [0xF5, 0xF5, 0xF5],
    [0xFF, 0xFF, 0xFF],
];

#[test]
fn on_a_known_background_everything_is_readable() {
    for background in BACKGROUNDS.map(rgb) {
        for depth in [ColorDepth::Full, ColorDepth::Indexed] {
            let mut theme = theme(depth, true, Ground::Unknown);
            theme.stand_on(background);
            for (name, style) in all_styles(theme) {
                let place = format!("{name}, {background:?}, {depth:?}: {style:?}");
                assert_eq!((style.bg, style.add_modifier.contains(Modifier::DIM)), (None, false), "{place}");
                if matches!(name.as_str(), "strong" | "plain") {
                    assert!(has_no_color(style), "{place}");
                    continue;
                }
                let color = style.fg.and_then(parts).unwrap_or_else(|| panic!("{place}"));
                assert!(contrast(rgb(color), background) >= READABLE, "{place}");
            }
        }
    }
}

#[test]
fn meanings_stay_apart() {
    for background in [[0, 0, 0], [0, 0x2B, 0x36], [0xFD, 0xF6, 0xE3], [0xFF, 0xFF, 0xFF]].map(rgb) {
        for depth in [ColorDepth::Full, ColorDepth::Indexed] {
            let mut theme = theme(depth, true, Ground::Unknown);
            theme.stand_on(background);
            let of_services = (0..4).map(|number| theme.of_service(number));
            let meanings = [theme.good(), theme.busy(), theme.bad(), theme.accent(), theme.structure()];
            let mut colors: Vec<_> = meanings.into_iter().chain(of_services).filter_map(|style| style.fg).collect();
            let count = colors.len();
            colors.sort_unstable_by_key(|color| parts(*color));
            colors.dedup();
            assert_eq!((count, colors.len()), (9, 9), "{background:?} {depth:?}: {colors:?}");
        }
    }
}

/// A palette of 16 colours: name, background, text, and the colours 1 to 6.
type Palette = (&'static str, u32, u32, [u32; 6]);

const PALETTES: [Palette; 6] = [
    ("xterm", 0x000000, 0xE5E5E5, [0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD]),
    ("xterm, white", 0xFFFFFF, 0x000000, [0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD]),
    ("VS Code dark", 0x1E1E1E, 0xCCCCCC, [0xCD3131, 0x0DBC79, 0xE5E510, 0x2472C8, 0xBC3FBC, 0x11A8CD]),
    ("VS Code light", 0xFFFFFF, 0x333333, [0xCD3131, 0x00BC00, 0x949800, 0x0451A5, 0xBC05BC, 0x0598BC]),
    ("Solarized dark", 0x002B36, 0x839496, [0xDC322F, 0x859900, 0xB58900, 0x268BD2, 0xD33682, 0x2AA198]),
    ("Solarized light", 0xFDF6E3, 0x657B83, [0xDC322F, 0x859900, 0xB58900, 0x268BD2, 0xD33682, 0x2AA198]),
];

fn hex(color: u32) -> logs::Rgb {
    let [_, red, green, blue] = color.to_be_bytes();
    rgb([red, green, blue])
}

/// One of the colours that the theme takes of the 16.
fn of_palette(color: Color, (_, _, _, colors): Palette) -> Option<logs::Rgb> {
    let order = [Color::Red, Color::Green, Color::Yellow, Color::Blue, Color::Magenta, Color::Cyan];
    Some(hex(colors[order.iter().position(|one| *one == color)?]))
}

/// Glyphs with less than 3:1. Each stands before a word that says the same in the terminal's own colour.
const FAINT_GLYPHS: [&str; 3] =
    ["Solarized light: good_glyph 2.97", "VS Code light: good_glyph 2.56", "xterm, white: good_glyph 2.16"];

#[test]
fn with_16_colours_text_has_the_terminals_own_and_glyphs_are_seen() {
    let mut faint = Vec::new();
    for palette in PALETTES {
        let background = hex(palette.1);
        let mut told = theme(ColorDepth::Sixteen, true, Ground::Unknown);
        let unknown = told;
        told.stand_on(background);
        for (name, style) in all_styles(told).into_iter().chain(all_styles(unknown)) {
            let place = format!("{}: {name} {style:?}", palette.0);
            assert_eq!(style.bg, None, "{place}");
            let is_dim = style.add_modifier.contains(Modifier::DIM);
            assert_eq!(is_dim, matches!(name.as_str(), "structure"), "{place}");
            let Some(color) = style.fg.filter(|_| !has_no_color(style)) else { continue };
            assert!(GLYPHS.contains(&name.as_str()), "text in a colour of the user's: {place}");
            let ratio = contrast(of_palette(color, palette).unwrap_or_else(|| panic!("{place}")), background);
            let told = format!("{}: {name} {ratio:.2}", palette.0);
            if ratio < SEEN && !faint.contains(&told) {
                faint.push(told);
            }
        }
    }
    faint.sort_unstable();
    assert_eq!(faint, FAINT_GLYPHS);
}

/// What is dim, drawn half-way to the background as most terminals do: the price of a grey that no palette can hide.
const DIM: [&str; 6] = [
    "xterm 4.37",
    "xterm, white 4.00",
    "VS Code dark 3.62",
    "VS Code light 2.85",
    "Solarized dark 2.18",
    "Solarized light 1.88",
];

#[test]
fn what_is_dim_with_16_colours_follows_the_text() {
    let dim = PALETTES.map(|(name, background, text, _)| {
        let half = |shift: u32| u8::try_from(((background >> shift & 0xFF) + (text >> shift & 0xFF)) / 2).unwrap();
        format!("{name} {:.2}", contrast(rgb([half(16), half(8), half(0)]), hex(background)))
    });
    assert_eq!(dim, DIM);
}

#[test]
fn a_word_of_a_state_is_as_clear_in_a_rule_as_elsewhere() {
    let mut known = theme(ColorDepth::Full, true, Ground::Unknown);
    known.stand_on(rgb([0; 3]));
    for theme in [known, theme(ColorDepth::Sixteen, true, Ground::Dark), theme(ColorDepth::Full, false, Ground::Dark)] {
        let words = [theme.plain(), theme.good(), theme.busy(), theme.bad(), theme.bad_in_focus()];
        let glyphs = [theme.good_glyph(), theme.busy_glyph(), theme.bad_glyph()];
        for style in words.into_iter().chain(glyphs) {
            for rule in [theme.structure(), theme.accent()] {
                let (over, alone) = (rule.patch(style), theme.plain().patch(style));
                assert_eq!((over.fg, over.add_modifier.contains(Modifier::DIM)), (alone.fg, false), "{style:?}");
            }
        }
    }
}

#[test]
fn without_colour_only_attributes_tell() {
    let mut theme = theme(ColorDepth::Full, false, Ground::Unknown);
    theme.stand_on(rgb([0; 3]));
    assert!(all_styles(theme).iter().all(|(_, style)| has_no_color(*style) && style.bg.is_none()));
    assert_eq!(theme.bad(), theme.plain().bold());
    assert_eq!(theme.bad_in_focus(), theme.plain().bold().reversed());
}

#[test]
fn the_terminals_word_goes_before_a_guess_and_the_users_before_the_terminals() {
    let display = DisplaySupport { ground: Ground::Dark, color: true, ..DisplaySupport::from_variables(|_| None) };
    for (ground_is_preferred, background, ground, has_tones) in [
        (false, [0xFF; 3], Ground::Light, true),
        (true, [0xFF; 3], Ground::Dark, false),
        (true, [0; 3], Ground::Dark, true),
    ] {
        let styles = StyleSupport::FULL;
        let display = DisplaySupport { styles, ..display };
        let mut theme = Theme::new(DashboardOptions { ground_is_preferred, ..DashboardOptions::new(display) });
        theme.stand_on(rgb(background));
        assert_eq!((theme.ground, theme.tones.is_some()), (ground, has_tones), "{background:?}");
    }
}
