//! What the facts mean: a line for each thing, and the remedy.

use std::time::Duration;

use super::facts::{ClipboardFact, Facts, FileFact, FolderFact, GroupFact, Inside};
use crate::app::LastStatus;
use crate::cli::client::status::undelivered;
use crate::domain::{approx, count, port_is_taken, visible, visible_path};

/// The status file is written every 25 s; a loop that has turned is at most this old.
const STALE: Duration = Duration::from_secs(60);
/// Turns above this are felt.
const LONG_TURN: Duration = Duration::from_millis(100);
/// The screen that has room for everything that must be seen.
const SMALLEST: (u16, u16) = (40, 12);

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// As it should be, or a thing that is only told.
    Ok,
    /// Something will not work as well as it could.
    Warn,
    /// Something does not work.
    Fail,
}

impl Level {
    /// `ok`, `warn`, `fail`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line of the report, good or bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) area: &'static str,
    pub(super) message: String,
    /// What to do.
    pub(super) remedy: Option<String>,
}

fn ok(area: &'static str, message: impl Into<String>) -> Finding {
    Finding { level: Level::Ok, area, message: message.into(), remedy: None }
}

fn warn(area: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { level: Level::Warn, area, message: message.into(), remedy: Some(remedy.into()) }
}

fn fail(area: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { level: Level::Fail, ..warn(area, message, remedy) }
}

/// All findings, in the order of the report.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = vec![file(facts)];
    let unread = facts.unread.iter().map(|whose| format!("{whose}: it is not read, and may include this file"));
    found.extend(unread.map(|message| warn("file", message, "if it is the group's file, name it with -f")));
    found.extend(group(facts));
    found.extend(ports(facts));
    if matches!(facts.file, FileFact::Bad(..)) {
        found.push(warn(
            "ports",
            "ports, variables and tasks were not checked: the file has problems",
            "fix the file first",
        ));
    }
    found.extend(facts.task_variables.iter().map(|variable| ok("variables", variable.as_str())));
    let nobody = "move the files to the folder of a worker, or remove them: devgroup help workers";
    found.extend(facts.unworked.iter().map(|tasks| warn("tasks", tasks.as_str(), nobody)));
    found.extend(alerts(facts));
    found.push(processes(facts));
    found.push(leftovers(facts));
    found.push(inotify(facts));
    found.push(sockets(facts));
    found.extend(state(facts));
    found.push(shell(facts));
    found.extend(terminal(facts));
    found.push(clipboard(&facts.clipboard));
    found
}

fn file(facts: &Facts) -> Finding {
    match &facts.file {
        FileFact::None => warn("file", "no procgroup.toml in this folder or any folder above", "devgroup init"),
        FileFact::Bad(path, summary) => fail("file", format!("{}: {summary}", visible_path(path)), "devgroup check"),
        FileFact::Foreign(path, whose) => fail(
            "file",
            format!("{whose}: it does not run unless you name it"),
            format!("devgroup doctor -f {}", visible_path(path)),
        ),
        FileFact::Good { path, others, services, warnings } => {
            let mut message = format!("{}: {}", visible_path(path), count(*services, "service"));
            if *warnings > 0 {
                message += &format!(", {}", count(*warnings, "warning"));
            }
            // With a comma between them, as many as fit on a line.
            const NAMED: usize = 3;
            let names: Vec<_> = others.iter().take(NAMED).map(|file| visible_path(file)).collect();
            if !names.is_empty() {
                message += &format!("; with {}", names.join(", "));
            }
            if let Some(more @ 1..) = others.len().checked_sub(NAMED) {
                message += &format!(" and {}", count(more, "more file"));
            }
            if *warnings > 0 { warn("file", message, "devgroup check") } else { ok("file", message) }
        }
    }
}

