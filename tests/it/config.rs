//! The configuration seen from outside: every mistake has a file of its own and the message that it is answered with,
//! every good file loads, and no text makes reader or renderer fail.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use devgroup::config::{self, Diagnostics, Loaded, RenderStyle};
use proptest::prelude::*;

const PLAIN: RenderStyle = RenderStyle { color: false, unicode: true, width: 100 };

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Compares the message of each file of a folder with the snapshot beside it.
fn messages(name: &str, of: impl Fn(&Path) -> Diagnostics) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder(name).join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in files(name) {
            // Without the place of this repository.
            let message = of(&file).render(PLAIN).replace(env!("CARGO_MANIFEST_DIR"), "");
            insta::assert_snapshot!(file.file_stem().unwrap().to_str().unwrap(), message);
        }
    });
}

fn loaded(file: &Path) -> Loaded {
    config::load(file).unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(PLAIN)))
}

#[test]
fn every_mistake_is_answered_with_its_message() {
    messages("invalid", |file| {
        let diagnostics = config::load(file).expect_err(&file.display().to_string());
        assert!(diagnostics.has_errors());
        diagnostics
    });
}

#[test]
fn what_is_hardly_meant_so_is_said_and_does_not_hinder() {
    messages("warnings", |file| {
        let warnings = loaded(file).warnings;
        assert!(!warnings.is_empty() && !warnings.has_errors());
        warnings
    });
}

#[test]
fn good_files_load_without_a_word() {
    for file in files("valid") {
        let warnings = loaded(&file).warnings;
        assert!(warnings.is_empty(), "{}", warnings.render(PLAIN));
    }
}

/// Good files and bad ones, as seeds of worse ones.
fn texts() -> Vec<String> {
    let files = files("valid").into_iter().chain(files("invalid"));
    files.filter_map(|file| fs::read_to_string(file).ok()).collect()
}

