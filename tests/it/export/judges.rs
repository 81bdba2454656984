//! What engines themselves say to the files: docker-compose, kubernetes-validate, systemd-analyze and honcho.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use devgroup::export::{Options, Target};
use saphyr::{LoadableYamlNode, Yaml};

use super::groups::{self, GENERATED, HOSTILE, written};
use super::{exported, options};
use crate::harness::has;

/// Exports each group into a folder of its own, and lets a judge look at the files: its output.
fn judge(target: Target, look: impl Fn(&Path, &[PathBuf]) -> Output) {
    let own = groups::own_files().into_iter().map(|(name, file)| (name, fs::read_to_string(file).unwrap()));
    let generated = (0..GENERATED).map(|seed| (format!("group {seed}"), groups::generated(seed)));
    for (name, text) in own.chain(generated) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for file in [".env", "conf/more.env"] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "FROM_FILE=1\n").unwrap();
        }
        let files = write(&groups::parsed(&text, root), target, root);
        let output = look(root, &files);
        let said = [output.stdout.as_slice(), &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        let all: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        assert!(output.status.success(), "{name}: {said:?}\n{all}");
        if target == Target::Systemd {
            assert_eq!(said, ["", ""], "{name}:\n{all}");
        }
    }
}

/// The files of a group, written. Those that are to be filled in have the name without the end that says so.
pub(super) fn write(group: &devgroup::domain::GroupSpec, target: Target, root: &Path) -> Vec<PathBuf> {
    let files = exported(group, target, &options(root)).files.into_iter().map(|file| {
        let path = root.join("files").join(file.name.trim_end_matches(".template"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, file.text).unwrap();
        path
    });
    files.collect()
}

/// A program of the machine, if it is there.
fn on_path(name: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    has(
        &format!("{name} (.ci/run installs it)"),
        std::env::split_paths(&folders).any(|folder| folder.join(name).exists()),
    )
}

/// A program that `.ci/run` installs below `target`, if it is there.
pub(super) fn installed(name: &str) -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/{name}/bin/{name}"));
    has(&format!("{name} (.ci/run installs it)"), program.exists()).then_some(program)
}

/// What docker-compose makes of a file, with its own variables put in.
fn compose_config(root: &Path, file: &Path) -> Output {
    let mut command = Command::new("docker-compose");
    command.arg("-f").arg(file).arg("--project-directory").arg(root).arg("config");
    command.env("COMPOSE_PROJECT_NAME", "judged").env_remove("OUTSIDE").output().unwrap()
}

#[test]
fn docker_compose_takes_every_group() {
    if on_path("docker-compose") {
        judge(Target::Compose, |root, files| compose_config(root, &files[0]));
    }
}

#[test]
fn docker_compose_reads_every_text_as_it_was() {
    if !on_path("docker-compose") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let env: toml::Table =
        HOSTILE.iter().enumerate().map(|(place, text)| (format!("V{place}"), written(text).into())).collect();
    let run: Vec<toml::Value> = ["serve"].into_iter().chain(HOSTILE).map(|text| written(text).into()).collect();
    let env = env.into_iter().chain([("LATE".to_owned(), "<${OUTSIDE:-it's none}>".into())]).collect();
    let service = toml::Table::from_iter([("env".into(), toml::Value::Table(env)), ("run".into(), run.into())]);
    let services = toml::Table::from_iter([("api".to_owned(), toml::Value::Table(service))]);
    let text = toml::Table::from_iter([("services".to_owned(), toml::Value::Table(services))]).to_string();
    let files = write(&groups::parsed(&text, folder.path()), Target::Compose, folder.path());
    let output = compose_config(folder.path(), &files[0]);
    let config = String::from_utf8(output.stdout).unwrap();
    let yaml = Yaml::load_from_str(&config).unwrap();
    // What it prints can be read by it again.
    let api = &yaml[0]["services"]["api"];
    let of = |value: &Yaml<'_>| value.as_str().map(|text| text.replace("$$", "$"));
    for (place, text) in HOSTILE.iter().enumerate() {
        assert_eq!(of(&api["environment"][format!("V{place}").as_str()]).as_deref(), Some(*text), "{config}");
        assert_eq!(of(&api["command"][place + 1]).as_deref(), Some(*text), "{config}");
    }
    assert_eq!(of(&api["environment"]["LATE"]).as_deref(), Some("<it's none>"));
}

#[test]
fn kubernetes_validate_takes_every_group() {
    if let Some(program) = installed("kubernetes-validate") {
        judge(Target::Kubernetes, |_, files| Command::new(&program).arg("--strict").args(files).output().unwrap());
    }
}

#[test]
fn systemd_takes_every_group() {
    if on_path("systemd-analyze") {
        judge(Target::Systemd, |root, files| {
            let mut command = Command::new("systemd-analyze");
            command.args(["--user", "verify"]).args(files).env("XDG_RUNTIME_DIR", root);
            command.env("HOME", root).output().unwrap()
        });
    }
}

#[test]
fn systemd_reads_each_calendar_time() {
    if !on_path("systemd-analyze") {
        return;
    }
    let times = ["*/15 2 * * 5-7", "@daily", "@yearly", "0 9 1,15 * mon", "0 9 */10 feb-apr sun", "59 23 31 12 *"];
    for (place, zone) in times.iter().flat_map(|times| [(times, ""), (times, "timezone = 'Europe/Berlin'\n")]) {
        let text = format!("[services.a]\nrun = 'a'\nkind = 'job'\nschedule = '{place}'\n{zone}");
        let group = groups::parsed(&text, Path::new("/w/shop"));
        let files = exported(&group, Target::Systemd, &Options::default()).files;
        let timer = files.iter().find(|file| file.name.ends_with(".timer")).unwrap();
        let found: Vec<&str> = timer.text.lines().filter_map(|line| line.strip_prefix("OnCalendar=")).collect();
        assert!(!found.is_empty(), "{}", timer.text);
        let output = Command::new("systemd-analyze").arg("calendar").args(&found).output().unwrap();
        assert!(output.status.success(), "{place}: {found:?} {output:?}");
    }
}

#[test]
fn honcho_takes_every_group() {
    if let Some(program) = installed("honcho") {
        judge(Target::Procfile, |_, files| {
            let has_line =
                fs::read_to_string(&files[0]).unwrap().lines().any(|line| !line.is_empty() && !line.starts_with('#'));
            let check = |file: &Path| Command::new(&program).args(["check", "-f"]).arg(file).output().unwrap();
            // A file of comments alone has no processes, which honcho says.
            if !has_line {
                fs::write(&files[0], "none: true\n").unwrap();
            }
            check(&files[0])
        });
    }
}