fn group(facts: &Facts) -> Vec<Finding> {
    let last_status = facts.last_status.as_ref();
    // What is said of one that cannot be asked.
    let life = last_status.map_or_else(String::new, |last_status| {
        format!("; last sign of life {} ago (pid {})", approx(last_status.age), last_status.pid)
    });
    match &facts.group {
        GroupFact::Down => {
            let stale = last_status
                .map(|last_status| format!("; the last one (pid {}) did not shut down cleanly", last_status.pid));
            vec![ok("group", format!("not running here{}", stale.unwrap_or_default()))]
        }
        GroupFact::NotAllowed(problem, way_out) => {
            vec![warn("group", format!("state unknown: {problem}{life}"), way_out.clone())]
        }
        GroupFact::NoSocket(problem) => {
            vec![warn("group", problem.clone(), "it creates a new one within 30s; if not, see `socket` below")]
        }
        GroupFact::Odd(problem) => {
            vec![fail(
                "group",
                format!("{problem}{life}"),
                "use the devgroup version that runs it, or stop it by its pid",
            )]
        }
        GroupFact::Silent => vec![match last_status {
            Some(LastStatus { pid, program: Some(program), stopped: true, .. }) => {
                let both = if pid == program { pid.to_string() } else { format!("{pid} {program}") };
                let message = format!("it does not answer, because it is suspended (Ctrl-Z or SIGSTOP, pid {pid})");
                fail("group", message, format!("`fg` in its terminal, or kill -CONT {both}"))
            }
            Some(last_status) if last_status.age > STALE => {
                fail("group", format!("it does not answer{life}"), end(Some(last_status), last_status.pid))
            }
            _ => fail(
                "group",
                format!("it does not answer{life}"),
                "it or the machine may be busy: try again in a minute",
            ),
        }],
        GroupFact::Up { pid, services, failed, unwell, watcher, .. } => {
            let mut found = vec![if failed.is_empty() {
                ok("group", format!("running (pid {pid}), {}", count(*services, "service")))
            } else {
                let names = failed.join(" ");
                warn(
                    "group",
                    format!("running (pid {pid}), failed: {}", failed.join(", ")),
                    format!("devgroup logs {names}"),
                )
            }];
            let unwell =
                unwell.iter().map(|(name, said)| warn("workers", said.as_str(), format!("devgroup logs {name}")));
            found.extend(unwell);
            found.extend(watcher.as_ref().map(|problem| warn("watching", problem.clone(), "devgroup help watch")));
            found.push(run_loop(last_status, *pid));
            found
        }
    }
}

/// The loop of a group that answers.
fn run_loop(last_status: Option<&LastStatus>, pid: u32) -> Finding {
    match last_status {
        None => warn("loop", "no status.json, so its health is unknown", "see `state` below"),
        Some(last_status) if last_status.age > STALE => fail(
            "loop",
            format!("the main loop has been stuck for {}", approx(last_status.age)),
            end(Some(last_status), pid),
        ),
        Some(last_status) if last_status.longest_turn > LONG_TURN => warn(
            "loop",
            format!("longest delay: {} ms", last_status.longest_turn.as_millis()),
            "the l key shows when; a machine that sleeps or swaps causes this too",
        ),
        Some(last_status) => ok("loop", format!("longest delay: {} ms", last_status.longest_turn.as_millis())),
    }
}

/// How to end a group that shows no sign of life. Its loop would not take a milder signal.
fn end(last_status: Option<&LastStatus>, pid: u32) -> String {
    match last_status.and_then(|last_status| last_status.program) {
        Some(program) if program != pid => {
            format!("kill -9 {program}   (its guard then stops the services); please report it")
        }
        Some(program) => format!("kill -9 {program}; please report it"),
        None => format!("stop it where it runs, by its pid {pid}; please report it"),
    }
}

