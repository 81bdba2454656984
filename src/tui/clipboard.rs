//! The clipboard: through the terminal (OSC 52, also over ssh), through a program where the session is local, and through
//! tmux inside of it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::desktop::{find_program, is_local, is_set};
use super::text::floor;
use crate::domain::{OPENED_BY, plain_error};

/// What terminals take in one OSC 52 sequence, in bytes of text: 100,000 bytes are a common limit of the sequence, and
/// base64 makes four bytes of three.
pub(super) const OSC_52_TEXT: usize = 74_000;

/// The sequence that makes the terminal copy the text, as much of it as terminals take; and how many bytes that is.
pub(super) fn osc_52(text: &str) -> (String, usize) {
    let end = floor(text, OSC_52_TEXT);
    let encoded = STANDARD.encode(text.get(..end).unwrap_or_default());
    (format!("\u{1b}]52;c;{encoded}\u{7}"), end)
}

/// Who has taken a text that is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// A program that has the clipboard.
    Program,
    /// tmux, which keeps it, and passes it on to its terminal.
    Tmux,
}

/// The programs that copy what they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copier {
    programs: Vec<Program>,
    taker: Taker,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    path: PathBuf,
    arguments: &'static [&'static str],
}

impl Copier {
    /// The programs of this session, if it has any: tmux inside of tmux, which by its defaults ignores what a program asks
    /// of the terminal; and that of the desktop, if the session is local.
    pub(super) fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| is_set(&variable, name);
        let find = |name: &str| find_program(&variable, name);
        let local = is_local(&variable);
        let candidates: [(bool, &str, &'static [&'static str]); 4] = [
            (set("WAYLAND_DISPLAY"), "wl-copy", &[]),
            (set("DISPLAY"), "xclip", &["-selection", "clipboard"]),
            (set("DISPLAY"), "xsel", &["--clipboard", "--input"]),
            (cfg!(target_os = "macos"), "pbcopy", &[]),
        ];
        let desktop = candidates
            .into_iter()
            .filter(|(usable, ..)| local && *usable)
            .find_map(|(_, name, arguments)| Some(Program { path: find(name)?, arguments }));
        let tmux = || Some(Program { path: find("tmux")?, arguments: &["load-buffer", "-w", "-"] });
        let tmux = set("TMUX").then(tmux).flatten();
        let taker = if tmux.is_some() { Taker::Tmux } else { Taker::Program };
        let programs: Vec<Program> = tmux.into_iter().chain(desktop).collect();
        (!programs.is_empty()).then_some(Self { programs, taker })
    }

    /// Copies, on threads of their own that nobody waits for: such programs may stay to serve the clipboard. What goes
    /// wrong is told to `complain`. The answer is who takes the text; nobody if no program could be started.
    pub(super) fn copy(&self, text: &str, complain: impl Fn(String) + Clone + Send + 'static) -> Option<Taker> {
        let mut taken = false;
        for program in &self.programs {
            match program.copy(text.to_owned(), complain.clone()) {
                Ok(()) => taken = true,
                Err(error) => complain(format!("not copied: cannot run {}: {}", program.name(), plain_error(&error))),
            }
        }
        taken.then_some(self.taker)
    }
}

impl Program {
    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn copy(&self, text: String, complain: impl Fn(String) + Send + 'static) -> io::Result<()> {
        let mut command = Command::new(&self.path);
        command.args(self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C in the host terminal is none of its business. One that serves the clipboard stays when the group ends.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.env(OPENED_BY, std::process::id().to_string());
        let mut child = command.spawn()?;
        let name = self.name();
        let feed = move || {
            let fed = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
            match (fed, child.wait()) {
                (_, Ok(status)) if !status.success() => complain(format!("not copied: {name} failed ({status})")),
                (Err(error), _) | (_, Err(error)) => {
                    complain(format!("not copied: {name} failed: {}", plain_error(&error)))
                }
                (Ok(()), Ok(_)) => {}
            }
        };
        thread::Builder::new().name("clipboard".into()).spawn(feed).map(drop)
    }
}

/// The programs that copy to the clipboard of this session, if there are any.
pub fn clipboard_programs(variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let copier = Copier::find(variable);
    copier.map(|copier| copier.programs.into_iter().map(|program| program.path).collect()).unwrap_or_default()
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
        let (program, tmux) = (folder.path().join("xclip"), folder.path().join("tmux"));
        for program in [&program, &tmux] {
            std::fs::write(program, "#!/bin/sh\n").unwrap();
        }
        let found = |variables: &[(&str, &str)]| {
            let path = folder.path().display().to_string();
            clipboard_programs(|name| {
                let own = (name == "PATH").then(|| path.clone());
                own.or_else(|| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
            })
        };
        assert!(found(&[("DISPLAY", ":0")]).is_empty(), "it cannot be run");
        for program in [&program, &tmux] {
            std::fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let ssh = ("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22");
        assert_eq!(found(&[("DISPLAY", ":0")]), std::slice::from_ref(&program));
        assert!(found(&[]).is_empty());
        assert!(found(&[("DISPLAY", ":0"), ssh]).is_empty());
        assert!(found(&[("WAYLAND_DISPLAY", "wayland-0")]).is_empty());
        assert_eq!(found(&[("DISPLAY", ":0"), ("TMUX", "/tmp/x,1,0")]), [tmux.clone(), program]);
        assert_eq!(found(&[("TMUX", "/tmp/x,1,0"), ssh]), [tmux], "it knows the terminal at the other end");
    }

    #[test]
    fn a_program_that_fails_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tmux");
        // By a process of its own: what another test starts meanwhile would have it open for writing.
        let write = "printf '#!/bin/sh\\ncat > /dev/null; exit 3\\n' > \"$0\" && chmod 755 \"$0\"";
        assert!(Command::new("/bin/sh").args(["-c", write]).arg(&program).status().unwrap().success());
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let copier = Copier::find(|name| match name {
            "PATH" => Some(path.clone()),
            "TMUX" => Some("/tmp/x,1,0".into()),
            _ => None,
        });
        let (said, complaints) = std::sync::mpsc::channel();
        let taker = copier.unwrap().copy("text", move |text| said.send(text).unwrap());
        assert_eq!(taker, Some(Taker::Tmux));
        assert_eq!(complaints.iter().collect::<Vec<_>>(), ["not copied: tmux failed (exit status: 3)"]);
    }
}
