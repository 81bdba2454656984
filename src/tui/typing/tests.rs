//! What a service gets when somebody types, and when typing ends.

use crossterm::event::{KeyEventState, KeyModifiers};
use proptest::prelude::*;

use super::*;
use crate::domain::Phase;
use crate::logs::{ExtendedKeys, MouseEncoding, MouseEvents};
use crate::tui::fixture::{Bench, NOW, stopping};
use crate::tui::input::Decoder;

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

fn encoded(code: KeyCode, modifiers: KeyModifiers, modes: InputModes) -> String {
    String::from_utf8(keys::encode(KeyEvent::new(code, modifiers), modes)).expect("text")
}

#[test]
fn keys_as_xterm_sends_them() {
    let cases = [
        (KeyCode::Char('a'), NONE, "a"),
        (KeyCode::Char('é'), NONE, "é"),
        (KeyCode::Char('日'), ALT, "\x1b日"),
        (KeyCode::Char('a'), SHIFT, "A"),
        (KeyCode::Char('a'), CTRL, "\x01"),
        (KeyCode::Char('A'), CTRL, "\x01"),
        (KeyCode::Char(' '), CTRL, "\0"),
        (KeyCode::Char('\\'), CTRL, "\x1c"),
        (KeyCode::Char('4'), CTRL, "\x1c"),
        (KeyCode::Char(']'), CTRL, "\x1d"),
        (KeyCode::Char('5'), CTRL, "\x1d"),
        (KeyCode::Char('/'), CTRL, "\x1f"),
        (KeyCode::Char('8'), CTRL, "\x7f"),
        (KeyCode::Char('!'), CTRL, "!"),
        (KeyCode::Char('x'), ALT, "\x1bx"),
        (KeyCode::Char('x'), ALT.union(CTRL), "\x1b\x18"),
        (KeyCode::Enter, NONE, "\r"),
        (KeyCode::Enter, CTRL, "\n"),
        (KeyCode::Enter, ALT, "\x1b\r"),
        (KeyCode::Esc, NONE, "\x1b"),
        (KeyCode::Tab, NONE, "\t"),
        (KeyCode::BackTab, SHIFT, "\x1b[Z"),
        (KeyCode::Backspace, NONE, "\x7f"),
        (KeyCode::Backspace, CTRL, "\x08"),
        (KeyCode::Backspace, ALT, "\x1b\x7f"),
        (KeyCode::Up, NONE, "\x1b[A"),
        (KeyCode::Up, CTRL, "\x1b[1;5A"),
        (KeyCode::Left, SHIFT.union(ALT), "\x1b[1;4D"),
        (KeyCode::Home, NONE, "\x1b[H"),
        (KeyCode::End, CTRL, "\x1b[1;5F"),
        (KeyCode::Insert, NONE, "\x1b[2~"),
        (KeyCode::Delete, SHIFT, "\x1b[3;2~"),
        (KeyCode::PageUp, NONE, "\x1b[5~"),
        (KeyCode::PageDown, CTRL, "\x1b[6;5~"),
        (KeyCode::F(1), NONE, "\x1bOP"),
        (KeyCode::F(4), SHIFT, "\x1b[1;2S"),
        (KeyCode::F(5), NONE, "\x1b[15~"),
        (KeyCode::F(11), NONE, "\x1b[23~"),
        (KeyCode::F(12), CTRL, "\x1b[24;5~"),
        (KeyCode::F(20), NONE, "\x1b[34~"),
        (KeyCode::F(35), NONE, ""),
        (KeyCode::CapsLock, NONE, ""),
    ];
    for (code, modifiers, expected) in cases {
        assert_eq!(encoded(code, modifiers, InputModes::default()), expected, "{modifiers:?} {code:?}");
    }
}

