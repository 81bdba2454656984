//! The shape of the house: who may import whom, what each file says of itself, and who may look at the clock.
//!
//! Who may import whom is read from the table of floors in `src/ARCHITECTURE.md`, so that it is written once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod functions;
mod source;
mod words;

use source::Source;

/// Modules that decide or hold plain data: no input or output, no clock, no thread, nothing asynchronous.
const PURE: [&str; 2] = ["domain", "engine"];

/// What a pure module does not name.
const IMPURE: [&str; 7] = ["std::fs", "std::net", "std::process", "std::thread", "std::io", "tokio", "std::sync::mpsc"];

/// What asks the operating system for the time.
const WALL_CLOCK: [&str; 5] = ["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "chrono"];

/// The places that may, each with its reason.
const MAY_SEE_THE_CLOCK: [(&str, &str); 3] = [
    ("clock.rs", "it is the one clock: everything else is handed the time, so that tests choose it"),
    (
        "process/liveness_probe.rs",
        "the age of a heartbeat file is what it reports; what follows from it is decided elsewhere",
    ),
    (
        "process/probe.rs",
        "a probe looks more rarely the longer it has waited; what follows from it is decided elsewhere",
    ),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = ["manager", "util", "utils", "common", "helper", "helpers", "core", "misc"];

/// The one exception: it is the field's word for it.
const FIELDS_WORD: &str = "restart_manager";

/// The length that no file exceeds.
const LONGEST: usize = 600;

/// The files of the dashboard that name colours: the theme, and who writes them to the terminal.
const NAME_COLORS: [&str; 3] = ["theme/mod.rs", "tones.rs", "ink.rs"];

/// The words of the map: what is longer is read by nobody.
const MAP_WORDS: usize = 1_500;

#[test]
fn a_module_imports_only_from_the_floors_below() {
    let floors = Floors::read();
    let complaints: Vec<_> =
        files("src").iter().flat_map(|(path, text)| floors.forbidden_imports(path, text)).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_module_of_the_crate_has_its_floor_and_every_floor_its_modules() {
    let floors = Floors::read();
    let modules: BTreeSet<_> = files("src").iter().map(|(path, _)| module_of(path)).collect();
    let on_floors = floors.0.iter().map(|(module, _)| module.clone()).chain(["lib".into()]).collect();
    assert_eq!(modules, on_floors, "the modules of the crate, and those of the table in src/ARCHITECTURE.md");
}

#[test]
fn decisions_and_words_do_no_input_or_output() {
    for (path, text) in files("src") {
        if PURE.contains(&module_of(&path).as_str()) {
            let source = Source::of(&text);
            let named = IMPURE.iter().find(|name| source.without_tests().names(name));
            assert_eq!(named, None, "`{path}` may not do this (see src/ARCHITECTURE.md)");
        }
    }
}

#[test]
fn only_the_named_places_look_at_the_wall_clock() {
    let all = files("src");
    for (path, text) in &all {
        let source = Source::of(text);
        let named = WALL_CLOCK.iter().find(|name| source.without_tests().names(name));
        match MAY_SEE_THE_CLOCK.iter().find(|(exception, _)| exception == path) {
            None if is_test_file(path, &all) => {}
            None => assert_eq!(named, None, "`{path}` may not ask for the time (see src/ARCHITECTURE.md)"),
            Some((_, reason)) => assert!(named.is_some(), "`{path}` is no exception any more ({reason})"),
        }
    }
    let missing = MAY_SEE_THE_CLOCK.iter().find(|(path, _)| all.iter().all(|(other, _)| other != path));
    assert_eq!(missing, None, "an exception for a file that does not exist");
}

#[test]
fn words_are_put_between_dashes_in_one_place() {
    let all = files("src");
    let frames = |text: &str| {
        let program = text.split("#[cfg(test)]").next().unwrap_or(text);
        source::pieces(program)
            .filter(|(kind, _)| *kind == source::Kind::Literal)
            .any(|(_, literal)| literal.starts_with("\"── ") || literal.contains(" ──"))
    };
    let frame: Vec<_> = all.iter().filter(|(_, text)| frames(text)).map(|(path, _)| path.as_str()).collect();
    let of_program: Vec<_> = frame.into_iter().filter(|path| !is_test_file(path, &all)).collect();
    assert_eq!(of_program, ["domain/own_line.rs"], "lines of devgroup are framed by `domain::framed`");
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in files("src").into_iter().chain(files("tests")) {
        let says = text.starts_with("//! ") || text.starts_with("#![doc");
        assert!(says, "`{path}` does not begin with a `//!` that says what it is");
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for (path, text) in files("src").into_iter().chain(files("tests")) {
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "`{path}` has {lines} lines: split it into rooms with good names");
    }
}

#[test]
fn no_file_has_an_empty_name() {
    for (path, _) in files("src").into_iter().chain(files("tests")) {
        let words = path.trim_end_matches(".rs").split('/').filter(|part| *part != FIELDS_WORD);
        let empty = words.flat_map(|part| part.split('_')).find(|word| EMPTY_NAMES.contains(word));
        assert_eq!(empty, None, "`{path}` needs a name that says what is inside");
    }
}

#[test]
fn a_module_with_a_folder_is_in_it() {
    let paths = |folder| files(folder).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    let complaints: Vec<_> =
        ["src", "tests"].into_iter().flat_map(|folder| beside_their_folders(&paths(folder))).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn colours_are_chosen_by_the_theme_alone() {
    // Its styles are all looked at by a test of their own.
    let files = files("src/tui").into_iter().filter(|(path, _)| !path.ends_with("tests.rs"));
    let (theirs, others): (Vec<_>, Vec<_>) = files.partition(|(path, _)| NAME_COLORS.contains(&path.as_str()));
    assert!(theirs.len() == NAME_COLORS.len() && theirs.iter().all(|(_, text)| text.contains("Color::")));
    for (path, text) in others {
        assert!(!text.contains("Color::"), "src/tui/{path} names a colour: the theme has the styles");
    }
}

#[test]
fn the_map_is_short_and_the_files_that_the_pages_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let words = page("src/ARCHITECTURE.md").split_whitespace().count();
    assert!(words <= MAP_WORDS, "src/ARCHITECTURE.md has {words} words: what explains a decision stands at its file");
    for name in ["src/ARCHITECTURE.md", "src/decisions.md", ".github/CONTRIBUTING.md"] {
        let page = page(name);
        let is_path = |word: &&str| word.contains('/') && (word.ends_with(".rs") || word.starts_with("src/"));
        let paths: Vec<_> = page.split('`').skip(1).step_by(2).filter(is_path).collect();
        assert!(!paths.is_empty(), "{name} names no file");
        for path in paths {
            let is_there = root.join(path).exists() || root.join("src").join(path).exists();
            assert!(is_there, "{name} names `{path}`, which is not there");
        }
    }
}

/// The files that have a folder of their own name beside them, each as a sentence: of two ways to write a module, one is used.
fn beside_their_folders(paths: &[String]) -> Vec<String> {
    let stems = paths.iter().filter_map(|path| path.strip_suffix(".rs"));
    let twice = stems.filter(|stem| paths.iter().any(|path| path.starts_with(&format!("{stem}/"))));
    twice.map(|stem| format!("`{stem}.rs` has a folder: it is `{stem}/mod.rs`")).collect()
}

/// What each module of the crate may import from the crate, in the order of the floors.
struct Floors(Vec<(String, Vec<String>)>);

impl Floors {
    /// Reads the table: `| 1 | `logs` | what lives there | `domain`, `clock` |`.
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ARCHITECTURE.md");
        Self::parse(&fs::read_to_string(path).unwrap())
    }

    fn parse(text: &str) -> Self {
        let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let mut floors: Vec<(String, Vec<String>)> = Vec::new();
        for row in text.lines() {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let ["", floor, module, _, imports, ""] = cells[..] else { continue };
            if floor.parse::<u8>().is_ok() {
                let all_above = || floors.iter().map(|(module, _)| module.clone()).collect();
                let imports = if imports == "all above" { all_above() } else { quoted(imports) };
                floors.extend(quoted(module).into_iter().map(|module| (module, imports.clone())));
            }
        }
        // The program itself has no room of its own.
        floors.push(("main".into(), vec!["cli".into()]));
        Self(floors)
    }

    /// The imports of a file that its floor forbids, each as a sentence.
    fn forbidden_imports(&self, path: &str, text: &str) -> Vec<String> {
        let module = module_of(path);
        let Some((_, allowed)) = self.0.iter().find(|(name, _)| *name == module) else {
            return Vec::new();
        };
        let known = |name: &String| self.0.iter().any(|(module, _)| module == name);
        let mut imports: BTreeSet<_> = Source::of(text).imports(depth_of(path)).into_iter().collect();
        imports.retain(|import| known(import) && *import != module && !allowed.contains(import));
        let sentence = |import| format!("`{path}` may not import `{import}` (see src/ARCHITECTURE.md)");
        imports.into_iter().map(sentence).collect()
    }
}

/// The module of the crate that a file below `src` belongs to.
fn module_of(path: &str) -> String {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs").to_owned()
}

/// How many `super::` lead from a file below `src` to the root of the crate.
fn depth_of(path: &str) -> usize {
    let parts: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
    parts.len() - usize::from(parts.last() == Some(&"mod"))
}

/// Whether a file is a module that its parent declares under `#[cfg(test)]`, or lies below one.
fn is_test_file(path: &str, all: &[(String, String)]) -> bool {
    let parts: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
    (1..parts.len()).any(|depth| {
        let parent = parts[..depth].join("/");
        let declares = |(other, text): &(String, String)| {
            let is_parent = *other == format!("{parent}.rs") || *other == format!("{parent}/mod.rs");
            is_parent && Source::of(text).declares_for_tests(parts[depth])
        };
        all.iter().any(declares)
    })
}

/// The Rust files below a folder of the repository, as relative path and text, in order.
fn files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    collect(&root, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no Rust file below {}", root.display());
    let read = |path: PathBuf| {
        let relative = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        (relative, fs::read_to_string(&path).unwrap())
    };
    found.into_iter().map(read).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The test is itself tested: a rule that cannot fail is none.
mod the_rules {
    use super::*;

    fn forbidden(path: &str, text: &str) -> Vec<String> {
        let table = "| floor | module | what | may import |\n|---|---|---|---|\n| 0 | `domain` | words | – |\n\
                     | 2 | `process` | ptys | `domain` |\n| 2 | `tui` | keys | `domain` |\n| 3 | `app` | all | all above |\n\
                     | 4 | `cli` | arguments | `app`, `domain` |\n";
        Floors::parse(table).forbidden_imports(path, text)
    }

    #[test]
    fn name_the_file_and_the_import() {
        let text = "use crate::process::Spawner;\nuse crate::domain::Phase;";
        assert_eq!(
            forbidden("tui/view/log_pane.rs", text),
            ["`tui/view/log_pane.rs` may not import `process` (see src/ARCHITECTURE.md)"]
        );
    }

    #[test]
    fn see_through_every_way_to_write_an_import() {
        let ways = [
            "use crate::{domain::{Phase, RunId}, process::{Spawner, exit::Waiter}};",
            "use crate::{\n    domain,\n    process,\n};",
            "pub(crate) use crate::process;",
            "fn f() { crate::process::spawn() }",
            "fn f() { let x: Vec<crate :: process::Run> = vec![]; }",
            "use super::super::super::process::Spawner;",
            "#[cfg(test)] mod tests { use crate::process::Spawner; }",
        ];
        for text in ways {
            assert_eq!(forbidden("tui/view/log_pane.rs", text).len(), 1, "{text}");
        }
        assert_eq!(forbidden("main.rs", "fn main() { devgroup::app::run() }").len(), 1);
        assert_eq!(forbidden("app/mod.rs", "use crate::{domain, process, tui};"), Vec::<String>::new());
        assert_eq!(forbidden("app/mod.rs", "use crate::cli::run;").len(), 1);
    }

    #[test]
    fn are_not_taken_in_by_words() {
        let words = [
            "//! Unlike `crate::process`, this draws.",
            "/* crate::process /* nested */ crate::process */",
            "const X: &str = \"crate::process\"; const Y: &str = r#\"\"crate::process\"#;",
            "fn f<'a>(x: &'a str) { let quote = '\"'; let slash = '\\''; /* crate::process */ }",
            "use super::process_list::Row;",
            "use super::super::process::Row;",
            "use crate::tui::process;",
            "use my_crate::process;",
        ];
        for text in words {
            assert_eq!(forbidden("tui/view/log_pane.rs", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn know_a_module_that_stands_beside_its_folder() {
        let complaints =
            |paths: &[&str]| beside_their_folders(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            complaints(&["logs/mod.rs", "logs/row.rs", "logs/row/pieces.rs"]),
            ["`logs/row.rs` has a folder: it is `logs/row/mod.rs`"]
        );
        assert!(complaints(&["logs/mod.rs", "logs/row/mod.rs", "logs/row/pieces.rs", "logs/rows.rs"]).is_empty());
    }

    #[test]
    fn let_tests_look_at_the_clock() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { Instant::now(); } }\n#[cfg(test)]\nuse a::b;\n";
        assert!(!Source::of(text).without_tests().names("Instant::now"));
        let text = "#[cfg(test)]\nmod tests { }\nfn f() { std::time::Instant::now(); }";
        assert!(Source::of(text).without_tests().names("Instant::now"));
        assert!(!Source::of("fn f() { MyInstant::now() }").names("Instant::now"));
        let files = [
            ("logs/mod.rs".to_owned(), "#[cfg(test)]\nmod tests;\nmod book;".to_owned()),
            ("logs/tests.rs".to_owned(), String::new()),
        ];
        assert!(is_test_file("logs/tests.rs", &files));
        assert!(!is_test_file("logs/log_store.rs", &files));
    }
}
