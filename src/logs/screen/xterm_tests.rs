//! What xterm does, and the oracle does not or differently.

use super::{Input, TerminalScreen};
use crate::logs::{ExtendedKeys, LogDocument, MouseEncoding, TerminalColors};

fn screen(text: &str) -> TerminalScreen {
    let mut screen = TerminalScreen::new(40, 5, 1 << 20);
    // By single bytes: strings and sequences come in pieces.
    let mut input = Input::default();
    text.bytes().for_each(|byte| input.advance(&mut screen, &[byte]));
    screen
}

fn reply(text: &str) -> String {
    let whole = {
        let mut screen = TerminalScreen::new(40, 5, 1 << 20);
        Input::default().advance(&mut screen, text.as_bytes());
        screen.take_replies()
    };
    let reply = screen(text).take_replies();
    assert_eq!(reply, whole, "in pieces and at once");
    String::from_utf8(reply).unwrap()
}

fn text(screen: &TerminalScreen) -> Vec<String> {
    let rows = screen.view().terminal().rows;
    rows.into_iter().map(|row| row.text).filter(|text| !text.is_empty()).collect()
}

#[test]
fn a_title_of_gnu_screen_is_no_text() {
    assert_eq!(text(&screen("a\x1bkvim main.rs\x1b\\b")), ["ab"]);
    assert_eq!(text(&screen("a\x1bktitle\x07b")), ["ab"]);
    assert_eq!(text(&screen("a\x1bkno end\r\nb")), ["a", "b"], "nor does one without an end swallow the next line");
}

#[test]
fn one_encoding_of_the_mouse_that_is_switched_off_leaves_another() {
    let encoding = |text: &str| screen(text).input_modes().mouse_encoding;
    assert_eq!(encoding("\x1b[?1006h\x1b[?1015l"), MouseEncoding::Sgr);
    assert_eq!(encoding("\x1b[?1015h\x1b[?1006h\x1b[?1005l"), MouseEncoding::Sgr);
    assert_eq!(encoding("\x1b[?1006h\x1b[?1006l"), MouseEncoding::Bytes);
    assert_eq!(encoding("\x1b[?1006h\x1b[?1015h\x1b[?1006l"), MouseEncoding::Urxvt);
}

#[test]
fn each_screen_has_a_saved_cursor_of_its_own() {
    let column = |text: &str| screen(text).grid.cursor.column;
    assert_eq!(column("\x1b[1;9H\x1b7\x1b[1;3H\x1b[?47h\x1b[1;20H\x1b7\x1b[?47l\x1b8"), 8);
    assert_eq!(column("\x1b[1;9H\x1b[?1049h\x1b[1;20H\x1b7\x1b[?1049l"), 8, "1049 saves that of the first");
    assert_eq!(column("\x1b[1;9H\x1b7\x1b[?47h\x1b8"), 0, "nothing was saved there");
    assert_eq!(column("\x1b[?47h\x1b[1;20H\x1b7\x1b[?47l\x1b[1;3H\x1b[?47h\x1b8"), 19, "it is kept");
}

#[test]
fn questions_are_answered() {
    for (question, answer) in [
        ("\x1b[1;4;38;5;200m\x1bP$qm\x1b\\", "\x1bP1$r0;1;4;38;5;200m\x1b\\"),
        ("\x1b[4:3;58;5;9;53m\x1bP$qm\x1b\\", "\x1bP1$r0;4:3;53;58:5:9m\x1b\\"),
        ("\x1b[0;21;58:2::1:2:3m\x1bP$qm\x1b\\", "\x1bP1$r0;4:2;58:2::1:2:3m\x1b\\"),
        ("\x1b[59;24m\x1bP$qm\x1b\\", "\x1bP1$r0m\x1b\\"),
        ("\x1b[2;4r\x1bP$qr\x1b\\", "\x1bP1$r2;4r\x1b\\"),
        ("\x1b[4 q\x1bP$q q\x1b\\", "\x1bP1$r4 q\x1b\\"),
        ("\x1bP$q\"p\x1b\\", "\x1bP1$r62;1\"p\x1b\\"),
        ("\x1bP$qx\x1b\\", "\x1bP0$r\x1b\\"),
        // What is no question, was taken back, or is too long for one.
        ("\x1bPqm\x1b\\", ""),
        ("\x1bP$qm\x18", ""),
        (&format!("\x1bP$qm{}\x1b\\", "m".repeat(256)), ""),
        ("\x1b[>q", concat!("\x1bP>|devgroup ", env!("CARGO_PKG_VERSION"), "\x1b\\")),
    ] {
        assert_eq!(reply(question), answer, "{question:?}");
    }
}

