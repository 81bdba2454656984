//! The same answers as git's, line by line, for generated repositories: patterns that people write, and patterns that
//! nobody should write.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use devgroup::domain::{PathVerdict, StepOutcome};
use devgroup::watch::rules::Rules;

use super::rules::source;
use super::*;

/// A small generator of numbers, so that each run makes the same repositories.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // Knuth's MMIX generator; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

const NAMES: [&[u8]; 18] = [
    b"a",
    b"b",
    b"ab",
    b"foo",
    b"foo.c",
    b"B",
    b"x y",
    b".h",
    b"#n",
    b"!e",
    b"{a,b}",
    b"tail ",
    b"caf\xe9",
    b"[a]",
    b"a\\",
    b"-",
    b"aab",
    "\u{e9}".as_bytes(),
];

const PATTERNS: [&str; 60] = [
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
    "foo**/a",
    "*/**/b",
];

/// What patterns are thrown together from.
const PIECES: [&[u8]; 40] = [
    b"a",
    b"b",
    b"ab",
    b"foo",
    b"B",
    b".c",
    b"c",
    b" ",
    b"#",
    b"!",
    b"/",
    b"/",
    b"/",
    b"*",
    b"*",
    b"**",
    b"**/",
    b"/**",
    b"?",
    b"[",
    b"]",
    b"[ab]",
    b"[!b]",
    b"[^a-b]",
    b"[]a]",
    b"[a-]",
    b"[\\]]",
    b"[[:alpha:]]",
    b"[[:upper:]]",
    b"[![:lower:]]",
    b"[[:punct:]]",
    b"[[:none:]]",
    b"[A-C]",
    b"\\",
    b"\\*",
    b"\\a",
    b"-",
    b"\xe9",
    b"{a,b}",
    "\u{e9}".as_bytes(),
];

fn pattern(dice: &mut Dice) -> Vec<u8> {
    if dice.below(2) == 0 {
        return dice.pick(&PATTERNS).as_bytes().to_vec();
    }
    (0..=dice.below(6)).flat_map(|_| dice.pick(&PIECES).to_vec()).collect()
}

/// A rule file: sometimes with a byte order mark, with line ends of another system, without an end of the last line.
fn rule_file(dice: &mut Dice, most: usize) -> Vec<u8> {
    let mut bytes = if dice.below(8) == 0 { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
    let end: &[u8] = if dice.below(6) == 0 { b"\r\n" } else { b"\n" };
    for _ in 0..=dice.below(most) {
        bytes.extend(pattern(dice));
        bytes.extend(end);
    }
    if dice.below(4) == 0 {
        bytes.truncate(bytes.len() - end.len());
    }
    bytes
}

fn save(path: PathBuf, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders made");
    fs::write(path, bytes).expect("written");
}

/// Makes a repository; the answer are its files, and its folders with a slash at the end.
fn make_repository(root: &Path, dice: &mut Dice) -> Vec<PathBuf> {
    let format = if dice.below(8) == 0 { "--object-format=sha256" } else { "--object-format=sha1" };
    git(root, &["init", "-q", format]);
    git(root, &["config", "core.excludesFile", "../excludes"]);
    if dice.below(4) == 0 {
        git(root, &["config", "core.ignoreCase", "true"]);
    }
    save(root.join("../excludes"), &rule_file(dice, 2));
    save(root.join(".git/info/exclude"), &rule_file(dice, 2));
    save(root.join(".gitignore"), &rule_file(dice, 5));
    let mut paths = Vec::new();
    for _ in 0..60 {
        let path: PathBuf = (0..=dice.below(4)).map(|_| OsStr::from_bytes(dice.pick(&NAMES))).collect();
        let full = root.join(&path);
        // A part of it may be a file already.
        if full.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok()) && !full.exists() {
            fs::write(full, "").expect("written");
            paths.push(path);
        }
    }
    let mut folders: Vec<_> = paths.iter().flat_map(|path| path.ancestors().skip(1)).map(Path::to_path_buf).collect();
    folders.sort();
    folders.dedup();
    folders.retain(|folder| folder != Path::new(""));
    for folder in &folders {
        if dice.below(4) == 0 {
            save(root.join(folder).join(".gitignore"), &rule_file(dice, 3));
        }
    }
    paths.extend(folders.into_iter().map(|folder| folder.join("")));
    paths.sort();
    paths
}

fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

