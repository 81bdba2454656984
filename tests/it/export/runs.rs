//! Engines that run what they were given: systemd, in namespaces of its own, and honcho. A program of the group writes down
//! what it got.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use devgroup::export::Target;

use super::groups::{self, HOSTILE, written};
use super::judges::{installed, write};
use crate::harness::{has, wait_for};

/// Writes its arguments, its variables and its folder, each behind a bar.
const PROGRAM: &str = "for word in \"$@\"; do printf '%s|' \"$word\"; done > words.tmp\n\
                       printf '%s|' \"$V0\" \"$V3\" \"$V4\" \"$V5\" \"$V8\" \"$V14\" \"$V15\" \"$LATE\" > variables\n\
                       pwd > folder\nmv words.tmp words\n";

/// The group of one program, with all hostile texts as words and some as variables, and of two instances.
fn text() -> String {
    let words = ["sh", "program.sh"].into_iter().map(str::to_owned).chain(HOSTILE.iter().map(|text| written(text)));
    let env = [0, 3, 4, 5, 8, 14, 15].map(|place| (format!("V{place}"), written(HOSTILE[place]).into()));
    let env = env.into_iter().chain([("LATE".to_owned(), "<${NOT_SET:-it's \"$$none\" `x`}>".into())]);
    let given = toml::Table::from_iter([
        ("run".to_owned(), words.map(toml::Value::from).collect::<Vec<_>>().into()),
        ("env".to_owned(), toml::Value::Table(env.collect())),
        ("restart".to_owned(), "never".into()),
    ]);
    let several = toml::Table::from_iter([
        ("run".to_owned(), "echo $PORT > port.$DEVGROUP_REPLICA".into()),
        ("restart".to_owned(), "never".into()),
        ("replicas".to_owned(), 2.into()),
        ("port".to_owned(), 4000.into()),
    ]);
    let services = [("given", given), ("several", several)].map(|(name, table)| (name.to_owned(), table.into()));
    toml::Table::from_iter([("services".to_owned(), toml::Value::Table(services.into_iter().collect()))]).to_string()
}

/// What the program wrote is what the file says.
fn assert_given(folder: &Path) {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let bars = |texts: &[&str]| texts.iter().map(|text| format!("{text}|")).collect::<String>();
    assert_eq!(read("words"), bars(&HOSTILE));
    let variables: Vec<&str> = [0, 3, 4, 5, 8, 14, 15].map(|place| HOSTILE[place]).to_vec();
    assert_eq!(read("variables"), bars(&[&variables[..], &["<it's \"$none\" `x`>"]].concat()));
    assert_eq!(Path::new(read("folder").trim_end_matches('\n')), folder);
}

/// A program that is ended when its test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn systemd_gives_programs_what_the_file_says() {
    let words = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let systemd = Path::new("/lib/systemd/systemd");
    let mounts = || Command::new("unshare").args(words).args(["mount", "-t", "tmpfs", "tmpfs", "/run"]).output();
    let works = systemd.exists() && mounts().is_ok_and(|tried| tried.status.success());
    if !has("systemd, unshare and mount", works) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    // A folder that a unit or a shell would take apart.
    let folder = home.path().join("it's 100%i $HOME");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("program.sh"), PROGRAM).unwrap();
    let files = write(&groups::parsed(&text(), &folder), Target::Systemd, home.path());
    let config = home.path().join("config");
    fs::create_dir_all(config.join("systemd")).unwrap();
    fs::rename(files[0].parent().unwrap(), config.join("systemd/user")).unwrap();
    symlink(files[0].file_name().unwrap(), config.join("systemd/user/default.target")).unwrap();
    // The first process of the namespace would be taken for that of a system.
    let start = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user && chmod 700 /run/user && \
                 /lib/systemd/systemd --user --log-target=null; true";
    let mut manager = Command::new("unshare");
    manager.args(words).args(["sh", "-c", start]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    manager.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let child = manager.env("HOME", home.path()).env("XDG_CONFIG_HOME", &config).env("XDG_RUNTIME_DIR", "/run/user");
    let _manager = Running(child.spawn().unwrap());
    wait_for("the program has written its words", || folder.join("words").exists());
    assert_given(&folder);
    for (number, port) in [(1, "4000\n"), (2, "4001\n")] {
        let file = folder.join(format!("port.{number}"));
        wait_for("each instance has written its port", || fs::read_to_string(&file).is_ok_and(|text| text == port));
    }
}

#[test]
fn honcho_gives_programs_what_the_file_says() {
    let Some(program) = installed("honcho") else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    fs::write(folder.join("program.sh"), PROGRAM).unwrap();
    let files = write(&groups::parsed(&text(), folder), Target::Procfile, folder);
    let ended = Command::new(program).current_dir(folder).args(["start", "-f"]).arg(&files[0]).arg("given").output();
    let ended = ended.unwrap();
    assert!(ended.status.success(), "{ended:?}\n{}", fs::read_to_string(&files[0]).unwrap());
    assert_given(folder);
}