fn ports(facts: &Facts) -> Vec<Finding> {
    // Who cannot be asked may be the holder.
    let unknown = !matches!(facts.group, GroupFact::Down | GroupFact::Up { .. });
    // A group that runs keeps its ports.
    let is_down = matches!(facts.group, GroupFact::Down);
    let of = |port: &super::facts::PortFact| format!("{} ({})", port.port, port.service);
    let taken = facts.ports.iter().filter_map(|port| Some((port, port.holder.as_ref()?)));
    let mut found: Vec<Finding> = taken
        .map(|(port, holder)| match (unknown || port.is_in_use, port.is_auto && is_down) {
            (true, _) => ok("ports", format!("{}: {holder}", of(port))),
            (false, true) => ok("ports", format!("{}: {holder} has it, so the next free one is used", of(port))),
            (false, false) => warn(
                "ports",
                format!("{} {}", visible(&port.service), port_is_taken(port.port, holder)),
                "stop that process, or give the service another port",
            ),
        })
        .collect();
    let free: Vec<String> = facts.ports.iter().filter(|port| port.holder.is_none()).map(of).collect();
    if !free.is_empty() {
        found.push(ok("ports", format!("free: {}", free.join(", "))));
    }
    found
}

/// Who is told of alerts, and whether that works.
fn alerts(facts: &Facts) -> Vec<Finding> {
    const TRY: &str = "devgroup alerts test";
    let program = |(to, problem): &(String, Option<String>)| match problem {
        Some(problem) => warn("alerts", format!("{to} gets no alerts: {problem}"), TRY),
        None => ok("alerts", format!("{to} gets the alerts")),
    };
    let mut found: Vec<Finding> = facts.alerts.iter().map(program).collect();
    if facts.alerts_off {
        found.push(ok("alerts", "off: `on = []` in [alerts]"));
    }
    if let GroupFact::Up { undelivered: Some(alert), .. } = &facts.group {
        found.push(warn("alerts", undelivered(alert), TRY));
    }
    found
}

fn processes(facts: &Facts) -> Finding {
    match facts.blindness {
        None => ok("processes", "all processes of services are visible"),
        Some(problem) => warn("processes", problem, "mount -t proc proc /proc   (as `unshare --mount-proc` does)"),
    }
}

fn leftovers(facts: &Facts) -> Finding {
    if facts.leftovers.is_empty() {
        return ok("leftovers", "no leftover processes");
    }
    let names: Vec<&str> = facts.leftovers.iter().map(|(_, process)| process.as_str()).collect();
    warn(
        "leftovers",
        format!("left over from a devgroup that is gone: {}", names.join(", ")),
        "the next start of their group kills them; or kill them by pid",
    )
}

fn inotify(facts: &Facts) -> Finding {
    let Some(inotify) = facts.inotify else {
        return ok("inotify", "not available on this system; another backend is used");
    };
    let used = |used: u64, limit: u64| format!("{used} of {limit}");
    let message = format!(
        "{} watches and {} instances in use",
        used(inotify.watches, inotify.max_watches),
        used(inotify.instances, inotify.max_instances)
    );
    let nearly = |used: u64, limit: u64| used.saturating_mul(5) >= limit.saturating_mul(4);
    if nearly(inotify.watches, inotify.max_watches) {
        let enough = inotify.max_watches.saturating_mul(2).max(524_288);
        return warn("inotify", message, format!("sudo sysctl fs.inotify.max_user_watches={enough}"));
    }
    if nearly(inotify.instances, inotify.max_instances) {
        let enough = inotify.max_instances.saturating_mul(2).max(1024);
        return warn("inotify", message, format!("sudo sysctl fs.inotify.max_user_instances={enough}"));
    }
    ok("inotify", message)
}

fn sockets(facts: &Facts) -> Finding {
    let usable = facts.sockets.iter().find(|folder| !folder.foreign && folder.writable);
    let Some(folder) = usable else {
        let all: Vec<String> = facts.sockets.iter().map(|folder| visible_path(&folder.path).into_owned()).collect();
        return fail(
            "socket",
            format!("no usable folder for the socket: {}", all.join(", ")),
            "check who owns them; or set XDG_RUNTIME_DIR to a folder that you own",
        );
    };
    let path = visible_path(&folder.path);
    match folder.mode {
        None => ok("socket", format!("{path} is created at the first start")),
        Some(mode) if mode & 0o077 != 0 => {
            warn("socket", format!("{path} is open to others (mode {mode:04o})"), format!("chmod 0700 {path}"))
        }
        Some(mode) => ok("socket", format!("{path}, mode {mode:04o}")),
    }
}