#[test]
fn the_modes_of_cursor_keys_keypad_and_enter() {
    let cursor = InputModes { application_cursor: true, ..InputModes::default() };
    assert_eq!(encoded(KeyCode::Up, NONE, cursor), "\x1bOA");
    assert_eq!(encoded(KeyCode::Home, NONE, cursor), "\x1bOH");
    assert_eq!(encoded(KeyCode::Up, CTRL, cursor), "\x1b[1;5A");
    assert_eq!(encoded(KeyCode::Delete, NONE, cursor), "\x1b[3~");
    let newline = InputModes { newline: true, ..InputModes::default() };
    assert_eq!(encoded(KeyCode::Enter, NONE, newline), "\r\n");
    let on_keypad = |code, modes| {
        let key = KeyEvent { state: KeyEventState::KEYPAD, ..KeyEvent::new(code, NONE) };
        String::from_utf8(keys::encode(key, modes)).expect("text")
    };
    let keypad = InputModes { application_keypad: true, ..InputModes::default() };
    for (code, plain, application) in [
        (KeyCode::Char('0'), "0", "\x1bOp"),
        (KeyCode::Char('9'), "9", "\x1bOy"),
        (KeyCode::Char('*'), "*", "\x1bOj"),
        (KeyCode::Char('+'), "+", "\x1bOk"),
        (KeyCode::Enter, "\r", "\x1bOM"),
    ] {
        assert_eq!(
            (on_keypad(code, InputModes::default()), on_keypad(code, keypad)),
            (plain.into(), application.into())
        );
    }
    assert_eq!(encoded(KeyCode::Char('0'), NONE, keypad), "0", "the other zero");
}

#[test]
fn keys_that_usually_send_the_same_are_told_apart_where_that_was_asked_for() {
    let with = |extended_keys| InputModes { extended_keys, ..InputModes::default() };
    let asked = [ExtendedKeys::None, ExtendedKeys::Lost, ExtendedKeys::Other, ExtendedKeys::Kitty].map(with);
    for (code, modifiers, expected) in [
        (KeyCode::Char('a'), NONE, ["a"; 4]),
        (KeyCode::Char('a'), SHIFT, ["A"; 4]),
        (KeyCode::Char('a'), CTRL, ["\x01", "\x01", "\x1b[27;5;97~", "\x1b[97;5u"]),
        (KeyCode::Char('a'), CTRL.union(SHIFT), ["\x01", "\x1b[27;6;97~", "\x1b[27;6;97~", "\x1b[97;6u"]),
        (KeyCode::Char('1'), CTRL, ["1", "\x1b[27;5;49~", "\x1b[27;5;49~", "\x1b[49;5u"]),
        (KeyCode::Char('4'), CTRL, ["\x1c"; 4]),
        (KeyCode::Char('x'), ALT, ["\x1bx", "\x1bx", "\x1b[27;3;120~", "\x1b[120;3u"]),
        (KeyCode::Enter, NONE, ["\r"; 4]),
        (KeyCode::Enter, SHIFT, ["\r", "\x1b[27;2;13~", "\x1b[27;2;13~", "\x1b[13;2u"]),
        (KeyCode::Enter, ALT, ["\x1b\r", "\x1b\r", "\x1b[27;3;13~", "\x1b[13;3u"]),
        (KeyCode::Tab, CTRL, ["\t", "\x1b[27;5;9~", "\x1b[27;5;9~", "\x1b[9;5u"]),
        (KeyCode::BackTab, SHIFT, ["\x1b[Z", "\x1b[Z", "\x1b[27;2;9~", "\x1b[9;2u"]),
        (KeyCode::Esc, NONE, ["\x1b", "\x1b", "\x1b", "\x1b[27u"]),
        (KeyCode::Up, CTRL, ["\x1b[1;5A"; 4]),
        (KeyCode::Char('\u{1f980}'), ALT, ["\x1b\u{1f980}"; 4]),
    ] {
        assert_eq!(asked.map(|modes| encoded(code, modifiers, modes)), expected, "{modifiers:?} {code:?}");
    }
}

#[test]
fn a_paste_is_bracketed_if_the_service_has_asked_and_cannot_end_itself() {
    let bracketed = InputModes { bracketed_paste: true, ..InputModes::default() };
    assert_eq!(keys::paste("a\nb", InputModes::default()), b"a\rb");
    assert_eq!(keys::paste("a\nb", bracketed), b"\x1b[200~a\rb\x1b[201~");
    assert_eq!(keys::paste("a\x1b[201~rm", bracketed), b"\x1b[200~a[201~rm\x1b[201~");
}

