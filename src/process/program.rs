//! From a command to the words that are executed, and why that cannot work, in words for people.
//!
//! The checks come before the start because the words of the system are few, and because the terminal library closes the
//! pipe through which the child would tell that `exec` failed: a failure there looks like a crash of the service.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::domain::{RunCommand, plain_error, visible, visible_path, without_values};
use crate::regular_file::open_regular;

/// The shell of `run = "text"`.
pub(super) const SHELL: &str = "/bin/sh";

/// What is executed.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// The file; absolute.
    pub path: PathBuf,
    /// The words that it gets, its own name first.
    pub argv: Vec<OsString>,
}

/// The program of a command that is executed in `dir`.
///
/// # Errors
/// Why it cannot be executed, for people.
pub(super) fn find(command: &RunCommand, dir: &Path, env: &[(OsString, OsString)]) -> Result<Program, String> {
    find_for_foreground(command, dir, env).map_err(|(_, problem)| problem)
}

/// The same for a command that is executed in place of a shell's.
///
/// # Errors
/// The exit code that a shell would give, and why it cannot be executed, for people.
pub fn find_for_foreground(
    command: &RunCommand,
    dir: &Path,
    env: &[(OsString, OsString)],
) -> Result<Program, (u8, String)> {
    let variables = || env.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    // Values of variables are in the words by now.
    let shown = |problem: String| visible(&without_values(&problem, variables())).into_owned();
    look_for(command, dir, env).map_err(|(code, problem)| (code, shown(problem)))
}

/// What a shell answers for a program that it does not find …
const NOT_FOUND: u8 = 127;

/// … and for one that it cannot execute.
const NOT_EXECUTABLE: u8 = 126;

fn look_for(command: &RunCommand, dir: &Path, env: &[(OsString, OsString)]) -> Result<Program, (u8, String)> {
    can_be_entered(dir).map_err(|problem| (NOT_EXECUTABLE, problem))?;
    match command {
        RunCommand::Shell(text) => {
            Ok(Program { path: SHELL.into(), argv: vec![SHELL.into(), "-c".into(), text.into()] })
        }
        RunCommand::Argv(words) => {
            let Some((program, arguments)) = words.split_first() else {
                return Err((NOT_EXECUTABLE, "no program given".into()));
            };
            let (name, path) = look_up(program, dir, env)?;
            Ok(Program { path, argv: std::iter::once(name).chain(arguments.iter().map(OsString::from)).collect() })
        }
    }
}

/// Whether a command can be executed in this folder.
///
/// # Errors
/// Why not, for people.
pub(super) fn can_be_entered(dir: &Path) -> Result<(), String> {
    let problem = |error: &std::io::Error| format!("folder {}: {}", visible_path(dir), plain_error(error));
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => access(dir, Access::EXEC_OK).map_err(|error| problem(&error.into())),
        Ok(_) => Err(format!("not a folder: {}", visible_path(dir))),
        Err(error) => Err(problem(&error)),
    }
}

/// The program as it has to be named: as written if it is looked up in `PATH`, relative to `dir` if it has a slash. And
/// where it is.
fn look_up(program: &str, dir: &Path, env: &[(OsString, OsString)]) -> Result<(OsString, PathBuf), (u8, String)> {
    if program.contains('/') {
        let path = dir.join(program);
        executable(&path).map_err(|problem| problem.about(program))?;
        // The terminal library takes only `./` and `../` as relative to the folder.
        let named = Path::new(program);
        let explicit = named.is_absolute() || program.starts_with("./") || program.starts_with("../");
        return Ok((if explicit { program.into() } else { Path::new(".").join(named).into_os_string() }, path));
    }
    let mut problem = Problem::Missing;
    for folder in std::env::split_paths(path_of(env)) {
        let path = dir.join(folder).join(program);
        match executable(&path) {
            Ok(()) => return Ok((program.into(), path)),
            Err(Problem::Missing) => {}
            Err(other) => problem = other,
        }
    }
    Err(problem.about(program))
}

/// The last `PATH` of the environment.
fn path_of(env: &[(OsString, OsString)]) -> &OsStr {
    env.iter().rev().find(|(name, _)| name == "PATH").map_or(OsStr::new(""), |(_, value)| value)
}

/// Why a file cannot be executed.
enum Problem {
    Missing,
    Folder,
    NotExecutable,
    Interpreter(PathBuf),
}

impl Problem {
    fn about(self, program: &str) -> (u8, String) {
        let code = if matches!(self, Self::Missing) { NOT_FOUND } else { NOT_EXECUTABLE };
        let problem = match self {
            Self::Missing => format!("program not found: {program}"),
            Self::Folder => format!("a folder, not a program: {program}"),
            Self::NotExecutable => format!("not executable: {program}"),
            Self::Interpreter(interpreter) => {
                format!("{program} needs {}, which is missing", visible_path(&interpreter))
            }
        };
        (code, problem)
    }
}

fn executable(path: &Path) -> Result<(), Problem> {
    match fs::metadata(path) {
        Err(_) => Err(Problem::Missing),
        Ok(found) if found.is_dir() => Err(Problem::Folder),
        Ok(_) if access(path, Access::EXEC_OK).is_err() => Err(Problem::NotExecutable),
        Ok(_) => match interpreter(path) {
            Some(interpreter) if interpreter.is_absolute() && !interpreter.exists() => {
                Err(Problem::Interpreter(interpreter))
            }
            _ => Ok(()),
        },
    }
}

/// What the first line of a script asks for: `#! /bin/sh -e` → `/bin/sh`.
fn interpreter(path: &Path) -> Option<PathBuf> {
    // The kernel reads as much.
    let mut head = [0; 256];
    let length = open_regular(path).ok()?.0.read(&mut head).ok()?;
    let line = head.get(..length)?.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r')).find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(word)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(dir: &Path, name: &str, text: &str, mode: u32) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn words(argv: &[&str]) -> RunCommand {
        RunCommand::Argv(argv.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn what_cannot_be_executed_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        script(dir, "bin/good", "#!/bin/sh\n", 0o755);
        script(dir, "bin/plain", "#!/bin/sh\n", 0o644);
        script(dir, "bin/odd", "#! /no/such/interpreter -x\n", 0o755);
        let env = [("PATH".into(), "/nowhere:bin".into())];
        let cases: [(&[&str], Result<&str, &str>); 9] = [
            (&["good"], Ok("good")),
            (&["bin/good"], Ok("./bin/good")),
            (&["./bin/good"], Ok("./bin/good")),
            (&["plain"], Err("not executable: plain")),
            (&["bin/odd"], Err("bin/odd needs /no/such/interpreter, which is missing")),
            (&["foo"], Err("program not found: foo")),
            (&["./foo"], Err("program not found: ./foo")),
            (&["bin/"], Err("a folder, not a program: bin/")),
            (&[], Err("no program given")),
        ];
        for (command, expected) in cases {
            let found = find(&words(command), dir, &env).map(|program| program.argv[0].to_str().unwrap().to_owned());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{command:?}");
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let missing = find(&RunCommand::Shell("true".into()), Path::new("/no/such"), &[]);
        assert_eq!(missing, Err("folder /no/such: no such file or directory".into()));
        let file = find(&RunCommand::Shell("true".into()), Path::new("/dev/null"), &[]);
        assert_eq!(file, Err("not a folder: /dev/null".into()));
    }

    #[test]
    fn text_goes_to_the_shell_untouched() {
        let text = "a  & b \"$c\"";
        let program = find(&RunCommand::Shell(text.into()), Path::new("/"), &[]).unwrap();
        assert_eq!(program.argv, [SHELL, "-c", text]);
    }
}
