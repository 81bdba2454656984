//! `devgroup init` on repositories of each kind: what is written, what is said, and that it can be used as it is.
//!
//! The repositories stand in `tests/repositories`, one file each: `-- path --` begins a file of the repository.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use devgroup::config::{self, RenderStyle};
use devgroup::init::{self, Disk, Only, Proposal};
use proptest::prelude::*;
use tempfile::TempDir;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repositories");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "txtar")).collect();
    files.sort();
    assert!(files.len() > 10);
    files
}

/// Writes the files of an example into a folder.
fn unpack(archive: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix("devgroup-init-").tempdir().unwrap();
    let mut file: Option<(PathBuf, String)> = None;
    for line in archive.lines().chain(["--  --"]) {
        if let Some(name) = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            if let Some((path, text)) = file.take() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            file = Some((folder.path().join(name), String::new()));
        } else if let Some((_, text)) = &mut file {
            *text += line;
            *text += "\n";
        }
    }
    folder
}

fn proposed(folder: &Path, from: Option<&str>) -> Proposal {
    let disk = Disk::list(folder);
    let only = from.map(|from| Only::parse(from, &disk).unwrap());
    init::propose(&disk, only.as_ref())
}

/// The file can be used as it is.
fn load(proposal: &Proposal, folder: &Path) -> config::Loaded {
    config::parse(&proposal.text, &folder.join("procgroup.toml")).unwrap_or_else(|diagnostics| {
        let style = RenderStyle { color: false, unicode: true, width: 100 };
        panic!("{}\n{}", diagnostics.render(style), proposal.text)
    })
}

fn notes_text(proposal: &Proposal) -> String {
    let notes = proposal.notes.iter();
    notes.map(|note| format!("{} · {} · {}\n", note.finding.word(), note.source, note.text)).collect()
}

#[test]
fn each_repository_gets_a_file_that_can_be_used_and_every_reason() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repositories/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for example in examples() {
            let folder = unpack(&fs::read_to_string(&example).unwrap());
            let proposal = proposed(folder.path(), None);
            let loaded = load(&proposal, folder.path());
            assert!(loaded.warnings.is_empty(), "{:?}\n{}", loaded.warnings, proposal.text);
            if proposal.services > 0 {
                assert_eq!(loaded.spec.services.len(), proposal.services);
            }
            let all = format!("{}\n{}", notes_text(&proposal), proposal.text);
            insta::assert_snapshot!(example.file_stem().unwrap().to_str().unwrap(), all);
        }
    });
}

#[test]
fn only_what_is_named_is_read() {
    let archive = fs::read_to_string(examples().iter().find(|path| path.ends_with("rails.txtar")).unwrap()).unwrap();
    let folder = unpack(&archive);
    let names = |from: &str| -> Vec<String> {
        let proposal = proposed(folder.path(), Some(from));
        let services = load(&proposal, folder.path()).spec.services;
        services.iter().map(|service| service.name.to_string()).collect()
    };
    assert_eq!(names("Procfile"), ["web"]);
    assert_eq!(names("./Procfile.dev"), ["web", "css", "js", "worker"]);
    assert_eq!(names("procfile"), ["web", "css", "js", "worker"]);
    assert_eq!(names("gemfile"), ["web", "sidekiq"]);
    assert_eq!(names("make"), ["dev"]);
    let disk = Disk::list(folder.path());
    for wrong in ["nonsense", "bin/rails", "/etc/passwd", "cargo"] {
        assert!(Only::parse(wrong, &disk).is_err(), "{wrong}");
    }
}

/// The services that `devgroup init` writes here, with their folders relative to the root.
fn services_of(folder: &Path) -> Vec<(String, String)> {
    let init = devgroup(folder, &["init", "--force"]);
    let (out, err) = texts(&init);
    assert!(init.status.success(), "{out}{err}");
    let file = folder.join("procgroup.toml");
    let loaded = config::load(&file).unwrap_or_else(|_| panic!("{}", fs::read_to_string(&file).unwrap()));
    let services = loaded.spec.services.iter().map(|service| {
        let dir = service.dir.known().unwrap().strip_prefix(folder).unwrap();
        (service.name.to_string(), dir.display().to_string())
    });
    services.collect()
}

fn pairs(services: &[(&str, &str)]) -> Vec<(String, String)> {
    services.iter().map(|(name, dir)| ((*name).into(), (*dir).into())).collect()
}

const SERVER: &str = "package main\n\nimport \"net/http\"\n\nfunc main() { _ = http.ListenAndServe(\":1\", nil) }\n";

#[test]
fn projects_in_subfolders_are_found_and_called_as_their_folders() {
    let package = "{ \"name\": \"shop-ui\", \"scripts\": { \"dev\": \"vite\" } }";
    let folder = unpack(&format!(
        "-- backend/manage.py --\nimport django\n-- frontend/package.json --\n{package}\n\
         -- services/orders/go.mod --\nmodule example.com/one\n-- services/orders/main.go --\n{SERVER}\
         -- services/stock/go.mod --\nmodule example.com/two\n-- services/stock/cmd/server/main.go --\n{SERVER}\
         -- a/b/deep/package.json --\n{package}\n-- a/b/c/deeper/package.json --\n{package}\n"
    ));
    let expected = [
        ("backend", "backend"),
        ("orders", "services/orders"),
        ("stock", "services/stock"),
        ("frontend", "frontend"),
        ("deep", "a/b/deep"),
    ];
    assert_eq!(services_of(folder.path()), pairs(&expected));
    let text = fs::read_to_string(folder.path().join("procgroup.toml")).unwrap();
    assert!(text.contains("the package is named shop-ui"), "{text}");
    assert!(devgroup(folder.path(), &["check"]).status.success());
}