/// What git says: file, line and pattern for each path that a pattern ignores.
fn ask_git(root: &Path, paths: &[PathBuf], with_index: bool) -> Vec<Option<(String, u32, String)>> {
    let mut command = Command::new("git");
    command.args(["check-ignore", "-v", "-n", "-z", "--stdin"]).args((!with_index).then_some("--no-index"));
    let mut git = command
        .current_dir(root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is there");
    let mut stdin = git.stdin.take().expect("piped");
    let mut asked = Vec::new();
    for path in paths {
        // With `./` in front, `:` and the like are names.
        asked.extend(b"./");
        asked.extend(path.as_os_str().as_bytes().strip_suffix(b"/").unwrap_or(path.as_os_str().as_bytes()));
        asked.push(0);
    }
    // Beside the reading: both pipes are bounded.
    let writer = std::thread::spawn(move || stdin.write_all(&asked).expect("asked"));
    let output = git.wait_with_output().expect("answered");
    writer.join().expect("asked");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let fields: Vec<_> = output.stdout.split(|byte| *byte == 0).collect();
    let answers: Vec<_> = fields
        .chunks_exact(4)
        .map(|field| match (field[0], field[2].starts_with(b"!")) {
            (b"", _) | (_, true) => None,
            (file, false) => Some((text(file), text(field[1]).parse().expect("a number"), text(field[2]))),
        })
        .collect();
    assert_eq!(answers.len(), paths.len(), "git answers for each path");
    answers
}

/// What we say, in the same words.
fn ask_rules(rules: &Rules, path: &Path) -> Option<(String, u32, String)> {
    match rules.decide(path, is_folder(path)) {
        Match::Watched { .. } => None,
        Match::Ignored(rule) => {
            Some((source(&rule.source), rule.line.unwrap_or_default(), rule.pattern.trim().to_owned()))
        }
        Match::NoMatch => panic!("{}: everything is watched", path.display()),
    }
}

fn loaded(root: &Path, paths: &[PathBuf]) -> Rules {
    let mut spec = all(root);
    spec.watch.also.clear();
    let mut rules = Rules::new(&spec, &[]);
    let folders: HashSet<_> = paths.iter().filter_map(|path| path.parent()).collect();
    for folder in folders {
        rules.load_towards(&folder.join("x"));
    }
    rules
}

/// Git prints a pattern without its slash at the end and without spaces; the line says the rest.
fn same(one: &Option<(String, u32, String)>, other: &Option<(String, u32, String)>) -> bool {
    let key = |answer: &Option<(String, u32, String)>| answer.as_ref().map(|(file, line, _)| (file.clone(), *line));
    key(one) == key(other)
}

fn repositories() -> u64 {
    std::env::var("DEVGROUP_TEST_REPOSITORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(24)
}

#[test]
fn the_decisions_are_gits() {
    let (mut decided, mut ignored) = (0, 0);
    for seed in 0..repositories() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("repository");
        fs::create_dir(&root).expect("made");
        let paths = make_repository(&root, &mut Dice(seed));
        let rules = loaded(&root, &paths);
        for (path, expected) in paths.iter().zip(ask_git(&root, &paths, false)) {
            decided += 1;
            ignored += usize::from(expected.is_some());
            let found = ask_rules(&rules, path);
            assert!(
                same(&found, &expected),
                "seed {seed}, {path:?}: {found:?}, and git {expected:?}\n{}",
                every_rule(&root)
            );
            let explained = rules.explain(path, is_folder(path));
            let reason = explained.rule.filter(|_| found.is_some());
            assert_eq!(reason.and_then(|rule| rule.line), found.map(|(_, line, _)| line), "{path:?}");
            let matched = explained.chain.iter().filter(|step| step.outcome == StepOutcome::Ignores).count();
            assert_eq!(matched, usize::from(expected.is_some()), "seed {seed}, {path:?}: {:#?}", explained.chain);
        }
    }
    assert!(decided > 1000 && ignored > 200 && ignored < decided - 200, "{ignored} of {decided}");
}

fn every_rule(root: &Path) -> String {
    let mut grep = Command::new("grep");
    grep.args(["-arn", "", "--include=.gitignore", ".", ".git/info/exclude", "../excludes", ".git/config"]);
    let output = grep.current_dir(root).output().expect("grep is there");
    output.stdout.escape_ascii().to_string().replace("\\n", "\n")
}

#[test]
fn what_git_tracks_is_not_ignored_in_any_form_of_the_index() {
    let mut saved = 0;
    for (seed, form) in
        ["2", "3", "4", "split", "split later", "sha256 4", "conflict"].into_iter().cycle().take(14).enumerate()
    {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("repository");
        fs::create_dir(&root).expect("made");
        let dice = &mut Dice(1000 + u64::try_from(seed).expect("small"));
        let paths = make_repository(&root, dice);
        // Git reads what it is asked about as a pattern of its own, when it looks into the index.
        let is_plain = |path: &&PathBuf| !path.as_os_str().as_bytes().iter().any(|byte| b"*?[\\".contains(byte));
        let files: Vec<_> = paths.iter().filter(|path| !is_folder(path)).filter(is_plain).cloned().collect();
        let add = |files: &[&PathBuf], more: &[&str]| {
            let mut command = Command::new("git");
            command.args(["add", "-f"]).args(more).arg("--").args(files.iter().map(|file| Path::new(".").join(file)));
            assert!(command.current_dir(&root).output().expect("git is there").status.success());
        };
        let tracked: Vec<_> = files.iter().filter(|_| dice.below(3) == 0).collect();
        let later: Vec<_> = files.iter().filter(|file| !tracked.contains(file)).take(4).collect();
        add(&tracked, &[]);
        match form {
            "2" | "4" => git(&root, &["update-index", "--index-version", form]),
            "3" => add(&later, &["-N"]),
            "split" => git(&root, &["update-index", "--split-index"]),
            "split later" => {
                git(&root, &["update-index", "--split-index"]);
                add(&later, &[]);
                let gone = tracked[0].as_os_str();
                let mut command = Command::new("git");
                command.args(["rm", "-q", "--cached", "--"]).arg(Path::new(".").join(gone)).current_dir(&root);
                assert!(command.output().expect("git is there").status.success());
            }
            _ => git(&root, &["update-index", "--index-version", "4"]),
        }
        let rules = loaded(&root, &paths);
        let without = ask_git(&root, &files, false);
        for ((path, expected), alone) in files.iter().zip(ask_git(&root, &files, true)).zip(without) {
            let found = ask_rules(&rules, path);
            assert!(same(&found, &expected), "{form}, seed {seed}, {path:?}: {found:?}, and git {expected:?}");
            if alone.is_some() && expected.is_none() {
                saved += 1;
                let explained = rules.explain(path, false);
                assert!(explained.notes.iter().any(|note| note.starts_with("git tracks it")), "{explained:#?}");
            }
        }
    }
    assert!(saved > 40, "{saved}");
}

#[test]
fn what_becomes_tracked_or_excluded_moves_the_watches() {
    let mut watched = Watched::new(
        |root| {
            git(root, &["init", "-q"]);
            write(root.join("../excludes"), "");
            write(root.join(".gitignore"), "/out\n*.gen\n");
            write(root.join("out/keep.txt"), "");
            write(root.join("out/other.txt"), "");
            write(root.join("a.gen"), "");
            write(root.join("cache/a.txt"), "");
        },
        all,
    );
    let root = watched.root().to_path_buf();
    let folders = watched.status.directories;
    write(root.join("out/keep.txt"), "1");
    watched.settle();
    assert!(!watched.paths().contains("out/keep.txt"), "ignored");
    git(&root, &["add", "-f", "out/keep.txt", "a.gen"]);
    watched.until("the folder of what is tracked is watched", |seen| seen.status.directories == folders + 1);
    write(root.join("out/keep.txt"), "2");
    watched.until_finished("out/keep.txt");
    assert!(watched.is_watched("out/keep.txt"));
    write(root.join("out/other.txt"), "2");
    write(root.join("a.gen"), "2");
    watched.until_finished("a.gen");
    assert!(watched.is_watched("a.gen") && !watched.is_watched("out/other.txt"));
    git(&root, &["rm", "-q", "--cached", "-f", "out/keep.txt"]);
    watched.until("it costs no watch any more", |seen| seen.status.directories == folders);
    write(root.join(".git/info/exclude"), "cache\n");
    watched.until("what is excluded costs none", |seen| seen.status.directories == folders - 1);
    write(root.join(".git/info/exclude"), "");
    watched.until("and one again", |seen| seen.status.directories == folders);
    // What happens to the user's own file and to the repository's configuration counts as well.
    let excludes = root.join("own-excludes");
    write(&excludes, "cache/\n");
    git(&root, &["config", "core.excludesFile", excludes.to_str().expect("text")]);
    watched.until("the setting is read again", |seen| seen.status.directories == folders - 1);
    write(&excludes, "nothing\n");
    watched.until("the file that it names too", |seen| seen.status.directories == folders);
}

#[test]
fn each_repository_has_its_own_rules_and_git_gives_the_same_answers_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let module = folder.path().join("module");
    write(module.join(".gitignore"), "*.own\n");
    write(module.join("src/a.own"), "");
    write(module.join("src/tracked.gen"), "");
    git(&module, &["init", "-q"]);
    git(&module, &["add", "-A", "-f"]);
    git(&module, &["commit", "-q", "-m", "first"]);
    let root = folder.path().join("main");
    write(root.join(".gitignore"), "*.gen\n/vendor/\n");
    git(&root, &["init", "-q"]);
    git(&root, &["-c", "protocol.file.allow=always", "submodule", "add", "-q", "-f", "../module", "vendor/sub"]);
    write(root.join("vendor/other/x.rs"), "");
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "first"]);
    git(&root, &["worktree", "add", "-q", "../side"]);
    write(root.join("nested/.gitignore"), "*.deep\n");
    git(&root.join("nested"), &["init", "-q"]);
    write(root.join(".git/modules/vendor/sub/info/exclude"), "*.mine\n");
    let spec = all(&root);
    let mut rules = Rules::new(&spec, &[]);
    for (repository, names) in [
        ("", &["a.gen", "vendor/other/x.rs", "a.own", "a.mine"][..]),
        ("vendor/sub", &["a.gen", "src/a.own", "src/b.own", "src/tracked.gen", "a.mine", "a.deep"]),
        ("nested", &["a.gen", "a.deep", "x/b.deep", "a.own"]),
    ] {
        let names: Vec<_> = names.iter().map(PathBuf::from).collect();
        for (name, expected) in names.iter().zip(ask_git(&root.join(repository), &names, true)) {
            let path = Path::new(repository).join(name);
            let found = rules.why(&path);
            let is_ignored = found.verdict == PathVerdict::Ignored;
            assert_eq!(is_ignored, expected.is_some(), "{}: {found:#?}", path.display());
        }
    }
    // In a linked worktree the index is its own, and `info/exclude` is not.
    let side = folder.path().join("side");
    write(root.join(".git/info/exclude"), "*.shared\n");
    write(side.join("b.gen"), "");
    git(&side, &["add", "-f", "b.gen"]);
    let mut rules = Rules::new(&all(&side), &[]);
    assert_eq!(rules.why(Path::new("b.gen")).verdict, PathVerdict::Watched);
    assert_eq!(rules.why(Path::new("c.shared")).verdict, PathVerdict::Ignored);
    assert_eq!(Rules::new(&spec, &[]).why(Path::new("b.gen")).verdict, PathVerdict::Ignored);
}

