//! The rules as a whole: the same answers as git's, and the group's own lists above them.

use std::io::Write;
use std::process::{Command, Stdio};

use devgroup::domain::{Rule, RuleSource};
use devgroup::watch::rules::Rules;

use super::*;

/// The decision for a path that is a file, or a folder if it ends in a slash.
fn decide(spec: &GroupSpec, path: &str) -> Match {
    let mut rules = Rules::new(spec, &[]);
    rules.learn_towards(Path::new(path));
    rules.decide(Path::new(path), path.ends_with('/'))
}

/// The decision in one line: `watched api services.api.watch:1 **`.
fn told(spec: &GroupSpec, path: &str) -> String {
    let rule = |rule: &Rule| match rule.line {
        Some(line) => format!("{}:{line} {}", source(&rule.source), rule.pattern),
        None => format!("{} {}", source(&rule.source), rule.pattern),
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

fn source(source: &RuleSource) -> String {
    match source {
        RuleSource::BuiltIn => String::from("built-in"),
        RuleSource::IgnoreFile(file) => file.display().to_string(),
        RuleSource::ServiceWatch(name) => format!("{name}.watch"),
        RuleSource::ServiceIgnore(name) => format!("{name}.ignore"),
        RuleSource::GroupIgnore => String::from("watch.ignore"),
        RuleSource::GroupAlso => String::from("watch.also"),
    }
}

/// A small generator of numbers, so that each run makes the same repositories.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // Knuth's MMIX generator; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const NAMES: [&str; 12] = ["a", "b", "ab", "foo", "foo.c", "B", "x y", ".h", "#n", "!e", "{a,b}", "tail "];
const PATTERNS: [&str; 58] = [
    "a",
    "b",
    "foo",
    "foo.c",
    "*.c",
    "a*",
    "*b",
    "?",
    "a?",
    "**/a",
    "**/foo.c",
    "a/**",
    "foo/**",
    "a/**/b",
    "**/a/b",
    "/a",
    "/foo",
    "/ab/foo",
    "a/",
    "foo/",
    "/b/",
    "!a",
    "!foo.c",
    "!*.c",
    "!a/",
    "!/foo",
    "!ab/foo",
    "!*/",
    "*",
    "/*",
    "!.h",
    ".*",
    "\\#n",
    "#n",
    "\\!e",
    "x\\ y",
    "x y",
    "x y   ",
    "tail\\ ",
    "tail ",
    "[ab]",
    "[!a]",
    "[^a]b",
    "[[:alpha:]]",
    "[a-c]*",
    "{a,b}",
    "**",
    "foo**",
    "a**b",
    "**/",
    "a/b",
    "b/*",
    "b/*/a",
    "\\a",
    "[a",
    "a\\",
    "",
    "ab/**/foo.c",
];

fn make_repository(root: &Path, dice: &mut Dice) -> Vec<String> {
    git(root, &["init", "-q"]);
    git(root, &["config", "core.excludesFile", "../excludes"]);
    let list = |dice: &mut Dice, most: usize| {
        let count = 1 + dice.below(most);
        (0..count).map(|_| dice.pick(&PATTERNS)).collect::<Vec<_>>().join("\n")
    };
    write(root.join("../excludes"), &list(dice, 2));
    write(root.join(".git/info/exclude"), &list(dice, 2));
    write(root.join(".gitignore"), &list(dice, 5));
    let mut paths = Vec::new();
    for _ in 0..60 {
        let depth = 1 + dice.below(4);
        let path = (0..depth).map(|_| dice.pick(&NAMES)).collect::<Vec<_>>().join("/");
        let full = root.join(&path);
        // A part of it may be a file already.
        if full.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok()) && !full.exists() {
            fs::write(full, "").expect("written");
            paths.push(path);
        }
    }
    let folders: HashSet<_> = paths
        .iter()
        .flat_map(|path| Path::new(path).ancestors().skip(1).map(|above| above.display().to_string()))
        .filter(|folder| !folder.is_empty())
        .collect();
    for folder in &folders {
        if dice.below(4) == 0 {
            write(root.join(folder).join(".gitignore"), &list(dice, 3));
        }
    }
    paths.extend(folders.into_iter().map(|folder| format!("{folder}/")));
    paths.sort();
    paths
}

/// What git says: file and line for each path that a pattern ignores.
fn ask_git(root: &Path, paths: &[String]) -> Vec<Option<(String, u32)>> {
    let mut git = Command::new("git")
        .args(["check-ignore", "-v", "-n", "-z", "--no-index", "--stdin"])
        .current_dir(root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is there");
    let mut stdin = git.stdin.take().expect("piped");
    for path in paths {
        write!(stdin, "{}\0", path.trim_end_matches('/')).expect("asked");
    }
    drop(stdin);
    let output = git.wait_with_output().expect("answered");
    let text = String::from_utf8(output.stdout).expect("text");
    let fields: Vec<_> = text.split('\0').collect();
    fields
        .chunks_exact(4)
        .map(|field| match (field[0], field[2].starts_with('!')) {
            ("", _) | (_, true) => None,
            (file, false) => Some((file.to_owned(), field[1].parse().expect("a number"))),
        })
        .collect()
}

#[test]
fn the_decisions_are_gits() {
    let (mut decided, mut ignored) = (0, 0);
    for seed in 0..16 {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("repository");
        fs::create_dir(&root).expect("made");
        let paths = make_repository(&root, &mut Dice(seed));
        let mut spec = all(&root);
        spec.watch.also.clear();
        let mut rules = Rules::new(&spec, &[]);
        let folders: HashSet<_> = paths.iter().filter_map(|path| Path::new(path).parent()).collect();
        for folder in folders {
            rules.learn_towards(&folder.join("x"));
        }
        for (path, expected) in paths.iter().zip(ask_git(&root, &paths)) {
            decided += 1;
            ignored += usize::from(expected.is_some());
            let found = match rules.decide(Path::new(path), path.ends_with('/')) {
                Match::Watched { .. } => None,
                Match::Ignored(rule) => Some((source(&rule.source), rule.line.unwrap_or_default())),
                Match::NoMatch => panic!("{path}: everything is watched"),
            };
            assert_eq!(found, expected.clone(), "seed {seed}, {path:?}\n{}", every_rule(&root));
        }
    }
    assert!(decided > 800 && ignored > 200 && ignored < decided - 200, "{ignored} of {decided}");
}

fn every_rule(root: &Path) -> String {
    let mut grep = Command::new("grep");
    grep.args(["-rn", "", "--include=.gitignore", ".", ".git/info/exclude", "../excludes"]).current_dir(root);
    let output = grep.output().expect("grep is there");
    String::from_utf8_lossy(&output.stdout).into_owned()
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
        ("procgroup.toml", "ignored built-in devgroup acts on its own file itself"),
        ("../elsewhere/a.rs", "no match"),
    ];
    spec.watch.also = patterns(&[".env*"]);
    for (path, expected) in cases {
        assert_eq!(told(&spec, path), expected, "{path}");
    }
    spec.watch.gitignore = false;
    assert_eq!(told(&spec, "src/a.gen"), "watched api api.watch:3 true");
    assert_eq!(told(&spec, "target/debug/other"), "ignored built-in dependency and build folders");
}

#[test]
fn each_service_has_its_own_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let mut api =
        service("api", root, WatchFiles::Globs(patterns(&["crates/{api,core}/**", "Cargo.toml", "!**/tests/**"])));
    api.ignore = patterns(&["*.md"]);
    let mut web = service("web", root, WatchFiles::All { line: 9 });
    web.dir = root.join("crates/web");
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
        assert_eq!(told(&spec, path), expected, "{path}");
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
        assert_eq!(told(&spec, "a.gen"), format!("ignored {gitignore}:1 *.gen"));
        assert_eq!(told(&spec, "out/x"), format!("ignored {gitignore}:2 /app/out"));
        assert!(told(&spec, "a.mine").ends_with("info/exclude:1 *.mine"), "{}", told(&spec, "a.mine"));
        assert_eq!(told(&spec, "a.rs"), "watched api api.watch:3 true");
    }
}

#[test]
fn strange_rule_files_are_survived() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::write(root.join(".gitignore"), b"\xef\xbb\xbf*.one\r\n\xff\xfe\n[z-a]\n*.two").expect("written");
    let spec = all(root);
    assert_eq!(told(&spec, "x.one"), "ignored .gitignore:1 *.one");
    assert_eq!(told(&spec, "x.two"), "ignored .gitignore:4 *.two");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.two");
    let mut rules = Rules::new(&spec, &[]);
    rules.learn_towards(Path::new(name));
    assert!(matches!(rules.decide(Path::new(name), false), Match::Ignored(_)));
    fs::remove_file(root.join(".gitignore")).expect("removed");
    fs::create_dir(root.join(".gitignore")).expect("made");
    assert_eq!(told(&spec, "x.one"), "watched api api.watch:3 true");
}