#[test]
fn a_module_below_a_module_starts_its_own_programs_itself() {
    let folder = unpack(&format!(
        "-- go.mod --\nmodule example.com/shop\n-- main.go --\n{SERVER}\
         -- tools/mail/go.mod --\nmodule example.com/mail\n-- tools/mail/main.go --\n{SERVER}"
    ));
    assert_eq!(services_of(folder.path()), pairs(&[("shop", ""), ("mail", "tools/mail")]));
}

#[test]
fn what_git_ignores_is_no_project_and_the_values_of_a_developer_count_all_the_same() {
    let package = "{ \"scripts\": { \"dev\": \"vite\" } }";
    let folder = unpack(&format!(
        "-- .gitignore --\n/generated/\nscratch\n.env\n-- web/.gitignore --\n/old/\n\
         -- web/package.json --\n{package}\n-- web/old/package.json --\n{package}\n\
         -- generated/client/package.json --\n{package}\n-- scratch/manage.py --\nimport django\n\
         -- Procfile --\njobs: ./jobs\n-- .env --\nNAME=value\n"
    ));
    let without_git = services_of(folder.path());
    let names: Vec<&str> = without_git.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["jobs", "scratch", "web", "client", "old"], "nothing is ignored outside of a repository");
    let git = Command::new("git").args(["init", "-q"]).current_dir(folder.path()).status();
    assert!(git.unwrap().success());
    assert_eq!(services_of(folder.path()), pairs(&[("jobs", ""), ("web", "web")]));
    let text = fs::read_to_string(folder.path().join("procgroup.toml")).unwrap();
    assert!(text.contains(".env"), "{text}");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_used() {
    let folder = unpack("-- Procfile --\nweb: ./web\n-- go.mod --\nmodule a\n");
    fs::write(folder.path().join("package.json"), b"{\"name\": \"\xff\"}").unwrap();
    fs::create_dir(folder.path().join("Cargo.toml")).unwrap();
    fs::write(folder.path().join("compose.yaml"), "a".repeat(2 << 20)).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("mix.exs")).unwrap();
    let proposal = proposed(folder.path(), None);
    assert_eq!(proposal.services, 1);
    let told = notes_text(&proposal);
    for part in [
        "package.json · cannot be read: not UTF-8",
        "compose.yaml · cannot be read: larger",
        "mix.exs · cannot be read",
    ] {
        assert!(told.contains(part), "{told}");
    }
    load(&proposal, folder.path());
}

fn devgroup(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devgroup"));
    command.current_dir(folder).args(arguments).env_remove("DEVGROUP_CONFIG").output().unwrap()
}

fn texts(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn a_file_that_is_there_is_kept_unless_it_is_forced() {
    let folder = unpack("-- Procfile --\nweb: ./web\n");
    let file = folder.path().join("procgroup.toml");
    let without = devgroup(folder.path(), &["status"]);
    assert_eq!(without.status.code(), Some(4));
    let (_, said) = texts(&devgroup(folder.path(), &["--no-tui"]));
    assert!(said.contains("devgroup init"), "{said}");

    let dry = devgroup(folder.path(), &["init", "--dry-run"]);
    let (out, err) = texts(&dry);
    assert!(dry.status.success() && out.contains("[services.web]") && !out.contains("found "), "{out}");
    assert!(err.contains("found    Procfile  web: ./web") && err.contains("would write"), "{err}");
    assert!(!file.exists());

    let (out, err) = texts(&devgroup(folder.path(), &["init"]));
    assert!(
        out.contains("found    Procfile  web: ./web") && err.contains("wrote procgroup.toml: 1 service"),
        "{out}{err}"
    );
    assert!(devgroup(folder.path(), &["check"]).status.success());

    fs::write(&file, "mine").unwrap();
    let again = devgroup(folder.path(), &["init"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(texts(&again).1.contains("--force"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert!(devgroup(folder.path(), &["init", "--force"]).status.success());
    assert!(fs::read_to_string(&file).unwrap().contains("[services.web]"));
    let names: BTreeSet<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["Procfile".into(), "procgroup.toml".into()]));
}

#[test]
fn what_needs_an_edit_is_shown_where_it_stands() {
    let folder = unpack("-- Procfile --\nweb: ./web\n-- .env --\nthis is no variable\n");
    let init = devgroup(folder.path(), &["init"]);
    let (_, err) = texts(&init);
    assert_eq!(init.status.code(), Some(3), "{err}");
    assert!(err.contains(".env") && err.contains("it needs these edits"), "{err}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_sources_hold_the_file_can_be_used(
        name in proptest::sample::select(vec!["mprocs.yaml", "process-compose.yaml", "Procfile", "compose.yaml", "package.json", "Cargo.toml", "justfile", "Makefile", "requirements.txt"]),
        pieces in proptest::collection::vec(prop_oneof![
            3 => proptest::sample::select(examples().iter().map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>())
                .prop_flat_map(|text| {
                    let lines: Vec<String> = text.lines().filter(|line| !line.starts_with("-- ")).map(str::to_owned).collect();
                    let length = lines.len();
                    (0..length).prop_flat_map(move |from| { let lines = lines.clone(); (from..=length).prop_map(move |to| lines[from..to].join("\n") + "\n") })
                }),
            1 => "[ -~\n\t]{0,20}",
            1 => "\\PC{0,5}",
        ], 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), pieces.concat()).unwrap();
        let proposal = proposed(folder.path(), None);
        load(&proposal, folder.path());
    }
}