fn state(facts: &Facts) -> Option<Finding> {
    const LOST: &str = "run history and saved logs";
    Some(match facts.state.as_ref()? {
        Err(problem) => warn("state", format!("no place for {LOST}: {problem}"), "set XDG_STATE_HOME"),
        Ok(FolderFact { path, writable: false, .. }) | Ok(FolderFact { path, foreign: true, .. }) => warn(
            "state",
            format!("{} is not writable: {LOST} are lost", visible_path(path)),
            format!("check its owner (ls -ld {}); or set XDG_STATE_HOME", visible_path(path)),
        ),
        Ok(FolderFact { path, full: true, .. }) => {
            let path = visible_path(path);
            warn("state", format!("the disk that holds {path} is full: {LOST} are lost"), format!("df {path}"))
        }
        Ok(FolderFact { path, mode: None, .. }) => {
            ok("state", format!("{} is created at the first start", visible_path(path)))
        }
        Ok(FolderFact { path, .. }) => ok("state", visible_path(path).into_owned()),
    })
}

fn shell(facts: &Facts) -> Finding {
    match &facts.shell {
        Some(path) => ok("shell", visible_path(path).into_owned()),
        None => fail("shell", "no `sh` in PATH, and commands written as strings need it", "echo $PATH"),
    }
}

fn terminal(facts: &Facts) -> Vec<Finding> {
    let terminal = &facts.terminal;
    if !terminal.is_terminal {
        return vec![ok("terminal", "stdout is not a terminal: plain lines instead of the dashboard")];
    }
    let (columns, rows) = terminal.size;
    let name = terminal.term.as_deref().unwrap_or("not set");
    let colors = if terminal.color { "16 colours" } else { "no colours" };
    let mut found = vec![match terminal.term.as_deref() {
        None | Some("dumb") => warn(
            "terminal",
            format!("TERM is {name}: plain lines instead of the dashboard"),
            "TERM=xterm-256color, if the terminal supports it",
        ),
        Some(_) if columns < SMALLEST.0 || rows < SMALLEST.1 => warn(
            "terminal",
            format!("{name}, {columns}×{rows}: too small to show all that matters"),
            format!("enlarge it to at least {}×{}", SMALLEST.0, SMALLEST.1),
        ),
        Some(_) => ok("terminal", format!("{name}, {columns}×{rows}, {colors}")),
    }];
    if !terminal.utf8 {
        found.push(warn("locale", "not UTF-8: the dashboard is drawn in ASCII", "LANG=C.UTF-8"));
    } else if terminal.unicode {
        found.push(ok("locale", "UTF-8"));
    } else {
        found.push(ok("locale", "UTF-8, but the dashboard is drawn in ASCII on this terminal"));
    }
    found
}

fn clipboard(clipboard: &ClipboardFact) -> Finding {
    const ASKED: &str = "through the terminal (OSC 52), which may not allow it: try the c key";
    let programs: Vec<String> = clipboard.programs.iter().map(|program| visible_path(program).into_owned()).collect();
    let programs = programs.join(", ");
    match &clipboard.inside {
        Inside::Tmux { version: None, .. } => warn(
            "clipboard",
            "tmux ignores OSC 52 by default, and the tmux program is missing or does not answer",
            "add tmux to PATH, or: tmux set -s set-clipboard on",
        ),
        Inside::Tmux { version: Some(version), .. } if is_old_tmux(version) => warn(
            "clipboard",
            format!("{version} does not pass copies on to its terminal (3.2 does)"),
            "upgrade tmux; until then, select with the terminal's mouse (key M)",
        ),
        Inside::Tmux { set_clipboard: Some(set), .. } if set == "off" => warn(
            "clipboard",
            "tmux keeps copies to itself: its option set-clipboard is off",
            "tmux set -s set-clipboard external",
        ),
        Inside::Tmux { .. } => ok("clipboard", format!("{programs}: tmux passes it on to its terminal")),
        Inside::Screen if programs.is_empty() => warn(
            "clipboard",
            "GNU screen blocks OSC 52, and there is no other way to the clipboard",
            "select with the terminal's mouse (key M), or use tmux",
        ),
        Inside::Screen => ok("clipboard", programs),
        Inside::Nothing if !programs.is_empty() => ok("clipboard", format!("{programs}, and {ASKED}")),
        Inside::Nothing if clipboard.over_ssh => ok("clipboard", format!("over ssh, only {ASKED}")),
        Inside::Nothing => ok("clipboard", format!("only {ASKED}")),
    }
}