#[test]
fn the_mouse_in_all_four_forms() {
    let press = MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column: 0, row: 0, modifiers: NONE };
    let release = MouseEvent { kind: MouseEventKind::Up(MouseButton::Right), ..press };
    let drag = MouseEvent { kind: MouseEventKind::Drag(MouseButton::Left), modifiers: CTRL, ..press };
    let wheel = MouseEvent { kind: MouseEventKind::ScrollUp, ..press };
    let send = |event, mouse, mouse_encoding| {
        mouse::encode(event, 9, 4, InputModes { mouse, mouse_encoding, ..InputModes::default() })
    };
    let (sgr, bytes) = (MouseEncoding::Sgr, MouseEncoding::Bytes);
    assert_eq!(send(press, MouseEvents::Clicks, sgr).unwrap(), b"\x1b[<0;10;5M");
    assert_eq!(send(release, MouseEvents::Clicks, sgr).unwrap(), b"\x1b[<2;10;5m");
    assert_eq!(send(drag, MouseEvents::Drags, sgr).unwrap(), b"\x1b[<48;10;5M");
    assert_eq!(send(wheel, MouseEvents::Clicks, sgr).unwrap(), b"\x1b[<64;10;5M");
    assert_eq!(send(press, MouseEvents::Clicks, bytes).unwrap(), b"\x1b[M *%");
    assert_eq!(send(release, MouseEvents::Clicks, bytes).unwrap(), b"\x1b[M#*%");
    assert_eq!(send(press, MouseEvents::Clicks, MouseEncoding::Urxvt).unwrap(), b"\x1b[32;10;5M");
    assert_eq!(send(press, MouseEvents::Clicks, MouseEncoding::Utf8).unwrap(), b"\x1b[M *%");
    let far = |encoding| {
        let modes = InputModes { mouse: MouseEvents::Clicks, mouse_encoding: encoding, ..InputModes::default() };
        mouse::encode(press, 299, 0, modes).unwrap()
    };
    assert_eq!(far(bytes), b"", "a byte cannot tell it");
    assert_eq!(far(MouseEncoding::Utf8), "\x1b[M \u{14c}!".as_bytes());
    assert_eq!(send(drag, MouseEvents::Clicks, sgr).unwrap(), b"", "not asked for, and nobody else's either");
    assert_eq!(send(release, MouseEvents::Presses, sgr).unwrap(), b"");
    assert_eq!(send(press, MouseEvents::None, sgr), None);
    let pager = InputModes { alternate_screen: true, alternate_scroll: true, ..InputModes::default() };
    assert_eq!(mouse::encode(wheel, 0, 0, pager).unwrap(), b"\x1b[A\x1b[A\x1b[A");
    assert_eq!(mouse::encode(press, 0, 0, pager), None);
}

proptest! {
    /// What a terminal sends, and what is sent on, is the same: the decoder and the encoder are inverse.
    #[test]
    fn whatever_a_terminal_sends_arrives(
        code in prop_oneof![
            // The private ones are the numbers of keys without a character.
            any::<char>()
                .prop_filter("printable", |c| !c.is_control() && !('\u{e000}'..='\u{f8ff}').contains(c))
                .prop_map(KeyCode::Char),
            (1_u8..=20).prop_map(KeyCode::F),
            Just(KeyCode::Up), Just(KeyCode::Home), Just(KeyCode::Delete), Just(KeyCode::Enter), Just(KeyCode::Tab),
            Just(KeyCode::Backspace), Just(KeyCode::PageUp), Just(KeyCode::Esc),
        ],
        bits in 0_u8..8,
        extended_keys in proptest::sample::select(vec![
            ExtendedKeys::None, ExtendedKeys::Lost, ExtendedKeys::Other, ExtendedKeys::Kitty,
        ]),
    ) {
        let modifiers = KeyModifiers::from_bits_truncate(bits);
        let modes = InputModes { extended_keys, ..InputModes::default() };
        let bytes = keys::encode(KeyEvent::new(code, modifiers), modes);
        let (mut decoder, mut inputs) = (Decoder::default(), Vec::new());
        decoder.feed(&bytes, &mut inputs);
        decoder.give_up(&mut inputs);
        let sent = inputs.iter().flat_map(|input| match input {
            Input::Key(key) => keys::encode(*key, modes),
            other => panic!("{other:?}"),
        });
        prop_assert_eq!(sent.collect::<Vec<u8>>(), bytes);
    }
}

/// A bench with the selected service being typed into.
fn typing() -> Bench {
    let mut bench = Bench::shop(80, 24);
    bench.press("i");
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Typing);
    bench
}

