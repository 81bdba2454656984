//! Whatever a service prints: no panic, no control characters in what is shown, and no difference by how it was cut.

use super::input::Input;
use super::*;
use crate::domain::Moment;
use crate::logs::StyledText;

#[test]
fn fuzz_of_the_terminal() {
    // The first four bytes are the size of the terminal, and the one after.
    const SEEDS: [&[u8]; 10] = [
        b"\x14\x05\x50\x18one\r\ntwo \x1b[31mred\x1b[0m\x1b[2;3Hx\x1b[K\x1b[2J",
        b"\x0a\x04\x03\x09\x1b[?1049h\x1b[5;1Hscreen\x1b[2;4r\x1b[10S\x1b[?1049l",
        "\u{8}\u{3}\u{14}\u{8}漢字👩\u{200d}💻e\u{301}\u{fe0f}\t\u{b}".as_bytes(),
        b"\x10\x04\x08\x02\x1b[4h\x1b[3@\x1b[2P\x1b[4X\x1b[3L\x1b[2M\x1b[99999999b",
        b"\x10\x04\x08\x02\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x07\x1bP+q\x1b\\",
        b"\x10\x04\x08\x02\x1b[4:3;58:2::1:2:3m\x1b[38;2;1;2;3;48;5;9m\x1b[53;21m",
        b"\x10\x04\x08\x02\x1b(0lqk\x1b(B\x0e\x0f\x1b#8\x1bM\x1bD\x1bE\x1b7\x1b8\x1bc",
        b"\x10\x04\x08\x02\x1b[?7l\x1b[?6h\x1b[?2026h\x1b[!p\x1b[3g\x1bH\x1b[2I\x1b[2Z",
        b"\x02\x01\xff\xff\x1b[1;1Hab\x1b[6n\x1b[c\x1b[18t",
        b"\x00\x00\x00\x00\xff\xfe\xc3\x28\x9b31m\x90\x9d\x9c",
    ];
    crate::fuzz::run("terminal", 300, &SEEDS, |bytes| {
        let (size, bytes) = bytes.split_at(bytes.len().min(4));
        let size = |at: usize| u16::from(size.get(at).copied().unwrap_or(7));
        let run = |piece: usize| {
            let mut screen = TerminalScreen::new(size(0) % 60, size(1) % 24, 1 << 20);
            let mut input = Input::default();
            bytes.chunks(piece).for_each(|part| input.advance(&mut screen, part));
            screen.resize(size(2), size(3) % 60, Moment::START);
            bytes.chunks(piece).for_each(|part| input.advance(&mut screen, part));
            let view = screen.view();
            let layout = view.layout();
            let lines: Vec<_> = (0..layout.len()).map(|index| view.line(&layout, index)).collect();
            (lines, view.cursor(&layout), view.screen(), view.history_end)
        };
        let (whole, pieces) = (run(usize::MAX), run(1 + bytes.len() % 40));
        let controls = |text: &StyledText| text.text.chars().any(char::is_control);
        assert!(!whole.0.iter().flatten().any(|(_, line)| controls(line)));
        assert!(!whole.2.iter().flat_map(|screen| &screen.rows).any(controls));
        assert_eq!(whole, pieces, "pieces do not matter");
        (whole.0.len(), whole.2.is_some(), whole.3)
    });
}

#[test]
fn a_character_is_repeated_for_one_screen_at_most() {
    for (text, columns, expected) in [
        ("x\x1b[3b", 2, 4),
        ("x\x1b[80b", 10, 81),
        ("x\x1b[99999999b", 2, 257),
        ("x\x1b[99999999b", 200, 601),
        ("é\x1b[b\x1b[65535b", 10, 258),
        ("漢\x1b[65535b", 10, 257),
    ] {
        let mut screen = TerminalScreen::new(columns, 3, 1 << 20);
        Input::default().advance(&mut screen, text.as_bytes());
        let view = screen.view();
        let (_, line) = view.line(&view.layout(), 0).unwrap();
        assert_eq!(line.text.chars().count(), expected, "{text:?}");
    }
}