#[test]
fn the_colours_of_the_terminal_are_told_where_they_are_known() {
    let log_store = crate::logs::LogStore::new(crate::clock::Clock::start());
    let name = crate::domain::ServiceName::new("api");
    let document = log_store.open(&name, 1 << 20);
    let reply = |text: &str| String::from_utf8(document.feed(text.as_bytes()).replies).unwrap();
    assert_eq!(reply("\x1b]11;?\x07\x1b]4;1;?\x07"), "", "nobody knows");
    let (white, black) = ((0xFFFF, 0xFFFF, 0xFFFF), (0, 0, 0));
    log_store.set_colors(TerminalColors {
        foreground: Some(black),
        background: Some(white),
        ..TerminalColors::default()
    });
    assert_eq!(reply("\x1b]11;?\x07"), "\x1b]11;rgb:ffff/ffff/ffff\x07", "ended as the question");
    assert_eq!(reply("a\x1b]10;?\x1b\\b"), "\x1b]10;rgb:0000/0000/0000\x1b\\");
    assert_eq!((reply("\x1b]11"), reply(";?\x1b").len(), reply("\\").len()), (String::new(), 25, 0), "in pieces");
    assert_eq!(reply("\x1b]11;?\x18\x1b]0;?\x07\x1b]11;#fff\x07\x1b]4;1;?\x07"), "");
    assert_eq!(document.read().line(crate::logs::LineId(0)).unwrap().content.text, "ab");
}

#[test]
fn services_ask_for_keys_that_are_told_apart() {
    let asked = |text: &str| screen(text).input_modes().extended_keys;
    for (text, expected) in [
        ("\x1b[>4;1m", ExtendedKeys::Lost),
        ("\x1b[>4;2m", ExtendedKeys::Other),
        ("\x1b[>4;2m\x1b[>4m", ExtendedKeys::None),
        ("\x1b[>4;2m\x1b[!p", ExtendedKeys::None),
        ("\x1b[>1u", ExtendedKeys::Kitty),
        ("\x1b[>31u", ExtendedKeys::Kitty),
        ("\x1b[>2u", ExtendedKeys::None),
        ("\x1b[=1u", ExtendedKeys::Kitty),
        ("\x1b[=1u\x1b[=1;3u", ExtendedKeys::None),
        ("\x1b[>1u\x1b[>0u", ExtendedKeys::None),
        ("\x1b[>1u\x1b[>0u\x1b[<u", ExtendedKeys::Kitty),
        ("\x1b[>1u\x1b[>1u\x1b[<9u", ExtendedKeys::None),
        // Each screen has flags of its own.
        ("\x1b[>1u\x1b[?1049h", ExtendedKeys::None),
        ("\x1b[?1049h\x1b[>1u\x1b[?1049l", ExtendedKeys::None),
        ("\x1b[>1u\x1bc", ExtendedKeys::None),
    ] {
        assert_eq!(asked(text), expected, "{text:?}");
    }
    assert_eq!(reply("\x1b[?u\x1b[>31u\x1b[?u"), "\x1b[?0u\x1b[?1u");
    assert_eq!(screen(&"\x1b[>1u".repeat(1000)).grid.keys.len(), 16);
    // No cursor is saved or restored by these.
    assert_eq!(screen("\x1b[1;9H\x1b[>1u\x1b[<u\x1b[=0u").grid.cursor.column, 8);
}

#[test]
fn the_shape_of_the_cursor_is_kept_until_the_next_run() {
    let document = LogDocument::new(1 << 20, crate::clock::Clock::start(), tokio::sync::watch::Sender::new(()));
    for (text, shape) in
        [("\x1b[5 q", 5), ("\x1b[!p", 5), ("\x1b[99 q", 5), ("\x1b[ q", 0), ("\x1b[3 q", 3), ("\x1bc", 0)]
    {
        document.feed(text.as_bytes());
        assert_eq!(document.cursor_shape(), shape, "{text:?}");
    }
    document.feed(b"\x1b[6 q");
    document.begin_run(crate::domain::RunId(2), None);
    assert_eq!(document.cursor_shape(), 0);
}