/// Texts that were cut, joined, repeated and sprinkled with letters that are wide, invisible or mean something.
fn mangled() -> impl Strategy<Value = String> {
    let texts = texts();
    let piece = prop_oneof![
        4 => (proptest::sample::select(texts), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(
            |(text, from, length)| {
                let chars: Vec<char> = text.chars().collect();
                let from = if chars.is_empty() { 0 } else { from.index(chars.len()) };
                chars.iter().skip(from).take(length.index(400)).collect()
            }
        ),
        2 => "[\\[\\]{}=,.\"'#\n\r\t \\\\$:a-c0-9!*/-]{0,6}",
        1 => "\\PC{0,4}",
        1 => proptest::sample::select(vec![
            "🦀", "é", "\u{202e}", "\u{0}", "\u{feff}", "字", "\"\"\"", "[services.", "depends_on = [\"", "${", "\r\n", "a\u{301}",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces: Vec<String>| pieces.concat())
}

fn check(text: &str) {
    let file = folder("valid").join("procgroup.toml");
    let diagnostics = match config::parse(text, &file) {
        Ok(loaded) => loaded.warnings,
        Err(diagnostics) => {
            assert!(diagnostics.has_errors());
            diagnostics
        }
    };
    let text = text.replace("\r\n", "\n");
    for item in &diagnostics.items {
        assert!(!item.labels.is_empty(), "{item:?}");
        for label in &item.labels {
            assert!(text.get(label.span.clone()).is_some(), "{label:?} is not in the text");
        }
    }
    for (color, unicode, width) in [(false, true, 80), (true, false, 0), (false, false, 21), (true, true, 4000)] {
        let message = diagnostics.render(RenderStyle { color, unicode, width });
        assert_eq!(message.is_empty(), diagnostics.is_empty());
        let harmless = |c: char| !c.is_control() || c == '\n' || (color && c == '\u{1b}');
        assert!(message.chars().all(harmless), "{message:?}");
    }
    assert!(!diagnostics.summary().contains('\n'));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_reader_or_renderer_fail(text in mangled()) {
        check(&text);
    }
}

#[test]
fn a_huge_file_of_mistakes_is_answered_in_time() {
    let mut text = String::new();
    for n in 0..30_000 {
        text.push_str(&format!("a{n} = 1\n"));
    }
    check(&text);
    check(&text.replace(" = ", ": "));
    check(&text.replace(" = ", " "));
    let services: String = (0..3000).map(|n| format!("s{n} = {{ run = 'x', depends_on = ['t{n}'] }}\n")).collect();
    check(&format!("[services]\n{services}"));
    // Each of these was compared with all before it, or searched from again.
    let many = |line: &dyn Fn(usize) -> String| {
        let lines: String = (0..16_000).map(|n| format!("s{n}={{run='x',{}}}\n", line(n))).collect();
        check(&format!("[services]\n{lines}"));
    };
    many(&|n| format!("depends_on=['s{}']", (n + 1) % 16_000));
    many(&|n| format!("ready={{port=1}},profiles=['{n}']"));
}

#[test]
fn no_end_of_a_good_file_is_missed() {
    let text = fs::read_to_string(folder("valid").join("contract.toml")).unwrap();
    // A file that is being written may end anywhere.
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)).step_by(7) {
        check(&text[..end]);
    }
}

/// The mistakes that people make, by their files: the code, the text that is pointed at, and a part of the remedy.
const MISTAKES: [(&str, &str, &str, &str); 14] = [
    ("unknown-key", "unknown-key", "wacth", "without it nothing restarts api"),
    ("cycle", "cycle", "\"db\"", "remove one of these"),
    ("unknown-service", "unknown-service", "\"wroker\"", "services here"),
    ("missing-run", "missing-run", "[services.worker]", "run = "),
    ("duration", "duration", "20", "\"20s\""),
    ("signal", "signal", "\"TREM\"", "TERM (default)"),
    ("dir", "dir", "\"snapshot\"", "relative to this file"),
    ("argv", "argv", "[\"npm run dev\"]", "(through the shell)"),
    ("yaml", "not-toml", ":", "[services]"),
    ("procfile", "not-toml", ":", "api = \"cargo run -p api\""),
    ("json", "not-toml", "{", "[services]"),
    ("utf16", "not-utf8", "\u{fffd}", "UTF-8"),
    ("duplicate-key", "duplicate", "run", "keep one"),
    ("env-file", "env-file", "\"malformed.env\"", "NAME=value"),
];

#[test]
fn each_mistake_has_its_place_its_reason_and_its_remedy() {
    let mut wrong = Vec::new();
    for (file, code, place, remedy) in MISTAKES {
        let path = folder("invalid").join(file).with_extension("toml");
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let diagnostics = config::load(&path).unwrap_err();
        let Some(item) = diagnostics.items.iter().find(|item| item.code == code) else {
            wrong.push(format!("{file}: no {code}"));
            continue;
        };
        let at =
            item.labels.first().map(|label| (text.get(label.span.clone()).unwrap_or_default(), label.text.as_str()));
        let help = item.help.clone().unwrap_or_default();
        let good = at.is_some_and(|(at, why)| at.contains(place) && !why.is_empty()) && help.contains(remedy);
        if !good {
            wrong.push(format!("{file}: {at:?} {help:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_edge_of_a_circle_is_shown() {
    let diagnostics = config::load(&folder("invalid").join("cycle.toml")).unwrap_err();
    let cycle = diagnostics.items.iter().find(|item| item.code == "cycle").unwrap();
    let edges = cycle.message.matches('→').count();
    assert!(edges > 1);
    assert_eq!(cycle.labels.len(), edges, "{cycle:?}");
}

#[test]
fn whatever_is_wrong_is_said_with_what_to_do() {
    let mut silent = BTreeSet::new();
    for file in files("invalid").into_iter().chain(files("warnings")) {
        let diagnostics = config::load(&file).map_or_else(|diagnostics| diagnostics, |loaded| loaded.warnings);
        silent.extend(diagnostics.items.iter().filter(|item| item.help.is_none()).map(|item| item.message.clone()));
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
