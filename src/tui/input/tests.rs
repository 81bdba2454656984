//! Bytes as terminals send them, in any pieces.

use proptest::prelude::*;

use super::*;

fn decode(bytes: &[u8]) -> Vec<Input> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(bytes, &mut out);
    out
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Key(KeyEvent::new(code, modifiers))
}

#[test]
fn keys_of_all_kinds() {
    const NONE: KeyModifiers = KeyModifiers::NONE;
    let cases: [(&[u8], KeyCode, KeyModifiers); 28] = [
        (b"q", KeyCode::Char('q'), NONE),
        ("é".as_bytes(), KeyCode::Char('é'), NONE),
        (b"\r", KeyCode::Enter, NONE),
        (b"\t", KeyCode::Tab, NONE),
        (b"\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT),
        (b"\x7f", KeyCode::Backspace, NONE),
        (b"\x03", KeyCode::Char('c'), KeyModifiers::CONTROL),
        (b"\x15", KeyCode::Char('u'), KeyModifiers::CONTROL),
        (b"\x1d", KeyCode::Char('5'), KeyModifiers::CONTROL),
        (b"\x1b[A", KeyCode::Up, NONE),
        (b"\x1bOB", KeyCode::Down, NONE),
        (b"\x1bOP", KeyCode::F(1), NONE),
        (b"\x1b[15~", KeyCode::F(5), NONE),
        (b"\x1b[24~", KeyCode::F(12), NONE),
        (b"\x1b[5~", KeyCode::PageUp, NONE),
        (b"\x1b[6~", KeyCode::PageDown, NONE),
        (b"\x1b[H", KeyCode::Home, NONE),
        (b"\x1b[4~", KeyCode::End, NONE),
        (b"\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL),
        (b"\x1bx", KeyCode::Char('x'), KeyModifiers::ALT),
        (b"\x1b[99;5u", KeyCode::Char('c'), KeyModifiers::CONTROL),
        (b"\x1b[27u", KeyCode::Esc, NONE),
        (b"\x1b[27;5;99~", KeyCode::Char('c'), KeyModifiers::CONTROL),
        (b"\x1b[27;2;13~", KeyCode::Enter, KeyModifiers::SHIFT),
        (b"\x1b[9;2u", KeyCode::BackTab, KeyModifiers::SHIFT),
        (b"\x1b[127;5u", KeyCode::Backspace, KeyModifiers::CONTROL),
        (b"\x1b[57376u", KeyCode::F(13), NONE),
        (b"\x1b[57419u", KeyCode::Up, NONE),
    ];
    for (bytes, code, modifiers) in cases {
        let keys = decode(bytes).into_iter().map(|input| match input {
            Input::Key(key) => Input::Key(KeyEvent { state: KeyEventState::NONE, ..key }),
            other => other,
        });
        assert_eq!(keys.collect::<Vec<_>>(), [key(code, modifiers)], "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(decode(b"\x1b[57358u\x1b[57443u"), [], "Caps Lock and Alt alone are no keys");
}

#[test]
fn releases_and_reports_are_no_keys() {
    assert_eq!(decode(b"\x1b[97;1:3u"), []);
    assert_eq!(
        decode(b"\x1b[?62;22c\x1b[12;3R\x1b]11;rgb:00/00/00\x07").len(),
        1,
        "only `R`, which is F3 to a terminal"
    );
}

#[test]
fn colours_are_told_and_no_keys_in_whatever_pieces() {
    let answers = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b]10;rgb:0/0/0\x07\x1b]4;1;rgb:cd/0/0\x1b\\";
    let mut whole = Decoder::default();
    whole.feed(answers, &mut Vec::new());
    let told = whole.take_colors().unwrap();
    assert_eq!((told.foreground, told.background), (Some((0, 0, 0)), Some((0xFFFF, 0xFFFF, 0xFFFF))));
    assert_eq!(whole.take_colors(), None, "nothing new");
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    for (place, byte) in answers.iter().enumerate() {
        decoder.feed(&[*byte], &mut out);
        // In the middle, a pause is no end.
        let begun = answers[..=place].rsplit(|byte| *byte == 0x1b).next().unwrap();
        if begun.len() > 1 && begun[0] == b']' && !begun.contains(&7) {
            assert_eq!(decoder.patience(), Some(ANSWER), "{place}");
        }
    }
    assert_eq!((out, decoder.take_colors()), (Vec::new(), Some(told)));
}

#[test]
fn a_lone_escape_is_a_key_when_nothing_follows() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b", &mut out);
    assert!(out.is_empty() && decoder.patience() == Some(ESCAPE));
    decoder.give_up(&mut out);
    assert_eq!(out, [key(KeyCode::Esc, KeyModifiers::NONE)]);
    assert!(decoder.patience().is_none());
    out.clear();
    decoder.feed(b"q", &mut out);
    assert_eq!(out, [key(KeyCode::Char('q'), KeyModifiers::NONE)], "not Alt-q");
}

#[test]
fn half_a_sequence_does_not_swallow_the_next_key() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b[", &mut out);
    assert!(decoder.patience() == Some(ESCAPE));
    decoder.give_up(&mut out);
    decoder.feed(b"r", &mut out);
    assert_eq!(out, [key(KeyCode::Char('['), KeyModifiers::ALT), key(KeyCode::Char('r'), KeyModifiers::NONE)]);
}

#[test]
fn alt_goes_with_every_key() {
    const ALT: KeyModifiers = KeyModifiers::ALT;
    let cases: [(&[u8], KeyCode, KeyModifiers); 8] = [
        (b"\x1bx", KeyCode::Char('x'), ALT),
        (b"\x1b ", KeyCode::Char(' '), ALT),
        (b"\x1b#", KeyCode::Char('#'), ALT),
        (b"\x1b\\", KeyCode::Char('\\'), ALT),
        ("\x1bé".as_bytes(), KeyCode::Char('é'), ALT),
        (b"\x1b\r", KeyCode::Enter, ALT),
        (b"\x1b\x7f", KeyCode::Backspace, ALT),
        (b"\x1b\x01", KeyCode::Char('a'), ALT.union(KeyModifiers::CONTROL)),
    ];
    for (bytes, code, modifiers) in cases {
        let mut bytes = bytes.to_vec();
        bytes.push(b'q');
        let expected = [key(code, modifiers), key(KeyCode::Char('q'), KeyModifiers::NONE)];
        assert_eq!(decode(&bytes), expected, "{:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn bytes_that_share_a_key_can_be_told_apart() {
    let one = |bytes| decode(bytes).pop();
    assert_ne!(one(b"\n"), one(b"\r"));
    assert_ne!(one(b"\x08"), one(b"\x7f"));
    let Some(Input::Key(seven)) = one(b"\x1bOw") else { panic!("a key") };
    assert_eq!((seven.code, seven.state), (KeyCode::Char('7'), KeyEventState::KEYPAD));
}

#[test]
fn the_focus_of_the_window_is_no_key() {
    assert_eq!(decode(b"\x1b[I\x1b[O"), [Input::Focus(true), Input::Focus(false)]);
}

#[test]
fn strings_are_no_keys_however_they_end() {
    assert_eq!(
        decode(b"\x1b_Gi=1;OK\x1b\\\x1bP1$r0m\x1b\\\x1b]11;rgb:0/0/0\x1b\\q"),
        [key(KeyCode::Char('q'), KeyModifiers::NONE)]
    );
}

#[test]
fn two_escapes_are_two_keys() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b\x1b", &mut out);
    decoder.give_up(&mut out);
    assert_eq!(out, [key(KeyCode::Esc, KeyModifiers::NONE), key(KeyCode::Esc, KeyModifiers::NONE)]);
}

#[test]
fn a_paste_is_text_whatever_is_in_it() {
    let pasted = decode(b"\x1b[200~q\r\nQ \x1b[A\x03e\rnd\x1b[201~q");
    assert_eq!(pasted, [Input::Paste("q\nQ \u{3}e\nnd".into()), key(KeyCode::Char('q'), KeyModifiers::NONE)]);
}

#[test]
fn the_mouse_in_sgr_form() {
    let event = |bytes| match decode(bytes).as_slice() {
        [Input::Mouse(event)] => Some((event.kind, event.column, event.row)),
        _ => None,
    };
    assert_eq!(event(b"\x1b[<0;1;1M"), Some((MouseEventKind::Down(MouseButton::Left), 0, 0)));
    assert_eq!(event(b"\x1b[<0;12;7m"), Some((MouseEventKind::Up(MouseButton::Left), 11, 6)));
    assert_eq!(event(b"\x1b[<64;300;5M"), Some((MouseEventKind::ScrollUp, 299, 4)));
    assert_eq!(event(b"\x1b[<65;1;5M"), Some((MouseEventKind::ScrollDown, 0, 4)));
    assert_eq!(event(b"\x1b[<32;2;2M"), Some((MouseEventKind::Drag(MouseButton::Left), 1, 1)));
    assert_eq!(event(b"\x1b[<66;1;5M"), Some((MouseEventKind::ScrollLeft, 0, 4)));
    assert_eq!(event(b"\x1b[<35;4;5M"), Some((MouseEventKind::Moved, 3, 4)));
    assert_eq!(event(b"\x1b[<128;1;5M"), None);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(cut in 1_usize..9) {
        let bytes = "q\u{1b}[A日\u{1b}[<64;3;4M\u{1b}[200~text\u{1b}[201~\u{1b}OP".as_bytes();
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(cut) {
            decoder.feed(piece, &mut out);
        }
        prop_assert_eq!(out, decode(bytes));
    }
}

#[test]
fn fuzz_of_the_keys() {
    const SEEDS: [&[u8]; 8] = [
        "q\u{1b}[A日\u{1b}OP".as_bytes(),
        b"\x1b[<64;3;4M\x1b[<0;1;1m\x1b[M !!",
        b"\x1b[200~text\r\n\x1b[201~",
        b"\x1b[27;5;13~\x1b[97;6:3u\x1b[57399u\x1b[13;2u",
        b"\x1b[I\x1b[O\x1b[1;5D\x1b[3~",
        b"\x1b]11;rgb:1c1c/2a2a/ffff\x1b\\\x1b]10;rgb:f/f/f\x07\x1b]4;1;rgb:00/00/00\x07",
        b"\x1b[?62;22c\x1b[?1u\x1b[24;80R",
        b"\x1b\x1b\x1b[\x1b]\x1bP\x1b_",
    ];
    crate::fuzz::run("keys", 3_000, &SEEDS, |bytes| {
        let decoded = |piece: usize| {
            let (mut decoder, mut out) = (Decoder::default(), Vec::new());
            bytes.chunks(piece).for_each(|piece| decoder.feed(piece, &mut out));
            decoder.give_up(&mut out);
            assert!(decoder.patience().is_none());
            (out, decoder.take_colors().is_some())
        };
        let whole = decoded(usize::MAX);
        assert!(whole.0.len() <= bytes.len() + 1, "a byte is at most one key");
        assert_eq!(decoded(1 + bytes.len() % 7), whole, "pieces do not matter");
        let sorts = whole.0.iter().map(|input| match input {
            Input::Key(key) => format!("{:?}", key.code),
            other => format!("{:?}", std::mem::discriminant(other)),
        });
        (sorts.take(4).collect::<Vec<_>>(), whole.1)
    });
}
