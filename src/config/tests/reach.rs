//! The warning about patterns that can never match.

use super::*;

/// The first warning of a service that watches `pattern`, with these ignore files.
fn warning(files: &[(&str, &str)], more: &str, pattern: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let text = format!("[services.api]\nrun = 'api'\nwatch = ['{pattern}']\n{more}");
    let loaded = parse(&text, &folder.path().join(FILE_NAME)).unwrap_or_else(|p| panic!("{}", p.render(plain())));
    let first = loaded.warnings.items.first()?;
    assert_eq!(first.code, "dead-watch");
    Some(format!("{} | {}", first.message, first.help.clone().unwrap_or_default()))
}

const TARGET: (&str, &str) = (".gitignore", "# build\n/target\n*.log\n!keep.log\n");

#[test]
fn a_pattern_below_an_ignored_folder_is_dead() {
    assert_eq!(
        warning(&[TARGET], "", "target/debug/api").as_deref(),
        Some(
            "this pattern can never match: the files are ignored by .gitignore:2 `/target` | \
             to watch it in spite of that:  ignore = [\"!target/debug/api\"]"
        )
    );
    assert!(warning(&[TARGET], "", "target/**").unwrap().ends_with("ignore = [\"!target/\"]"));
    assert!(warning(&[("web/.gitignore", "out")], "", "web/out/**").unwrap().contains("web/.gitignore:1 `out`"));
    assert!(warning(&[(".git/info/exclude", "private")], "", "private/**").unwrap().contains(".git/info/exclude:1"));
}

#[test]
fn a_pattern_that_something_lets_in_is_not_dead() {
    assert_eq!(warning(&[TARGET], "ignore = ['!target/debug/api']", "target/debug/api"), None);
    assert_eq!(warning(&[TARGET], "ignore = ['!target/']", "target/debug/api"), None);
    assert_eq!(warning(&[TARGET], "[watch]\nignore = ['!target/debug/**']", "target/**"), None);
    assert_eq!(warning(&[TARGET], "[watch]\nalso = ['target/']", "target/debug/api"), None);
    assert_eq!(warning(&[TARGET], "[watch]\ngitignore = false", "target/debug/api"), None);
    assert_eq!(warning(&[TARGET], "", "src/**"), None);
    assert_eq!(warning(&[TARGET], "", "**/target/*.log"), None);
    assert_eq!(warning(&[TARGET], "", "!target/**', '**"), None);
    assert_eq!(warning(&[TARGET], "", "keep.log"), None);
    assert_eq!(warning(&[(".gitignore", ".env")], "", ".env"), None, "`.env*` is let in by default");
}

#[test]
fn a_folder_is_not_a_file() {
    assert_eq!(
        warning(&[("src/main.rs", "")], "", "src/").as_deref(),
        Some("the pattern `src/` can never match: it is a folder | \"src/**\"")
    );
    assert_eq!(warning(&[("src/main.rs", "")], "", "src/main.rs"), None);
}

#[test]
fn a_group_at_the_top_of_the_file_system_is_looked_at_too() {
    let text = "[services.api]\nrun = 'api'\nwatch = ['nowhere/at/all/**', 'x', '..x/y']\nignore = ['!nowhere/']";
    assert!(parse(text, Path::new("/procgroup.toml")).unwrap().warnings.is_empty());
}