/// `tmux 3.1c` is older than 3.2, which learned `load-buffer -w`. A version without a number is a development one.
fn is_old_tmux(version: &str) -> bool {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    let numbers = digits.trim_end_matches(|c: char| !c.is_ascii_digit());
    let parts = numbers.split_once('.').unwrap_or((numbers, "0"));
    matches!((parts.0.parse::<u32>(), parts.1.parse::<u32>()), (Ok(major), Ok(minor)) if (major, minor) < (3, 2))
}

#[cfg(test)]
mod tests {
    use super::super::facts::{ClipboardFact, Inside, PortFact, TerminalFact};
    use super::*;
    use crate::app::InotifyUse;
    use crate::control::UndeliveredAlert;

    fn last_status(age: u64, longest: u64) -> Option<LastStatus> {
        let (age, longest_turn) = (Duration::from_secs(age), Duration::from_millis(longest));
        Some(LastStatus { pid: 7, program: Some(8), stopped: false, age, longest_turn })
    }

    fn healthy() -> Facts {
        let folder = |path: &str| FolderFact {
            path: path.into(),
            mode: Some(0o700),
            foreign: false,
            writable: true,
            full: false,
        };
        Facts {
            unread: Vec::new(),
            file: FileFact::Good { path: "/a/procgroup.toml".into(), others: Vec::new(), services: 2, warnings: 0 },
            group: GroupFact::Up {
                pid: 7,
                services: 2,
                failed: Vec::new(),
                unwell: Vec::new(),
                watcher: None,
                undelivered: None,
            },
            last_status: last_status(20, 3),
            ports: vec![PortFact {
                port: 4000,
                service: "api".into(),
                is_auto: false,
                holder: Some("api, pid 9".into()),
                is_in_use: true,
            }],
            inotify: Some(InotifyUse { max_watches: 65_536, max_instances: 128, watches: 100, instances: 3 }),
            task_variables: Vec::new(),
            unworked: Vec::new(),
            alerts: vec![("./alert.sh".into(), None)],
            alerts_off: false,
            terminal: TerminalFact {
                term: Some("xterm".into()),
                is_terminal: true,
                utf8: true,
                unicode: true,
                color: true,
                size: (80, 24),
            },
            clipboard: ClipboardFact { programs: Vec::new(), over_ssh: false, inside: Inside::Nothing },
            shell: Some("/bin/sh".into()),
            blindness: None,
            leftovers: Vec::new(),
            sockets: vec![folder("/run/user/7/devgroup"), folder("/tmp/devgroup-7")],
            state: Some(Ok(folder("/home/state"))),
        }
    }

    /// The lines that are not `ok`, as `level area`; each has a remedy.
    fn bad(change: impl FnOnce(&mut Facts)) -> Vec<String> {
        let mut facts = healthy();
        change(&mut facts);
        let found = findings(&facts).into_iter().filter(|finding| finding.level != Level::Ok);
        found
            .map(|finding| {
                assert!(finding.remedy.is_some(), "{finding:?}");
                format!("{} {}", finding.level.word(), finding.area)
            })
            .collect()
    }

