//! `.ci/run` on machines that lack something: it says what to install.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::harness::{has, write_program};

/// What it says on a machine that has only these programs, each with what it does, and no right to install any.
fn said_with(programs: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    symlink("/usr/bin/dirname", folder.path().join("dirname")).unwrap();
    for (name, does) in [("id", "echo 1000")].iter().chain(programs) {
        write_program(&folder.path().join(name), &format!("#!/bin/sh\n{does}\n"));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/run");
    let output = Command::new("/bin/bash").arg(script).env_clear().env("PATH", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn what_it_cannot_install_is_named() {
    if !has("bash", Path::new("/bin/bash").exists()) {
        return;
    }
    let tools = ["git", "python3", "ps", "npm", "cc", "redis-server", "initdb", "curl", "promtool", "nats-server"]
        .into_iter()
        .chain([
            "dbus-run-session",
            "notify-send",
            "chromium",
            "docker-compose",
            "systemd-analyze",
            "unshare",
            "bwrap",
            "mount",
        ])
        .map(|name| (name, ""))
        .collect::<Vec<_>>();
    let bare_cargo = ("cargo", "case $1 in clippy) exit 101;; esac");
    assert_eq!(said_with(&[]), "please install: Rust (https://rustup.rs)");
    assert_eq!(
        said_with(&[bare_cargo]),
        "please install: git python3 python3-venv procps npm gcc libc6-dev redis-server postgresql curl prometheus nats-server dbus \
         libnotify-bin chromium fonts-dejavu-core docker-compose systemd util-linux bubblewrap mount"
    );
    let without_ps = tools.iter().copied().filter(|(name, _)| *name != "ps");
    let without_sudo: Vec<_> = without_ps.chain([bare_cargo, ("apt-get", "exit 100")]).collect();
    assert_eq!(said_with(&without_sudo), "please install: procps");
    let refusing_sudo = [without_sudo.as_slice(), &[("sudo", "exit 1")]].concat();
    assert_eq!(said_with(&refusing_sudo), "please install: procps");
    assert_eq!(said_with(&[tools.as_slice(), &[bare_cargo]].concat()), "please install: clippy");
}
