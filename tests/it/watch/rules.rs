//! The rules as a whole: the group's own lists, git's files below them, and the reason for each decision.

use devgroup::domain::{PathVerdict, Rule, RuleSource};
use devgroup::watch::rules::Rules;

use super::*;

/// The decision for a path that is a file, or a folder if it ends in a slash.
fn decide(spec: &GroupSpec, path: &str) -> Match {
    let mut rules = Rules::new(spec, &[]);
    rules.load_towards(Path::new(path));
    rules.decide(Path::new(path), path.ends_with('/'))
}

/// The decision in one line: `watched api services.api.watch:1 **`.
pub(super) fn decision_text(spec: &GroupSpec, path: &str) -> String {
    let rule = |rule: &Rule| match (rule.line, &rule.source) {
        (_, RuleSource::BuiltIn(sort)) => format!("built-in {sort}"),
        (Some(line), _) => format!("{}:{line} {}", source(&rule.source), rule.pattern),
        (None, _) => format!("{} {}", source(&rule.source), rule.pattern),
    };
    match decide(spec, path) {
        Match::Watched { services, rule: why } => {
            let names: Vec<_> = services.iter().map(|name| name.as_str()).collect();
            format!("watched {} {}", names.join(","), rule(&why))
        }
        Match::Ignored(why) => format!("ignored {}", rule(&why)),
        Match::NoMatch => String::from("no match"),
    }
}

pub(super) fn source(source: &RuleSource) -> String {
    match source {
        RuleSource::BuiltIn(_) => String::from("built-in"),
        RuleSource::IgnoreFile(file) => file.display().to_string(),
        RuleSource::ServiceWatch(name) => format!("{name}.watch"),
        RuleSource::ServiceIgnore(name) => format!("{name}.ignore"),
        RuleSource::GroupIgnore => String::from("watch.ignore"),
        RuleSource::GroupAlso => String::from("watch.also"),
        RuleSource::EnvFile(name) => format!("{name}.env_file"),
    }
}

#[test]
fn own_lists_win_over_git_and_git_wins_over_the_built_ins() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(root.join(".gitignore"), "/target\n*.gen\n.env\n!*.log\n");
    write(root.join("docs/.ignore"), "!a.gen\n");
    let mut spec = all(root);
    spec.watch.ignore = patterns(&["docs/old/", "!target/debug/api", "!docs/old/keep.md", "!*.gen.rs"]);
    let cases = [
        ("src/main.rs", "watched api api.watch:3 true"),
        ("target/debug/api", "watched api watch.ignore:2 !target/debug/api"),
        ("target/debug/other", "ignored .gitignore:1 /target"),
        ("target/debug/other.gen.rs", "ignored .gitignore:1 /target"),
        ("src/a.gen", "ignored .gitignore:2 *.gen"),
        ("docs/a.gen", "watched api api.watch:3 true"),
        ("docs/old/b.md", "ignored watch.ignore:1 docs/old/"),
        ("docs/old/keep.md", "watched api watch.ignore:3 !docs/old/keep.md"),
        (".env", "watched api watch.also:1 .env*"),
        ("web/.env", "watched api watch.also:1 .env*"),
        (".env~", "ignored built-in editor swap files"),
        ("a.log", "watched api api.watch:3 true"),
        ("web/node_modules/x/index.js", "ignored built-in dependency and build folders"),
        (".git/index", "ignored built-in version control folders"),
        ("procgroup.toml", "ignored built-in devgroup reloads its own file instead"),
        ("../elsewhere/a.rs", "no match"),
    ];
    spec.watch.also = patterns(&[".env*"]);
    for (path, expected) in cases {
        assert_eq!(decision_text(&spec, path), expected, "{path}");
    }
    spec.watch.gitignore = false;
    assert_eq!(decision_text(&spec, "src/a.gen"), "watched api api.watch:3 true");
    assert_eq!(decision_text(&spec, "target/debug/other"), "ignored built-in dependency and build folders");
}

#[test]
fn each_service_has_its_own_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let mut api =
        service("api", root, WatchFiles::Globs(patterns(&["crates/{api,core}/**", "Cargo.toml", "!**/tests/**"])));
    api.ignore = patterns(&["*.md"]);
    let mut web = service("web", root, WatchFiles::All { line: 9, file: None });
    web.dir = Expandable::Known(root.join("crates/web"));
    let shared = service("shared", root, WatchFiles::Globs(patterns(&["../common/**", "./crates/core", "docs/"])));
    let spec = group(root, vec![api, web, shared, service("db", root, WatchFiles::Off)]);
    let outside = root.parent().expect("a parent").join("common/a.rs");
    let cases = [
        ("crates/api/src/a.rs", "watched api api.watch:1 crates/{api,core}/**"),
        ("crates/core/b.rs", "watched api,shared api.watch:1 crates/{api,core}/**"),
        ("crates/core/README.md", "watched shared shared.watch:2 ./crates/core"),
        ("crates/api/README.md", "ignored api.ignore:1 *.md"),
        ("crates/api/tests/it.rs", "ignored api.watch:3 !**/tests/**"),
        ("crates/web/index.ts", "watched web web.watch:9 true"),
        ("crates/other/x.rs", "no match"),
        ("Cargo.toml", "watched api api.watch:2 Cargo.toml"),
        ("docs/a/b.md", "watched shared shared.watch:3 docs/"),
        ("other/tests/x", "no match"),
        ("a.log", "ignored built-in log files"),
        (outside.to_str().expect("text"), "watched shared shared.watch:1 ../common/**"),
    ];
    for (path, expected) in cases {
        assert_eq!(decision_text(&spec, path), expected, "{path}");
    }
}