fn input_at(bench: &mut Bench, input: Input, now: Moment) -> Vec<Command> {
    let snapshot = bench.snapshot.clone();
    let world = World { snapshot: &snapshot, size: bench.size, now };
    bench.ui.check_typing(&world);
    let receiver = Receiver { area: Rect { x: 24, y: 2, width: 56, height: 20 }, ..Receiver::default() };
    match bench.ui.typist.target() {
        Some(_) => bench.ui.typed(input, &world, receiver),
        None => bench.ui.input(input, &world),
    }
}

fn key(bench: &mut Bench, code: KeyCode, modifiers: KeyModifiers) -> Vec<Command> {
    input_at(bench, Input::Key(KeyEvent::new(code, modifiers)), NOW)
}

fn sent(text: &str) -> Vec<Command> {
    vec![Command::Input { service: "api".into(), bytes: text.into() }]
}

#[test]
fn no_key_means_anything_to_the_dashboard() {
    let mut bench = typing();
    for c in "qQrxX?zW:/\u{e9}".chars() {
        assert_eq!(key(&mut bench, KeyCode::Char(c), NONE), sent(&c.to_string()));
    }
    assert_eq!(key(&mut bench, KeyCode::Char('c'), CTRL), sent("\x03"));
    assert_eq!(key(&mut bench, KeyCode::Esc, NONE), sent("\x1b"));
    assert_eq!(input_at(&mut bench, Input::Paste("q\n".into()), NOW), sent("q\r"));
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Typing);
}

#[test]
fn the_chord_leaves_and_twice_sends_it() {
    for code in [KeyCode::Char(']'), KeyCode::Char('5')] {
        let mut bench = typing();
        assert_eq!(key(&mut bench, code, CTRL), []);
        assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
        assert_eq!(key(&mut bench, code, CTRL), sent("\x1d"));
        assert_eq!(key(&mut bench, KeyCode::Char('q'), NONE), sent("q"), "still typing");
        key(&mut bench, code, CTRL);
        assert_eq!(key(&mut bench, KeyCode::Char('q'), NONE), [Command::Quit]);
        assert_eq!(key(&mut bench, code, CTRL), [], "not twice: another key was between");
    }
    let mut bench = typing();
    key(&mut bench, KeyCode::Char('5'), CTRL);
    let late = Input::Key(KeyEvent::new(KeyCode::Char('5'), CTRL));
    assert_eq!(input_at(&mut bench, late, NOW + TWICE * 2), []);
}

fn click(column: u16, row: u16) -> MouseEvent {
    MouseEvent { kind: MouseEventKind::Down(MouseButton::Left), column, row, modifiers: NONE }
}

#[test]
fn a_click_on_the_sidebar_leaves_and_selects() {
    let mut bench = typing();
    input_at(&mut bench, Input::Mouse(click(40, 10)), NOW);
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Typing, "a click into the pane is none of our business");
    input_at(&mut bench, Input::Mouse(click(6, 1)), NOW);
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
    assert_eq!(bench.ui.selected(&bench.snapshot), Some(0));
}

#[test]
fn a_button_that_was_pressed_in_the_pane_is_the_services_until_it_is_released() {
    let mut bench = typing();
    let modes = InputModes { mouse: MouseEvents::Drags, mouse_encoding: MouseEncoding::Sgr, ..InputModes::default() };
    let area = Rect { x: 24, y: 2, width: 56, height: 20 };
    let mut mouse = |kind, column, row| {
        let snapshot = bench.snapshot.clone();
        let world = World { snapshot: &snapshot, size: bench.size, now: NOW };
        let event = MouseEvent { kind, column, row, modifiers: NONE };
        bench.ui.typed(Input::Mouse(event), &world, Receiver { modes, area, top: 0 })
    };
    let left = MouseButton::Left;
    assert_eq!(mouse(MouseEventKind::Down(left), 25, 3), sent("\x1b[<0;2;2M"));
    assert_eq!(mouse(MouseEventKind::Drag(left), 0, 23), sent("\x1b[<32;1;20M"));
    assert_eq!(mouse(MouseEventKind::Up(left), 79, 0), sent("\x1b[<0;56;1m"));
    assert_eq!(mouse(MouseEventKind::Drag(left), 79, 0), [], "not pressed in the pane");
    assert_eq!(mouse(MouseEventKind::Down(left), 79, 0), []);
    assert_eq!(mouse(MouseEventKind::Up(left), 79, 0), []);
}

#[test]
fn a_service_that_does_not_run_says_so() {
    let mut bench = Bench::shop(80, 24);
    bench.press("6i");
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal);
    assert!(bench.text().contains("mail is not running"), "{}", bench.text());
}