    #[test]
    fn each_thing_that_is_not_as_it_should_be_has_its_line() {
        assert_eq!(bad(|_| {}), [""; 0]);
        assert_eq!(bad(|facts| facts.file = FileFact::None), ["warn file"]);
        assert_eq!(bad(|facts| facts.file = FileFact::Bad("/a".into(), "1 error".into())), ["fail file", "warn ports"]);
        assert_eq!(bad(|facts| facts.file = FileFact::Foreign("/a".into(), "/a belongs to bob".into())), ["fail file"]);
        assert_eq!(bad(|facts| facts.group = GroupFact::Odd("it hangs".into())), ["fail group"]);
        assert_eq!(bad(|facts| facts.group = GroupFact::NotAllowed("EPERM".into(), "go".into())), ["warn group"]);
        assert_eq!(bad(|facts| facts.group = GroupFact::NoSocket("its socket is gone".into())), ["warn group"]);
        assert_eq!(bad(|facts| facts.group = GroupFact::Silent), ["fail group"]);
        // Whether a group runs or not: a service that has failed does not have its port.
        let taken = |facts: &mut Facts| facts.ports.iter_mut().for_each(|port| port.is_in_use = false);
        assert_eq!(bad(taken), ["warn ports"]);
        let auto = |facts: &mut Facts| {
            taken(facts);
            facts.ports.iter_mut().for_each(|port| port.is_auto = true);
        };
        assert_eq!(bad(auto), ["warn ports"], "a group that runs keeps its ports");
        let down = |facts: &mut Facts| facts.group = GroupFact::Down;
        assert_eq!(bad(|facts| (taken(facts), down(facts)).1), ["warn ports"]);
        assert!(bad(|facts| (auto(facts), down(facts)).1).is_empty(), "the next free one is used");
        let failed = vec!["api".to_owned()];
        assert_eq!(
            bad(|facts| {
                let unwell = vec![("marie".to_owned(), "marie is lost".to_owned())];
                let watcher = Some("x".into());
                facts.group = GroupFact::Up { pid: 7, services: 2, failed, unwell, watcher, undelivered: None };
            }),
            ["warn group", "warn workers", "warn watching"]
        );
        assert_eq!(bad(|facts| facts.last_status = last_status(61, 0)), ["fail loop"]);
        assert_eq!(bad(|facts| facts.last_status = last_status(1, 101)), ["warn loop"]);
        assert_eq!(bad(|facts| facts.last_status = None), ["warn loop"]);
        assert_eq!(bad(|facts| facts.leftovers.push(("key".into(), "sleep (5)".into()))), ["warn leftovers"]);
        assert_eq!(bad(|facts| facts.blindness = Some("no /proc")), ["warn processes"]);
        let inotify =
            |watches, instances| Some(InotifyUse { max_watches: 100, max_instances: 100, watches, instances });
        assert_eq!(bad(|facts| facts.inotify = inotify(80, 0)), ["warn inotify"]);
        assert_eq!(bad(|facts| facts.inotify = inotify(0, 80)), ["warn inotify"]);
        assert_eq!(bad(|facts| facts.inotify = inotify(79, 79)), [""; 0]);
        assert_eq!(bad(|facts| facts.sockets.iter_mut().for_each(|folder| folder.foreign = true)), ["fail socket"]);
        assert_eq!(bad(|facts| facts.sockets[0].mode = Some(0o755)), ["warn socket"]);
        assert_eq!(bad(|facts| facts.sockets[0].writable = false), [""; 0], "the second one is taken");
        assert_eq!(bad(|facts| facts.state = Some(Err("no home".into()))), ["warn state"]);
        let full = FolderFact { full: true, ..healthy().sockets.remove(0) };
        assert_eq!(bad(|facts| facts.state = Some(Ok(full))), ["warn state"]);
        assert_eq!(bad(|facts| facts.shell = None), ["fail shell"]);
        assert_eq!(bad(|facts| facts.terminal.term = None), ["warn terminal"]);
        assert_eq!(bad(|facts| facts.terminal.size = (30, 24)), ["warn terminal"]);
        assert_eq!(bad(|facts| facts.terminal.utf8 = false), ["warn locale"]);
        assert_eq!(bad(|facts| facts.terminal.is_terminal = false), [""; 0]);
        let tmux = |version: &str, set: &str| {
            bad(|facts| {
                let (version, set_clipboard) = (Some(version.into()), Some(set.into()));
                facts.clipboard.inside = Inside::Tmux { version, set_clipboard };
            })
        };
        for (version, set) in [("tmux 3.1c", "external"), ("tmux 2.9", "on"), ("tmux 3.3a", "off")] {
            assert_eq!(tmux(version, set), ["warn clipboard"], "{version} {set}");
        }
        for (version, set) in [("tmux 3.3a", "external"), ("tmux 3.2", "on"), ("tmux next-3.6", "external")] {
            assert_eq!(tmux(version, set), [""; 0], "{version} {set}");
        }
        let unknown = Inside::Tmux { version: None, set_clipboard: None };
        assert_eq!(bad(|facts| facts.clipboard.inside = unknown), ["warn clipboard"]);
        assert_eq!(bad(|facts| facts.clipboard.inside = Inside::Screen), ["warn clipboard"]);
    }

