//! The clipboard: through the terminal (OSC 52, also over ssh), and through a program where the session is local.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::text::floor;

/// What terminals take in one OSC 52 sequence, in bytes of text: 100,000 bytes are a common limit of the sequence, and
/// base64 makes four bytes of three.
pub(super) const OSC_52_TEXT: usize = 74_000;

/// The sequence that makes the terminal copy the text, as much of it as terminals take; and how many bytes that is.
pub(super) fn osc_52(text: &str) -> (String, usize) {
    let end = floor(text, OSC_52_TEXT);
    let encoded = STANDARD.encode(text.get(..end).unwrap_or_default());
    (format!("\u{1b}]52;c;{encoded}\u{7}"), end)
}

/// A program that copies what it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copier {
    program: PathBuf,
    arguments: &'static [&'static str],
}

impl Copier {
    /// The program of this session, if it is local and has one.
    pub(super) fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        // Over ssh it would be the clipboard of another machine.
        if ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].into_iter().any(set) {
            return None;
        }
        let path = variable("PATH")?;
        let candidates: [(bool, &str, &'static [&'static str]); 4] = [
            (set("WAYLAND_DISPLAY"), "wl-copy", &[]),
            (set("DISPLAY"), "xclip", &["-selection", "clipboard"]),
            (set("DISPLAY"), "xsel", &["--clipboard", "--input"]),
            (cfg!(target_os = "macos"), "pbcopy", &[]),
        ];
        candidates.into_iter().filter(|(usable, ..)| *usable).find_map(|(_, name, arguments)| {
            let program =
                std::env::split_paths(OsStr::new(&path)).map(|folder| folder.join(name)).find(|p| is_program(p));
            program.map(|program| Self { program, arguments })
        })
    }

    /// Copies, on a thread of its own that nobody waits for: such programs may stay to serve the clipboard.
    ///
    /// # Errors
    /// The program or the thread could not be started.
    pub(super) fn copy(&self, text: String) -> io::Result<()> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C in the outer terminal is none of its business.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let feed = move || {
            if let Some(mut stdin) = child.stdin.take()
                && let Err(error) = stdin.write_all(text.as_bytes())
            {
                log::warn!("the clipboard's program did not take the text: {error}");
            }
            match child.wait() {
                Ok(status) if status.success() => {}
                Ok(status) => log::warn!("the clipboard's program failed: {status}"),
                Err(error) => log::warn!("the clipboard's program is lost: {error}"),
            }
        };
        thread::Builder::new().name("clipboard".into()).spawn(feed).map(drop)
    }
}

/// The program that copies to the clipboard of this session, if there is one.
pub fn clipboard_program(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    Copier::find(variable).map(|copier| copier.program)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_gets_as_much_as_it_takes() {
        assert_eq!(osc_52("hé"), ("\u{1b}]52;c;aMOp\u{7}".into(), 3));
        assert_eq!(osc_52(""), ("\u{1b}]52;c;\u{7}".into(), 0));
        let (sequence, taken) = osc_52(&"é".repeat(60_000));
        assert!(sequence.len() <= 100_000 && taken <= OSC_52_TEXT && taken % 2 == 0, "{} {taken}", sequence.len());
    }

    #[test]
    fn a_program_is_used_only_where_the_session_is_local() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("xclip");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        let found = |variables: &[(&str, &str)]| {
            let path = folder.path().display().to_string();
            Copier::find(|name| {
                let own = (name == "PATH").then(|| path.clone());
                own.or_else(|| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
            })
        };
        assert_eq!(found(&[("DISPLAY", ":0")]), None, "it cannot be run");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(found(&[("DISPLAY", ":0")]).map(|copier| copier.program), Some(program));
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[("DISPLAY", ":0"), ("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")]), None);
        assert_eq!(found(&[("WAYLAND_DISPLAY", "wayland-0")]), None);
    }
}
