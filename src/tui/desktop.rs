//! The desktop of a session: its programs are of use where somebody looks at it.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::domain::{MASK, OPENED_BY, plain_error};

/// The session is not over ssh: a program would show itself on another machine.
pub(super) fn is_local(variable: &impl Fn(&str) -> Option<String>) -> bool {
    !["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(|name| is_set(variable, name))
}

/// A variable has a value.
pub(super) fn is_set(variable: &impl Fn(&str) -> Option<String>, name: &str) -> bool {
    variable(name).is_some_and(|value| !value.is_empty())
}

/// A program in `PATH`.
pub(super) fn find_program(variable: &impl Fn(&str) -> Option<String>, name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    std::env::split_paths(OsStr::new(&path)).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// The program that opens addresses in the user's browser, if the session has a desktop.
pub(super) fn opener(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| is_set(&variable, name));
    let name = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let is_usable = is_local(&variable) && (has_desktop || cfg!(target_os = "macos"));
    find_program(&variable, name).filter(|_| is_usable)
}

/// How long it is waited for what an opener has to say.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens an address in the browser of this session.
///
/// # Errors
/// It was not opened, and why, for people.
pub fn open_address(address: &str) -> Result<(), String> {
    if address.contains(MASK) {
        return Err(format!("not opened, its address contains a secret: {address}"));
    }
    let variable = |name: &str| std::env::var(name).ok();
    let opener = opener(variable).ok_or_else(|| format!("no desktop here to open {address}"))?;
    let (tell, told) = mpsc::channel();
    // Nobody may listen any more.
    if !open(&opener, address, move |complaint| drop(tell.send(complaint))) {
        return Err(format!("not opened, {} cannot be started: {address}", opener.display()));
    }
    match told.recv_timeout(PATIENCE) {
        Ok(complaint) => Err(complaint),
        // It has ended well, or stays as long as the browser.
        Err(_) => Ok(()),
    }
}

/// Opens an address with the opener, which nobody waits for: it may stay as long as the browser, which goes on when we end.
/// What goes wrong is told to `complain`. The answer is whether it was started.
pub(super) fn open(opener: &Path, address: &str, complain: impl Fn(String) + Send + 'static) -> bool {
    let mut command = Command::new(opener);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C in the host terminal is none of its business, nor is our end.
    command.process_group(0).env(OPENED_BY, std::process::id().to_string());
    let address = address.to_owned();
    let wait = move |mut child: std::process::Child| match child.wait() {
        Ok(status) if status.success() => {}
        Ok(status) => complain(format!("not opened ({status}): {address}")),
        Err(error) => complain(format!("not opened ({}): {address}", plain_error(&error))),
    };
    let Ok(child) = command.spawn() else { return false };
    thread::Builder::new().name("browser".into()).spawn(move || wait(child)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_opened_where_somebody_sees_the_browser() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(if cfg!(target_os = "macos") { "open" } else { "xdg-open" });
        std::fs::write(&program, "").unwrap();
        let found = |variables: &[(&str, &str)]| {
            let path = folder.path().display().to_string();
            opener(|name| {
                let own = (name == "PATH").then(|| path.clone());
                own.or_else(|| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
            })
        };
        let display = ("DISPLAY", ":0");
        assert_eq!(found(&[display]), None, "it cannot be run");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(found(&[display]).as_ref(), Some(&program));
        assert_eq!(found(&[("WAYLAND_DISPLAY", "wayland-0")]).as_ref(), Some(&program));
        assert_eq!(found(&[("DISPLAY", "")]).is_some(), cfg!(target_os = "macos"));
        assert_eq!(found(&[display, ("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")]), None);
    }
}