#[test]
fn rules_above_the_root_and_of_a_linked_worktree_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let main = folder.path().join("main");
    write(main.join(".gitignore"), "*.gen\n/app/out\n");
    git(&main, &["init", "-q"]);
    git(&main, &["add", "-A"]);
    git(&main, &["commit", "-q", "-m", "first"]);
    write(main.join(".git/info/exclude"), "*.mine\n");
    git(&main, &["worktree", "add", "-q", "../side"]);
    for tree in ["main", "side"] {
        let root = folder.path().join(tree).join("app");
        fs::create_dir_all(&root).expect("made");
        let spec = all(&root);
        let top = folder.path().join(tree);
        let gitignore = top.join(".gitignore").display().to_string();
        assert_eq!(decision_text(&spec, "a.gen"), format!("ignored {gitignore}:1 *.gen"));
        assert_eq!(decision_text(&spec, "out/x"), format!("ignored {gitignore}:2 /app/out"));
        assert!(
            decision_text(&spec, "a.mine").ends_with("info/exclude:1 *.mine"),
            "{}",
            decision_text(&spec, "a.mine")
        );
        assert_eq!(decision_text(&spec, "a.rs"), "watched api api.watch:3 true");
    }
}

#[test]
fn what_git_tracks_is_explained_by_the_rule_that_it_outweighs_for_the_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(root.join(".gitignore"), "/gen\n*.out\n");
    write(root.join("gen/kept/a.out"), "");
    git(root, &["init", "-q"]);
    git(root, &["add", "-f", "gen/kept/a.out"]);
    let note = |spec: &GroupSpec| {
        let explained = Rules::new(spec, &[]).why(Path::new("gen/kept/a.out"));
        assert_eq!(explained.verdict, PathVerdict::Watched);
        explained.notes
    };
    let mut api = service("api", root, WatchFiles::All { line: 3, file: None });
    assert_eq!(note(&group(root, vec![api.clone()])), ["git tracks it, so this does not apply:  .gitignore:1  /gen"]);
    // Its own list lets the folder in. What is left is the pattern for the file.
    api.ignore = patterns(&["!/gen/kept"]);
    assert_eq!(note(&group(root, vec![api])), ["git tracks it, so this does not apply:  .gitignore:2  *.out"]);
}

#[test]
fn a_virtual_environment_is_no_file_of_variables() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(root.join(".gitignore"), ".env\n");
    write(root.join("api/.env/bin/python"), "");
    let mut spec = all(root);
    assert_eq!(decision_text(&spec, ".env"), "watched api watch.also .env*");
    assert_eq!(decision_text(&spec, "api/.env/bin/python"), "ignored .gitignore:1 .env");
    // The same written out means the same; a slash asks for folders.
    spec.watch.also = patterns(&[".env*"]);
    assert_eq!(decision_text(&spec, "api/.env/bin/python"), "ignored .gitignore:1 .env");
    spec.watch.also = patterns(&[".env*", ".env/"]);
    assert_eq!(decision_text(&spec, "api/.env/bin/python"), "watched api watch.also:2 .env/");
}

#[test]
fn what_sqlite_and_git_keep_beside_their_own_is_built_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = all(folder.path());
    for name in ["app.db-journal", "data/app.db-wal", "data/app.db-shm"] {
        assert_eq!(decision_text(&spec, name), "ignored built-in files that SQLite keeps beside a database");
    }
    assert_eq!(decision_text(&spec, ".git-rewrite/t/a.rs"), "ignored built-in version control folders");
    assert_eq!(decision_text(&spec, "data/app.db"), "watched api api.watch:3 true");
    assert_eq!(decision_text(&spec, "crates/read-wal/a.rs"), "watched api api.watch:3 true");
}

#[test]
fn a_bare_repository_among_its_worktrees_holds_no_sources() {
    for with_file in [true, false] {
        let make = |root: &Path| {
            git(root, &["init", "-q", "--bare", ".bare"]);
            if with_file {
                write(root.join(".git"), "gitdir: ./.bare\n");
            }
            git(root, &["--git-dir=.bare", "worktree", "add", "-q", "--orphan", "main"]);
            write(root.join("main/a.rs"), "one");
        };
        let mut watched = Watched::new(make, all);
        git(&watched.path("main"), &["add", "."]);
        git(&watched.path("main"), &["commit", "-qm", "one"]);
        write(watched.path(".bare/notes"), "");
        write(watched.path("main/b.rs"), "");
        watched.until_finished("main/b.rs");
        watched.settle();
        let gits: Vec<_> = watched.paths().into_iter().filter(|path| path.starts_with(".bare/")).collect();
        assert!(gits.is_empty(), "{with_file}: {gits:?}");
    }
}

#[test]
fn strange_rule_files_are_survived() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::write(root.join(".gitignore"), b"\xef\xbb\xbf*.one\r\n\xff\xfe\n[z-a]\n*.two").expect("written");
    let spec = all(root);
    assert_eq!(decision_text(&spec, "x.one"), "ignored .gitignore:1 *.one");
    assert_eq!(decision_text(&spec, "x.two"), "ignored .gitignore:4 *.two");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.two");
    let mut rules = Rules::new(&spec, &[]);
    rules.load_towards(Path::new(name));
    assert!(matches!(rules.decide(Path::new(name), false), Match::Ignored(_)));
    fs::remove_file(root.join(".gitignore")).expect("removed");
    fs::create_dir(root.join(".gitignore")).expect("made");
    assert_eq!(decision_text(&spec, "x.one"), "watched api api.watch:3 true");
}
