//! The screens of vttest (version 2.7, menus 1, 2 and 3 at 80×24): cursor movement, screen features, character sets.
//!
//! Each screen that waits for RETURN is compared with a picture that was looked at, and with the oracle but for three:
//! it has no British character set, and in origin mode it does not count lines from the margin when going home.

use super::oracle_tests::Pair;

const PROMPT: &[u8] = b"Push <RETURN>";

fn screens(recording: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(recording, PROMPT).map(|start| start + PROMPT.len())
}

fn check(name: &str, recording: &[u8], unlike_the_oracle: &[usize]) {
    for (number, end) in screens(recording).enumerate() {
        let mut pair = Pair::new(80, 24);
        pair.feed(recording.get(..end).unwrap(), 1000);
        let rows = pair.ours.grid.rows.iter().map(|row| {
            let mut text = crate::logs::StyledText::default();
            row.append_to(0, pair.ours.grid.columns, &mut text);
            text.text.trim_end().to_owned()
        });
        let picture = rows.collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(format!("vttest_{name}_{number}"), picture);
        if !unlike_the_oracle.contains(&number) {
            eprintln!("{name}, screen {number}");
            pair.compare_cells();
            pair.compare_cursor();
        }
    }
}

#[test]
fn cursor_movements_end_as_in_the_manual() {
    check("cursor", include_bytes!("../../../tests/recordings/vttest/cursor.raw"), &[]);
}

#[test]
fn screen_features_end_as_in_the_manual() {
    check("features", include_bytes!("../../../tests/recordings/vttest/features.raw"), &[6, 8]);
}

#[test]
fn character_sets_end_as_in_the_manual() {
    check("charsets", include_bytes!("../../../tests/recordings/vttest/charsets.raw"), &[0]);
}
