//! The history against a plain list of lines.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::logs::{Attributes, Color, LinkId};

fn style() -> impl Strategy<Value = Style> {
    let color = || {
        prop_oneof![
            2 => Just(Color::Default),
            1 => any::<u8>().prop_map(Color::Indexed),
            1 => any::<(u8, u8, u8)>().prop_map(|(red, green, blue)| Color::Rgb(red, green, blue)),
        ]
    };
    (color(), color(), color(), 0u16..4096, 0u32..9).prop_map(
        |(foreground, background, underline, attributes, link)| Style {
            foreground,
            underline,
            background,
            attributes: Attributes(attributes),
            link: LinkId::from_number(link),
        },
    )
}

proptest! {
    #![proptest_config(crate::logs::cases(48))]

    #[test]
    fn what_is_read_is_what_was_written(
        written in prop::collection::vec(
            (prop::collection::vec(("[a-zé漢 ]{0,60}", style()), 0..6), 0u64..5_000_000, 0u32..3, any::<bool>()),
            1..400,
        ),
        small in any::<bool>(),
    ) {
        let mut history = History::new(if small { 24 << 10 } else { 1 << 20 });
        let mut expected = Vec::new();
        for (id, (parts, micros, run, marker)) in written.into_iter().enumerate() {
            let (at, run) = (Moment::after_start(Duration::from_micros(micros)), RunId(run));
            let mut content = StyledText::default();
            history.set_run(run);
            let kind = if marker {
                content.text = parts.iter().map(|(text, _)| text.as_str()).collect();
                let kind = if parts.len() % 2 == 0 { MarkerKind::Start } else { MarkerKind::Other };
                history.push_marker(&content.text, kind, at);
                LineKind::Marker(kind)
            } else {
                for (text, style) in &parts {
                    content.push(text, *style);
                    history.line_to_extend(at).push(text, *style);
                }
                history.line_to_extend(at);
                history.end_line();
                LineKind::Output
            };
            expected.push(Line { id: LineId(id as u64), at, run, kind, content });
        }
        prop_assert_eq!(history.end(), expected.len() as u64);
        prop_assert_eq!(history.first(), history.dropped());
        // Backwards and then forwards, so that blocks are unpacked again.
        for line in expected.iter().rev().chain(&expected) {
            let kept = (line.id.0 >= history.first()).then(|| line.clone());
            prop_assert_eq!(history.line(line.id.0), kept);
        }
        prop_assert_eq!(history.line(expected.len() as u64), None);
    }
}

#[test]
fn kept_lines_are_compact_and_in_bounds() {
    let mut history = History::new(1 << 20);
    let mut seed = 1u32;
    for line in 0..60_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let text =
            format!("2026-11-22T14:02:11.{line:06} INFO request handled method=GET path=/users/{seed} status=200");
        history.line_to_extend(Moment::from_millis(line)).push(&text, Style::default());
        history.end_line();
        assert!(history.bytes() <= 1 << 20);
    }
    let kept = history.end() - history.first();
    let bytes = history.bytes() as u64 / kept;
    assert!(bytes < 64, "{bytes} bytes a line");
}