#[test]
fn settings_are_found_where_git_finds_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("work/main");
    fs::create_dir_all(&root).expect("made");
    git(&root, &["init", "-q", "-b", "feature/x"]);
    write(folder.path().join("one"), "*.one\n");
    write(folder.path().join("two"), "*.two\n");
    write(folder.path().join("a.inc"), "[core]\n\texcludesFile = ../../one\n");
    write(folder.path().join("b.inc"), "[CORE]\n  excludesfile = \"../../two\" # this one\n");
    let conditions = [
        ("include.path", "one"),
        ("includeIf.gitdir:**/work/.path", "one"),
        ("includeIf.gitdir/i:**/WORK/**.path", "one"),
        ("includeIf.gitdir:./.path", ""),
        ("includeIf.onbranch:feature/**.path", "one"),
        ("includeIf.onbranch:main.path", ""),
        ("includeIf.gitdir:/nowhere/.path", ""),
    ];
    let names: Vec<_> = ["a.one", "a.two"].map(PathBuf::from).to_vec();
    for (key, file) in conditions {
        for (include, ignored) in [("../../../a.inc", "a.one"), ("../../../b.inc", "a.two")] {
            git(&root, &["config", key, include]);
            let rules = loaded(&root, &names);
            for (name, expected) in names.iter().zip(ask_git(&root, &names, true)) {
                let found = ask_rules(&rules, name);
                assert_eq!(found.is_some(), expected.is_some(), "{key} = {include}, {}", name.display());
                let meant = !file.is_empty() && Path::new(ignored) == name;
                assert_eq!(found.is_some(), meant, "{key} = {include}, {}", name.display());
            }
            git(&root, &["config", "--unset", key]);
        }
    }
}

#[test]
fn a_rule_file_that_git_does_not_read_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    git(root, &["init", "-q"]);
    write(root.join("rules"), "*.one\n");
    write(root.join("b/x"), "");
    std::os::unix::fs::symlink("rules", root.join(".gitignore")).expect("linked");
    fs::create_dir(root.join("b/.gitignore")).expect("made");
    fs::remove_file(root.join(".git/info/exclude")).expect("removed");
    std::os::unix::fs::symlink("../../exclude", root.join(".git/info/exclude")).expect("linked");
    write(root.join("exclude"), "*.two\n");
    let names: Vec<_> = ["a.one", "a.two", "b/a.one", "b/a.two"].map(PathBuf::from).to_vec();
    let rules = loaded(root, &names);
    let answers = ask_git(root, &names, true);
    for (name, expected) in names.iter().zip(&answers) {
        assert!(
            same(
                &ask_rules(&rules, name),
                &expected.clone().map(|(_, line, text)| {
                    // Our name of that file is absolute or relative to the root, as git's is.
                    (String::from(".git/info/exclude"), line, text)
                })
            ),
            "{}: {expected:?}",
            name.display()
        );
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_some()).count(), 2);
}
