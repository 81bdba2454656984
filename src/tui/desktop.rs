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

/// What opens addresses in the user's browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opener {
    program: PathBuf,
    /// `%s` is where the address goes; without one it comes last.
    arguments: Vec<String>,
}

impl Opener {
    /// The arguments that open this address.
    fn arguments_for(&self, address: &str) -> Vec<String> {
        let has_place = self.arguments.iter().any(|argument| argument.contains("%s"));
        let arguments = self.arguments.iter().map(|argument| argument.replace("%s", address));
        arguments.chain((!has_place).then(|| address.to_owned())).collect()
    }
}

/// What opens addresses in the user's browser: the program that `BROWSER` names, or the one of the desktop, if the session
/// has one. `BROWSER` holds over ssh too: an editor sets it there to open addresses on the machine that one sits at.
pub(super) fn opener(variable: impl Fn(&str) -> Option<String>) -> Option<Opener> {
    named_browser(&variable).or_else(|| {
        let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| is_set(&variable, name));
        let name = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let is_usable = is_local(&variable) && (has_desktop || cfg!(target_os = "macos"));
        let program = find_program(&variable, name).filter(|_| is_usable)?;
        Some(Opener { program, arguments: Vec::new() })
    })
}

/// The first program of `BROWSER` that is there. It is a list of commands with `:` between them, as `xdg-open` reads it.
fn named_browser(variable: &impl Fn(&str) -> Option<String>) -> Option<Opener> {
    let named = variable("BROWSER")?;
    named.split(':').find_map(|command| {
        let mut words = command.split_whitespace().map(str::to_owned);
        let name = words.next()?;
        let program = match name.contains('/') {
            true => Some(PathBuf::from(name)).filter(|path| is_program(path)),
            false => find_program(variable, &name),
        };
        Some(Opener { program: program?, arguments: words.collect() })
    })
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
    let opener = opener(variable).ok_or_else(|| no_browser(address))?;
    let (tell, told) = mpsc::channel();
    // Nobody may listen any more.
    if !open(&opener, address, move |complaint| drop(tell.send(complaint))) {
        return Err(format!("not opened, {} cannot be started: {address}", opener.program.display()));
    }
    match told.recv_timeout(PATIENCE) {
        Ok(complaint) => Err(complaint),
        // It has ended well, or stays as long as the browser.
        Err(_) => Ok(()),
    }
}

/// What is said where nothing opens an address.
pub(super) fn no_browser(address: &str) -> String {
    format!("open {address} (no browser here: set BROWSER to name one)")
}

/// Opens an address with the opener, which nobody waits for: it may stay as long as the browser, which goes on when we end.
/// What goes wrong is told to `complain`. The answer is whether it was started.
pub(super) fn open(opener: &Opener, address: &str, complain: impl Fn(String) + Send + 'static) -> bool {
    let mut command = Command::new(&opener.program);
    command.args(opener.arguments_for(address)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
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
        let path = folder.path().display().to_string();
        let found = |variables: &[(&str, &str)]| found_with(&path, variables).map(|opener| opener.program);
        let display = ("DISPLAY", ":0");
        assert_eq!(found(&[display]), None, "it cannot be run");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(found(&[display]).as_ref(), Some(&program));
        assert_eq!(found(&[("WAYLAND_DISPLAY", "wayland-0")]).as_ref(), Some(&program));
        assert_eq!(found(&[("DISPLAY", "")]).is_some(), cfg!(target_os = "macos"));
        assert_eq!(found(&[display, ("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")]), None);
    }

    fn found_with(path: &str, variables: &[(&str, &str)]) -> Option<Opener> {
        opener(|name| {
            let own = (name == "PATH").then(|| path.to_owned());
            own.or_else(|| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
        })
    }

    #[test]
    fn the_browser_that_is_named_needs_no_desktop() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("surf");
        std::fs::write(&program, "").unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let path = folder.path().display().to_string();
        let command = |browser: &str| {
            let ssh = ("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22");
            let opener = found_with(&path, &[("BROWSER", browser), ssh])?;
            Some((opener.program.clone(), opener.arguments_for("http://localhost:1/")))
        };
        let with = |arguments: &[&str]| Some((program.clone(), arguments.iter().map(|it| (*it).to_owned()).collect()));
        assert_eq!(command("surf"), with(&["http://localhost:1/"]));
        assert_eq!(command(&program.display().to_string()), with(&["http://localhost:1/"]));
        assert_eq!(command("none:surf --new-tab"), with(&["--new-tab", "http://localhost:1/"]));
        assert_eq!(command("surf --open=%s -x"), with(&["--open=http://localhost:1/", "-x"]));
        assert_eq!((command(""), command("none"), command(": :")), (None, None, None));
    }
}
