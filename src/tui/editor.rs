//! The user's editor in the terminal of the dashboard, which gives it up meanwhile.
//!
//! The editor gets a process group of its own in the foreground of the terminal, as a shell does it: Ctrl-C in it is not
//! for the group of services.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;

use nix::sys::signal::{SigSet, SigmaskHow, Signal as Blocked};
use nix::unistd::getpgrp;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use rustix::stdio;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr, tcsetpgrp};

/// How often an editor may stop because it does not get the terminal, before it is ended.
const STOPS: u32 = 100;

/// A running editor.
#[derive(Debug)]
pub(super) struct Editor {
    group: Pid,
    /// The modes of the terminal that the dashboard gave up.
    modes: Option<Termios>,
    /// As the user calls it.
    pub(super) command: String,
    /// It was told the line.
    pub(super) knows_line: bool,
}

/// How to open a file at a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// The line before the file: `+12 file`.
    Plus,
    /// The line behind the file: `file:12`.
    Colon,
    /// The same behind an option: `--goto file:12`.
    Goto,
    /// No line: `file`.
    FileOnly,
}

/// The editor that the user wants: `$VISUAL`, else `$EDITOR`, else `vi`.
pub(super) fn wanted(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = |name| variable(name).filter(|value| !value.trim().is_empty());
    set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned())
}

/// What the editor is told, after its own arguments. An editor that nobody here knows is not told the line, because it
/// could take that for a file.
fn arguments(command: &str, path: &Path, line: u64) -> Vec<OsString> {
    let at_line = || {
        let mut text = path.as_os_str().to_owned();
        text.push(format!(":{line}"));
        text
    };
    match style_of(command) {
        Style::Plus => vec![format!("+{line}").into(), path.into()],
        Style::Colon => vec![at_line()],
        Style::Goto => vec!["--goto".into(), at_line()],
        Style::FileOnly => vec![path.into()],
    }
}

fn style_of(command: &str) -> Style {
    let program = command.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    match name {
        "vi" | "vim" | "nvim" | "gvim" | "mvim" | "view" | "vim.tiny" | "vim.basic" | "nano" | "pico" | "rnano"
        | "emacs" | "emacsclient" | "mg" | "jed" | "kak" | "ne" | "joe" | "mcedit" | "micro" | "tilde" | "gedit"
        | "gnome-text-editor" | "less" | "more" | "busybox" => Style::Plus,
        "hx" | "helix" | "subl" | "sublime_text" | "zed" | "zeditor" | "lapce" => Style::Colon,
        "code" | "code-insiders" | "code-oss" | "codium" | "vscodium" | "cursor" | "windsurf" => Style::Goto,
        _ => Style::FileOnly,
    }
}

impl Editor {
    /// Starts it in the terminal, which must have been given up. `ended` is called on another thread when it has ended.
    ///
    /// # Errors
    /// There is no shell, or no thread.
    pub(super) fn start(
        command: String,
        path: &Path,
        line: u64,
        ended: impl FnOnce(Option<ExitStatus>) + Send + 'static,
    ) -> io::Result<Self> {
        let stdin = stdio::stdin();
        let modes = tcgetattr(stdin).ok();
        // Through the shell, as others do it: the variable may have arguments.
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("{command} \"$@\""))
            .arg("sh")
            .args(arguments(&command, path, line))
            .process_group(0);
        let child = shell.spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let group = group.ok_or_else(|| io::Error::other("the editor has no process"))?;
        // It may have asked for the terminal before it had it.
        let _ = tcsetpgrp(stdin, group);
        let _ = kill_process_group(group, Signal::CONT);
        thread::Builder::new().name("editor".into()).spawn(move || ended(wait(group)))?;
        let knows_line = style_of(&command) != Style::FileOnly;
        Ok(Self { group, modes, command, knows_line })
    }

    /// Asks it to end, or ends it.
    pub(super) fn end(&self, at_once: bool) {
        let signal = if at_once { Signal::KILL } else { Signal::HUP };
        // It may have ended by itself.
        let _ = kill_process_group(self.group, signal);
        let _ = kill_process_group(self.group, Signal::CONT);
    }

    /// We were stopped and go on: gives it the terminal, which the shell has given to us.
    pub(super) fn resume(&self) {
        let stdin = stdio::stdin();
        if nix::unistd::tcgetpgrp(stdin).is_ok_and(|foreground| foreground == getpgrp()) {
            let _ = tcsetpgrp(stdin, self.group);
        }
        // It draws anew.
        let _ = kill_process_group(self.group, Signal::CONT);
    }

    /// Takes the terminal back, with its modes as they were.
    pub(super) fn take_terminal_back(&self) {
        // Who is in the background may not do this, unless it does not mind the signal that says so.
        let before = SigSet::from(Blocked::SIGTTOU).thread_swap_mask(SigmaskHow::SIG_BLOCK);
        let _ = nix::unistd::tcsetpgrp(stdio::stdin(), getpgrp());
        if let Some(modes) = &self.modes {
            let _ = tcsetattr(stdio::stdin(), OptionalActions::Now, modes);
        }
        let _ = before.map(|before| before.thread_set_mask());
    }

    /// What is to be said about its end, if it was not a good one.
    pub(super) fn complaint(&self, status: Option<ExitStatus>) -> Option<String> {
        let command = &self.command;
        match status.map(|status| (status.code(), status.signal())) {
            Some((Some(0), _)) => None,
            Some((Some(126 | 127), _)) => Some(format!("cannot run `{command}`: set VISUAL or EDITOR")),
            Some((Some(code), _)) => Some(format!("`{command}` failed: exit {code}")),
            Some((None, Some(signal))) => Some(format!("`{command}` was killed by signal {signal}")),
            Some((None, None)) | None => Some(format!("cannot tell how `{command}` ended")),
        }
    }
}

/// Waits for the end. One that stops (Ctrl-Z) goes on: there is no shell behind it.
fn wait(group: Pid) -> Option<ExitStatus> {
    let mut stops = 0;
    loop {
        match waitpid(Some(group), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => {
                stops += 1;
                let signal = if stops > STOPS { Signal::KILL } else { Signal::CONT };
                let _ = kill_process_group(group, signal);
            }
            Ok(Some((_, status))) => return Some(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined_arguments(command: &str) -> String {
        let arguments = arguments(command, Path::new("/s/api log.log"), 12);
        arguments.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn each_editor_is_told_the_line_in_its_own_way() {
        for (command, expected) in [
            ("vi", "+12|/s/api log.log"),
            ("/usr/bin/nvim -p", "+12|/s/api log.log"),
            ("emacsclient -t", "+12|/s/api log.log"),
            ("LC_ALL=C nano", "+12|/s/api log.log"),
            ("code --wait", "--goto|/s/api log.log:12"),
            ("hx", "/s/api log.log:12"),
            ("my-editor", "/s/api log.log"),
        ] {
            assert_eq!(joined_arguments(command), expected, "{command}");
        }
    }

    #[test]
    fn visual_goes_before_editor_and_vi_is_always_there() {
        let variables = |visual: &'static str, editor: &'static str| {
            wanted(|name| Some(if name == "VISUAL" { visual } else { editor }.to_owned()))
        };
        assert_eq!(variables("code", "nano"), "code");
        assert_eq!(variables(" ", "nano"), "nano");
        assert_eq!(wanted(|_| None), "vi");
    }
}