fn end(bench: &mut Bench) {
    bench.snapshot.services[1].phase = Phase::Down;
}

#[test]
fn what_is_typed_after_the_end_of_the_service_is_for_nobody() {
    let mut bench = typing();
    key(&mut bench, KeyCode::Char('a'), NONE);
    end(&mut bench);
    let much_later = NOW + Duration::from_secs(3600);
    for (code, modifiers) in [('Q', NONE), ('q', NONE), ('x', NONE), ('c', CTRL), ('d', CTRL), (':', NONE)] {
        let input = Input::Key(KeyEvent::new(KeyCode::Char(code), modifiers));
        assert_eq!(input_at(&mut bench, input, much_later), [], "{code}");
    }
    assert_eq!(input_at(&mut bench, Input::Paste("Q\nq".into()), NOW), []);
    assert_eq!(input_at(&mut bench, Input::Mouse(click(40, 10)), NOW), []);
    assert_eq!(key(&mut bench, KeyCode::Up, NONE), []);
    assert_eq!(bench.ui.context(&bench.snapshot), Context::Typing);
    assert!(bench.text().contains("not typed: api has exited · Enter, Esc or Ctrl-] stops typing"), "{}", bench.text());
    assert_eq!(key(&mut bench, KeyCode::Esc, NONE), []);
    assert_eq!(key(&mut bench, KeyCode::Char('q'), NONE), [Command::Quit]);
}

#[test]
fn the_key_that_leaves_a_click_on_the_sidebar_and_enter_leave_what_has_ended() {
    for input in [
        Input::Key(KeyEvent::new(KeyCode::Char(']'), CTRL)),
        Input::Key(KeyEvent::new(KeyCode::Esc, NONE)),
        Input::Key(KeyEvent::new(KeyCode::Enter, NONE)),
        Input::Mouse(click(6, 2)),
    ] {
        let mut bench = typing();
        end(&mut bench);
        assert!(bench.text().contains("api has exited · Enter, Esc or Ctrl-] stops typing"), "{}", bench.text());
        assert_eq!(input_at(&mut bench, input.clone(), NOW), []);
        assert_eq!(bench.ui.context(&bench.snapshot), Context::Normal, "{input:?}");
    }
}

#[test]
fn enter_ends_what_was_typed_for_a_service_that_has_ended() {
    for begun in [None, Some(KeyCode::Char('l'))] {
        let mut bench = typing();
        begun.map(|code| key(&mut bench, code, NONE));
        end(&mut bench);
        for (code, context) in [(KeyCode::Char('Q'), Context::Typing), (KeyCode::Enter, Context::Normal)] {
            assert_eq!(key(&mut bench, code, NONE), []);
            assert_eq!(bench.ui.context(&bench.snapshot), context, "{code:?} after {begun:?}");
        }
        assert!(!bench.text().contains("stops typing"), "{}", bench.text());
    }
}

#[test]
fn what_was_begun_is_not_for_the_next_run_either() {
    let mut bench = typing();
    bench.snapshot.services[1].phase = Phase::Running { run: RunId(2), since: NOW, ready: false };
    assert!(bench.text().contains("api was restarted · Enter, Esc or Ctrl-] stops typing"), "{}", bench.text());
    assert_eq!(key(&mut bench, KeyCode::Char('x'), NONE), []);
    key(&mut bench, KeyCode::Esc, NONE);
    bench.press("i");
    assert_eq!(key(&mut bench, KeyCode::Char('x'), NONE), sent("x"));
}

#[test]
fn a_service_that_is_removed_or_a_group_that_stops_ends_it_the_same_way() {
    let mut bench = typing();
    bench.snapshot.services.remove(1);
    assert_eq!(key(&mut bench, KeyCode::Char('Q'), NONE), []);
    assert!(bench.text().contains("api has exited"), "{}", bench.text());

    let mut bench = typing();
    bench.snapshot.stopping = stopping().stopping;
    for code in ['Q', 'q'] {
        assert_eq!(key(&mut bench, KeyCode::Char(code), NONE), []);
    }
    assert!(bench.text().contains("the group is stopping · Enter, Esc or Ctrl-] stops typing"), "{}", bench.text());
    key(&mut bench, KeyCode::Esc, NONE);
    assert_eq!(key(&mut bench, KeyCode::Char('Q'), NONE), [Command::QuitNow]);
}
