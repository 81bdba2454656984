//! The house in which the real program is tested: a project in a folder of its own, a terminal that a test can look
//! at, and pipes for streaming.
//!
//! Nothing here sleeps to wait. Each wait has a name, a condition and a deadline, and says on failure what was to be
//! seen instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

mod chance;
mod dash;
mod stream;

pub(crate) use chance::{Chance, number_of, seed_of};
pub(crate) use dash::{Dash, Ended, copied, key, place, quit};
pub(crate) use stream::{Stream, Streamed, detach, down};

/// The deadline of a wait that says nothing else. Long, because it is only ever used up by a failure, and a busy
/// machine is none.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at that nothing announces.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };

/// The environment variable by which everything that a test has started is found again.
const MARK: &str = "DEVGROUP_TEST_ID";

/// Waits until `look` finds something, which is the result. `look` may itself wait for up to [`TICK`].
///
/// # Panics
/// After the deadline, with the name of the wait and what `seen` says.
pub(crate) fn wait_until<S, T>(
    name: &str,
    deadline: Duration,
    state: &mut S,
    mut look: impl FnMut(&mut S) -> Option<T>,
    seen: impl FnOnce(&mut S) -> String,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look(state) {
            return found;
        }
        if started.elapsed() >= deadline {
            panic!("waited {deadline:?} in vain until {name}\n{}", seen(state));
        }
    }
}

/// Waits for something outside of any program under test.
pub(crate) fn wait_for(name: &str, condition: impl FnMut() -> bool) {
    wait_for_within(PATIENCE, name, condition);
}

/// Passes a tick: between two looks at what nothing can be polled for.
pub(crate) fn pause() {
    let _ = poll(&mut [], Some(&TICK));
}

/// The same for what takes long by itself.
pub(crate) fn wait_for_within(deadline: Duration, name: &str, mut condition: impl FnMut() -> bool) {
    let look = |_: &mut ()| {
        if condition() {
            return Some(());
        }
        pause();
        None
    };
    wait_until(name, deadline, &mut (), look, |_| String::new());
}

/// Whether a test can go on that needs this. It is said if it cannot, and where everything must be there (`CI`), that is a
/// failure.
pub(crate) fn has(what: &str, is_there: bool) -> bool {
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "needs {what}");
        eprintln!("skipped: needs {what}");
    }
    is_there
}

/// Writes a script that can be executed. By a process of its own: a file that somebody has open for writing cannot be
/// executed, and what another test starts at that moment has all that we have open, until it executes.
pub(crate) fn write_program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let write = "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\"";
    let status = Command::new("/bin/sh").args(["-c", write]).arg(path).arg(text).status().unwrap();
    assert!(status.success(), "{}", path.display());
}

/// Compiles a C text to a file in the folder of the project.
pub(crate) fn compile(project: &Project, name: &str, text: &str, flags: &[&str]) -> Option<PathBuf> {
    let (source, target) = (format!("../{name}.c"), project.path(&format!("../{name}")));
    project.write(&source, text);
    let mut compiler = project.command("cc");
    let compiled = compiler.arg("-o").arg(&target).arg(project.path(&source)).args(flags).output();
    has("cc", compiled.as_ref().is_ok_and(|output| output.status.success())).then_some(target)
}

/// Whether devgroup does here what it does on systems without a way of their own for terminals and file events.
pub(crate) fn is_portable() -> bool {
    std::env::var_os("DEVGROUP_PORTABLE").is_some_and(|value| !value.is_empty())
}

/// Whether devgroup has here what Linux alone has: all processes, who holds a port, who sends a notification.
pub(crate) fn is_linux() -> bool {
    cfg!(target_os = "linux") && std::env::var_os("DEVGROUP_PORTABLE").is_none_or(|value| value != "all")
}

/// A folder with a `procgroup.toml`, and the environment in which devgroup is run there: nothing of the machine's own
/// but `PATH`.
pub(crate) struct Project {
    folder: TempDir,
    environment: Vec<(String, String)>,
    id: String,
}

impl Project {
    /// A project with this text as its `procgroup.toml`.
    pub(crate) fn new(procgroup: &str) -> Self {
        let project = Self::empty();
        project.write("procgroup.toml", procgroup);
        project
    }

