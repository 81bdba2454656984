//! The README and the help pages say what the program does.

use std::path::{Path, PathBuf};

use devgroup::config::{self, RenderStyle};
use devgroup::tui;

fn read(relative: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(relative);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between ``` fences after a word.
fn block_after(text: &str, word: &str) -> String {
    let rest = &text[text.find(word).unwrap_or_else(|| panic!("no {word:?}"))..];
    let start = rest.find("```").and_then(|fence| rest[fence..].find('\n').map(|end| fence + end + 1)).unwrap();
    let end = rest[start..].find("```").unwrap();
    rest[start..start + end].to_owned()
}

#[test]
fn the_readme_has_the_table_of_keys() {
    let table = tui::key_table_markdown();
    assert!(read("README.md").contains(&table), "the README should hold this table:\n\n{table}");
}

#[test]
fn the_readme_shows_a_message_as_it_is() {
    let text = "[services]\ndb = \"docker compose up db\"\n\n[services.api]\nrun   = \"cargo run -p api\"\nwacth = [\"crates/api/**\"]\n";
    let diagnostics = config::parse(text, &PathBuf::from("procgroup.toml")).map(|_| ()).unwrap_err();
    let message = diagnostics.render(RenderStyle { color: false, unicode: true, width: 100 });
    assert_eq!(block_after(&read("README.md"), "All problems of a file are reported at once").trim(), message.trim());
}

#[test]
fn the_examples_of_the_readme_are_valid() {
    let readme = read("README.md");
    let mut examples = 0;
    for part in readme.split("```toml\n").skip(1) {
        let example = part.split("```").next().unwrap();
        let file = PathBuf::from("/tmp/procgroup.toml");
        if let Err(diagnostics) = config::parse(example, &file) {
            panic!("{}", diagnostics.render(RenderStyle { color: false, unicode: true, width: 80 }));
        }
        examples += 1;
    }
    assert!(examples >= 2, "{examples} examples");
}

#[test]
fn the_readme_and_the_help_list_the_same_exit_codes() {
    let (readme, help) = (read("README.md"), read("assets/help/exit-codes.txt"));
    for code in ["0", "1", "2", "3", "5", "6", "7", "124", "128+n"] {
        assert!(readme.contains(&format!("| {code} |")), "{code} is missing in the README");
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(&format!("{code} "))),
            "{code} is missing in help"
        );
    }
}