    #[test]
    fn an_alert_that_reaches_nobody_has_its_line() {
        assert_eq!(bad(|facts| facts.alerts[0].1 = Some("not executable: ./alert.sh".into())), ["warn alerts"]);
        let off = findings(&Facts { alerts: Vec::new(), alerts_off: true, ..healthy() });
        let off = off.iter().find(|finding| finding.area == "alerts").map(|finding| finding.message.as_str());
        assert_eq!(off, Some("off: `on = []` in [alerts]"));
        let undelivered =
            || Some(UndeliveredAlert { at: String::new(), to: "./alert.sh".into(), problem: "exit 7".into() });
        let failed = |facts: &mut Facts| {
            let (failed, watcher) = (Vec::new(), None);
            let unwell = Vec::new();
            facts.group = GroupFact::Up { pid: 7, services: 2, failed, unwell, watcher, undelivered: undelivered() };
        };
        assert_eq!(bad(failed), ["warn alerts"]);
    }

    #[test]
    fn nobody_is_told_to_kill_what_shows_a_sign_of_life() {
        let remedy = |group: GroupFact, last_status: Option<LastStatus>| {
            let found = findings(&Facts { group, last_status, ..healthy() });
            let texts = found.into_iter().map(|Finding { message, remedy, .. }| message + &remedy.unwrap_or_default());
            texts.collect::<Vec<_>>().join("\n")
        };
        let denied = || GroupFact::NotAllowed("EPERM".into(), "leave the sandbox".into());
        let up = || healthy().group;
        let stopped = last_status(90, 3).map(|last_status| LastStatus { stopped: true, ..last_status });
        for (group, last_status) in [
            (GroupFact::Silent, last_status(60, 3)),
            (GroupFact::Silent, None),
            (denied(), last_status(3, 3)),
            (denied(), last_status(90, 3)),
            (denied(), None),
            (GroupFact::NoSocket("its socket is gone".into()), last_status(3, 3)),
            (GroupFact::Odd("it speaks version 2".into()), last_status(3, 3)),
            (up(), last_status(60, 3)),
        ] {
            let text = remedy(group.clone(), last_status.clone());
            assert!(!text.contains("kill"), "{group:?}, {last_status:?}: {text}");
        }
        assert!(remedy(GroupFact::Silent, stopped).contains("kill -CONT 7 8"));
        for group in [GroupFact::Silent, up()] {
            assert!(remedy(group, last_status(61, 3)).contains("kill -9 8   (its guard then stops the services)"));
        }
        let unseen = last_status(61, 3).map(|last_status| LastStatus { program: None, ..last_status });
        assert!(!remedy(GroupFact::Silent, unseen).contains("kill"));
    }
}