    /// A project without a file.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("devgroup-it-").tempdir().unwrap();
        let id = folder.path().file_name().unwrap().to_string_lossy().into_owned();
        fs::create_dir_all(folder.path().join("home")).unwrap();
        fs::create_dir_all(folder.path().join("app")).unwrap();
        let home = folder.path().join("home").display().to_string();
        // Git cleans up in the background, at some time and longer than a test lasts.
        fs::write(folder.path().join("home/.gitconfig"), "[maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n").unwrap();
        let inherited = |name: &str| std::env::var(name).unwrap_or_default();
        let environment = [
            (MARK, id.clone()),
            ("PATH", inherited("PATH")),
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", format!("{home}/config")),
            ("XDG_STATE_HOME", format!("{home}/state")),
            ("XDG_RUNTIME_DIR", format!("{home}/run")),
            ("TERM", "xterm-256color".into()),
            ("LANG", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ];
        let environment = environment.into_iter().map(|(name, value)| (name.into(), value));
        // The whole suite runs once more with it, see `.ci/run`.
        let portable = is_portable().then(|| ("DEVGROUP_PORTABLE".into(), inherited("DEVGROUP_PORTABLE")));
        let environment = environment.chain(portable).collect();
        Self { folder, environment, id }
    }

    /// Sets one more variable for devgroup.
    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The folder of `procgroup.toml`. The home folder lies beside it, where nothing watches.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    /// A path below the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The content of a file; empty while it does not exist.
    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read(self.path(relative)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The lines of a file that services append to.
    pub(crate) fn lines(&self, relative: &str) -> usize {
        self.read(relative).lines().count()
    }

    /// Runs git in the root, with an identity of its own.
    ///
    /// # Panics
    /// If git fails.
    pub(crate) fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=it", "-c", "user.email=it@localhost", "-c", "init.defaultBranch=main"];
        let output = self.command("git").args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A command in the root with the environment of the project.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root()).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The variables of the project.
    fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// All living processes that descend from this project, with their command lines. A process that was ended
    /// but not reaped has no environment any more and is none.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("{MARK}={}", self.id);
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let path = entry.ok()?.path();
            let pid: i32 = path.file_name()?.to_str()?.parse().ok()?;
            let environment = fs::read(path.join("environ")).ok()?;
            let ours = environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes());
            ours.then(|| (pid, command_line(&path)))
        });
        processes.collect()
    }

    /// Asserts that nothing is left of what was started here. The program itself may still be taken apart by the kernel:
    /// its guard has killed it.
    pub(crate) fn assert_nothing_left(&self) {
        let (programs, left): (Vec<_>, Vec<_>) = self.processes().into_iter().partition(|(pid, _)| is_devgroup(*pid));
        assert!(left.is_empty(), "left behind: {left:?}");
        wait_for("the program is gone", || {
            let living = self.processes();
            programs.iter().all(|(pid, _)| living.iter().all(|(other, _)| other != pid))
        });
    }
}

impl Drop for Project {
    /// A failed test leaves nothing behind either.
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            if let Some(pid) = Pid::from_raw(pid) {
                // It may have ended meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Whether a process is the program under test, or none any more.
fn is_devgroup(pid: i32) -> bool {
    let exe = fs::read_link(format!("/proc/{pid}/exe"));
    // One without has just ended. For other users there is a copy of it.
    exe.map_or(true, |exe| exe.file_name() == Path::new(env!("CARGO_BIN_EXE_devgroup")).file_name())
}

/// The command line of a process folder below `/proc`.
fn command_line(process: &Path) -> String {
    let bytes = fs::read(process.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// The child of a process that runs the same program: of a guard, what it guards.
pub(crate) fn program_below(pid: u32) -> Option<u32> {
    let exe = |pid: u32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let mut children = children.split_whitespace().filter_map(|child| child.parse().ok());
    children.find(|child| exe(*child).is_some_and(|its| Some(its) == exe(pid)))
}

/// A process by its number.
pub(crate) fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// Stops a process, and waits until each of its threads stands: the signal is taken by one of them, and on a busy machine
/// the others go on until that one has its turn.
pub(crate) fn stop(pid: i32) {
    kill(pid, Signal::STOP);
    let stands = |stat: &str| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'));
    wait_for("all threads stand", || {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        threads
            .map(|thread| fs::read_to_string(thread.path().join("stat")))
            .all(|stat| stat.is_ok_and(|stat| stands(&stat)))
    });
}

/// Sends a signal to a process.
pub(crate) fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Kills this one, if it is still there.
pub(crate) fn kill_if_there(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
