//! Whether a running group is reached: from a sandbox, after its socket or its state was removed, by a second start from a
//! shell in which folders are elsewhere, and when nobody answers.

use std::fs::{self, File};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agents::{Agent, REVISIONS};
use crate::harness::{
    Dash, PATIENCE, Project, Stream, Streamed, compile, has, is_linux, kill, stop, wait_for, wait_for_within,
};

const SHOP: &str = "name = 'shop'\n[services]\napi = 'echo he\\re; exec sleep 1000'\n";

const PROGRAM: &str = env!("CARGO_BIN_EXE_devgroup");

/// What agents' sandboxes do to unix sockets: `connect` fails with the error of `SHIM_ERRNO`.
const SHIM: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdlib.h>
    #include <sys/socket.h>
    int connect(int fd, const struct sockaddr *address, socklen_t length) {
        int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
        if (address->sa_family != AF_UNIX) return real(fd, address, length);
        errno = atoi(getenv("SHIM_ERRNO"));
        return -1;
    }
"#;

fn start(project: &Project) -> Stream<'_> {
    let mut group = Stream::start(project, &[]);
    group.wait_for_text("here");
    group
}

fn end(project: &Project, group: Stream<'_>) {
    let down = Stream::ask(project, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    assert_eq!(group.wait_exit().code, Some(0));
}

/// A command with other variables.
fn with(project: &Project, variables: &[String], arguments: &[&str]) -> Streamed {
    let words: Vec<&str> =
        variables.iter().map(String::as_str).chain([PROGRAM]).chain(arguments.iter().copied()).collect();
    Stream::start_program(project, "env", &words).wait_client()
}

/// The process by which the user knows the group.
fn pid(project: &Project) -> u64 {
    let status = Stream::ask(project, &["status", "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    status["pid"].as_u64().unwrap()
}

/// The finding of `doctor` about the group.
fn doctor(asked: &Streamed) -> String {
    let lines = asked.stdout.lines().skip_while(|line| line.split_whitespace().nth(1) != Some("group"));
    lines.take(2).collect::<Vec<_>>().join("\n")
}

/// The only file of that kind below a folder of the project's home.
fn file(project: &Project, folder: &str, extension: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(project.path("../home").canonicalize().ok()?.join(folder).join("devgroup")).ok()?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| path.extension().is_some_and(|its| its == extension))
}

/// The variables of a sandbox that answers with this error; `None` without a C compiler.
fn sandbox(project: &Project, error: rustix::io::Errno) -> Option<Vec<String>> {
    let shim = compile(project, "shim.so", SHIM, &["-shared", "-fPIC", "-ldl"])?;
    let preload = format!("LD_PRELOAD={}", shim.display());
    Some(vec![preload, format!("SHIM_ERRNO={}", error.raw_os_error()), "CODEX_SANDBOX=test".into()])
}

/// Those that need the socket of the group.
const COMMANDS: [&str; 14] = [
    "status",
    "logs",
    "events",
    "start api",
    "stop api",
    "restart api",
    "settle",
    "wait api",
    "wait api --for text here",
    "send api x",
    "pause",
    "resume",
    "attach",
    "down",
];

#[test]
fn a_sandbox_is_named_and_nobody_is_told_to_kill_the_group() {
    let project = Project::new(SHOP);
    let group = start(&project);
    wait_for("there is a sign of life", || {
        let folders = fs::read_dir(project.path("../home/state/devgroup")).unwrap().flatten();
        folders.into_iter().any(|entry| entry.path().join("status.json").exists())
    });
    let pid = pid(&project);
    for (error, words) in
        [(rustix::io::Errno::PERM, "Operation not permitted"), (rustix::io::Errno::ACCESS, "Permission denied")]
    {
        let Some(sandbox) = sandbox(&project, error) else { return };
        for command in COMMANDS {
            let arguments: Vec<&str> = command.split(' ').collect();
            let asked = with(&project, &sandbox, &arguments);
            assert_eq!(asked.code, Some(8), "{command}: {}", asked.stderr);
            for part in [
                "not allowed from here",
                words,
                "a sandbox blocks it (CODEX_SANDBOX=test is set here)",
                "outside the sandbox",
                "`devgroup mcp`, started by the program of an agent",
            ] {
                assert!(asked.stderr.contains(part), "{command}: {part} is missing in {}", asked.stderr);
            }
        }
        let told = with(&project, &sandbox, &["status", "--json"]);
        let told: Value = serde_json::from_str(&told.stderr).unwrap();
        assert_eq!((&told["error"]["code"], &told["error"]["exit_code"]), (&"not-allowed".into(), &8.into()));
        let listed = with(&project, &sandbox, &["ls"]);
        assert_eq!(listed.code, Some(8), "{}", listed.stderr);
        let row = format!("not allowed from here (pid {pid})");
        assert!(listed.stdout.contains(&row) && listed.stderr.contains("outside the sandbox"), "{listed:?}");
        let held = with(&project, &sandbox, &["hold", "--", "touch", "../home/ran"]);
        assert_eq!(held.code, Some(125), "{}", held.stderr);
        assert!(held.stderr.contains("not allowed from here") && !project.path("../home/ran").exists());
        let why = with(&project, &sandbox, &["why", "procgroup.toml"]);
        assert_eq!(why.code, Some(0), "{}", why.stderr);
        assert!(
            why.stderr.contains("not allowed from here") && why.stderr.contains("are those in the file"),
            "{}",
            why.stderr
        );
        let looked = with(&project, &sandbox, &["doctor"]);
        let found = doctor(&looked);
        assert_eq!(looked.code, Some(0), "{}", looked.stdout);
        assert!(
            found.starts_with("warn") && found.contains("not allowed from here") && !found.contains("kill"),
            "{found}"
        );
        assert!(
            found.contains(&format!("ago (pid {pid})\n")) && found.contains("help: a sandbox blocks it"),
            "{found}"
        );
        // By its lock, which a sandbox does not hide.
        let second = with(&project, &sandbox, &["--no-tui"]);
        assert_eq!(second.code, Some(1));
        assert!(second.stderr.contains(&format!("shop is already running here, pid {pid}\n")), "{}", second.stderr);
    }
    end(&project, group);
    let Some(sandbox) = sandbox(&project, rustix::io::Errno::PERM) else { return };
    let asked = with(&project, &sandbox, &["status"]);
    assert_eq!(asked.code, Some(4), "where none is, none is: {}", asked.stderr);
}

#[test]
fn in_a_sandbox_the_history_can_be_read_and_what_is_left_out_is_told() {
    let project = Project::new(SHOP);
    let group = start(&project);
    let Some(sandbox) = sandbox(&project, rustix::io::Errno::PERM) else { return };
    let restarted = Stream::ask(&project, &["restart", "api", "--wait"]);
    assert_eq!(restarted.code, Some(0), "{}", restarted.stderr);
    let history = || with(&project, &sandbox, &["history", "api"]);
    wait_for("it is on disk", || history().stdout.contains("1 restart (1 manual)"));
    assert_eq!((history().code, history().stderr.as_str()), (Some(0), ""));
    for json in [&[][..], &["--json"]] {
        let events = with(&project, &sandbox, &[&["events", "--since", "1h"], json].concat());
        assert!(events.code == Some(0) && events.stdout.contains("restart"), "{events:?}");
        assert!(events.stderr.contains("not allowed from here"), "{}", events.stderr);
        assert!(events.stderr.contains("note: the events below are those on disk"), "{}", events.stderr);
    }
    let followed = with(&project, &sandbox, &["events", "--since", "1h", "-f"]);
    assert!(followed.code == Some(8) && followed.stdout.is_empty(), "{followed:?}");
    end(&project, group);
}

#[test]
fn an_agent_s_server_in_a_sandbox_says_so_and_starts_no_second_group() {
    let project = Project::new(SHOP);
    let group = start(&project);
    let pid = pid(&project);
    let Some(sandbox) = sandbox(&project, rustix::io::Errno::PERM) else { return };
    for (revision, _) in REVISIONS {
        let Some(mut agent) = Agent::start_with(&project, revision, &sandbox) else { return };
        for (tool, arguments) in [
            ("status", json!({})),
            ("logs", json!({})),
            ("settle", json!({})),
            ("start", json!({})),
            ("start", json!({ "services": ["api"] })),
            ("stop", json!({ "services": ["api"] })),
            ("restart", json!({ "services": ["api"] })),
            ("wait", json!({ "service": "api" })),
            ("hold", json!({ "on": true })),
            ("send", json!({ "service": "api", "text": "x" })),
        ] {
            let told = agent.call(tool, arguments);
            let error = &told.value["error"];
            assert!(told.failed && error["code"] == "not-allowed" && error["exit_code"] == 8, "{tool}: {told:?}");
            for part in ["not allowed from here", "CODEX_SANDBOX=test", "started by the program of an agent"] {
                assert!(told.text.contains(part), "{tool}: {}", told.text);
            }
            assert!(!told.text.contains("kill"), "{tool}: {}", told.text);
        }
        let why = agent.call("why", json!({ "paths": ["procgroup.toml"] }));
        assert!(!why.failed, "by the file: {}", why.text);
        agent.close();
    }
    assert_eq!(self::pid(&project), pid, "nothing has happened to it");
    // Outside of it, as the program of the agent starts it, it serves.
    let Some(mut agent) = Agent::start(&project, "auto", &[]) else { return };
    assert!(agent.call("status", json!({})).well().text.contains("api: "));
    agent.close();
    end(&project, group);
}

/// A real sandbox: the file system read-only, the folder of sockets hidden, no network, processes of its own.
#[test]
fn a_sandbox_that_hides_the_socket_is_named_and_starts_no_second_group() {
    let project = Project::new(SHOP);
    if !is_linux() {
        return println!("skipped: needs Linux");
    }
    let isolated = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "--die-with-parent"];
    let works = Command::new("bwrap").args(isolated).arg("true").output().is_ok_and(|tried| tried.status.success());
    if !has("bwrap", works) {
        return;
    }
    let group = start(&project);
    let pid = pid(&project);
    let inside = |hidden: &[&str], command: &str| {
        let words = [&isolated, hidden, &[PROGRAM], &command.split(' ').collect::<Vec<_>>()].concat();
        Stream::start_program(&project, "bwrap", &words).wait_client()
    };
    let seen = inside(&[], "status");
    assert!(seen.code == Some(0) && seen.stdout.contains("api"), "its socket is there: {seen:?}");
    let run = project.path("../home/run").canonicalize().unwrap();
    let run = run.to_str().unwrap();
    let hidden = ["--tmpfs", run];
    for command in COMMANDS {
        let asked = inside(&hidden, command);
        assert_eq!(asked.code, Some(8), "{command}: {}", asked.stderr);
        for part in ["not allowed from here", run, "not visible in this mount namespace", "outside the sandbox"] {
            assert!(asked.stderr.contains(part), "{command}: {part} is missing in {}", asked.stderr);
        }
    }
    let found = doctor(&inside(&hidden, "doctor"));
    assert!(found.starts_with("warn") && found.contains("help: a sandbox blocks it"), "{found}");
    for folders in [&[][..], &hidden] {
        for start in ["--no-tui", "-d"] {
            let second = inside(folders, start);
            assert_eq!(second.code, Some(1), "{start}: {}", second.stderr);
            let refusal = format!("shop is already running here, pid {pid}\n");
            assert!(second.stderr.contains(&refusal), "{start}: {}", second.stderr);
        }
    }
    end(&project, group);
    let asked = inside(&hidden, "status");
    assert_eq!(asked.code, Some(4), "where none is, none is: {}", asked.stderr);
}

#[test]
fn a_socket_with_nobody_behind_is_no_group() {
    let project = Project::new(SHOP);
    let group = start(&project);
    let socket = file(&project, "run", "sock").unwrap();
    let lock = file(&project, "state", "lock").unwrap();
    end(&project, group);
    drop(UnixListener::bind(&socket).unwrap());
    assert_eq!(Stream::ask(&project, &["status"]).code, Some(4));
    // As after the end of guard and program at once.
    fs::write(lock, "2147483646\nshop\n\n").unwrap();
    if let Some(sandbox) = sandbox(&project, rustix::io::Errno::PERM) {
        let asked = with(&project, &sandbox, &["status"]);
        assert_eq!(asked.code, Some(4), "its lock is free: {}", asked.stderr);
    }
    end(&project, start(&project));
}

#[test]
fn one_that_is_stopped_is_said_to_be_and_goes_on() {
    if !is_linux() {
        return;
    }
    let project = Project::new(SHOP);
    let group = start(&project);
    wait_for("there is a sign of life", || Stream::ask(&project, &["doctor"]).stdout.contains("longest delay"));
    let pid = pid(&project);
    let program = group.program();
    stop(program.try_into().unwrap());
    let asked = Stream::ask(&project, &["status"]);
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("the group does not answer\n  help: `devgroup doctor`"), "{}", asked.stderr);
    let looked = Stream::ask(&project, &["doctor"]);
    let found = doctor(&looked);
    assert_eq!(looked.code, Some(1));
    assert!(found.contains(&format!("it is suspended (Ctrl-Z or SIGSTOP, pid {pid})\n")), "{found}");
    assert!(found.contains(&format!("kill -CONT {pid} {program}")) && !found.contains("-9"), "{found}");
    kill(program.try_into().unwrap(), Signal::CONT);
    end(&project, group);
}

#[test]
fn a_group_whose_folders_are_removed_is_found_and_makes_them_anew() {
    let project = Project::new(SHOP);
    let group = start(&project);
    let pid = pid(&project);
    let (socket, lock) = (file(&project, "run", "sock").unwrap(), file(&project, "state", "lock").unwrap());
    fs::remove_dir_all(project.path("../home/run")).unwrap();
    fs::remove_dir_all(project.path("../home/state")).unwrap();
    let refused = |why: &str| {
        let second = Stream::ask(&project, &["--no-tui"]);
        assert_eq!(second.code, Some(1), "{why}: {}", second.stderr);
        assert!(
            second.stderr.contains(&format!("shop is already running here, pid {pid}\n")),
            "{why}: {}",
            second.stderr
        );
    };
    if is_linux() {
        refused("without both");
        let status = Stream::ask(&project, &["status"]);
        assert_eq!(status.code, Some(0), "by its name: {}", status.stderr);
    }
    // With the next upkeep, which comes every 25 s.
    let of_group = project.root().canonicalize().unwrap().join("procgroup.toml");
    let note = format!("{pid}\nshop\n{}\n{}\n", socket.display(), of_group.display());
    wait_for_within(2 * PATIENCE, "both are there again", || {
        socket.exists() && fs::read_to_string(&lock).is_ok_and(|noted| noted.starts_with(&note))
    });
    refused("with both");
    fs::remove_file(&lock).unwrap();
    refused("by its socket");
    assert_eq!(Stream::ask(&project, &["status"]).code, Some(0));
    end(&project, group);
    assert!(!socket.exists() && !lock.exists());
}

#[test]
fn a_second_start_is_refused_wherever_its_folders_are() {
    let project = Project::new(SHOP);
    let group = start(&project);
    let pid = pid(&project);
    let elsewhere = |name: &str| format!("{name}={}", project.path("../home/elsewhere").display());
    let all = ["XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"].map(elsewhere);
    let cases = if is_linux() { vec![&all[..1], &all[1..], &all[..]] } else { vec![&all[..1], &all[1..]] };
    for variables in cases {
        for arguments in [&["--no-tui"][..], &["-d"]] {
            let second = with(&project, variables, arguments);
            assert_eq!(second.code, Some(1), "{variables:?}: {}", second.stderr);
            assert!(second.stderr.contains(&format!("shop is already running here, pid {pid}\n")), "{}", second.stderr);
        }
        let words: Vec<&str> = variables.iter().map(String::as_str).chain([PROGRAM]).collect();
        let dashboard = Dash::start_program(&project, "env", (100, 20), &words).wait_end();
        assert!(
            dashboard.code == Some(1) && dashboard.last_line.contains("`devgroup attach` opens it"),
            "{dashboard:?}"
        );
        let status = with(&project, variables, &["status"]);
        assert_eq!(status.code, Some(0), "{variables:?}: {}", status.stderr);
        let found = doctor(&with(&project, variables, &["doctor"]));
        assert!(found.contains(&format!("running (pid {pid})")), "{found}");
    }
    assert_eq!(pid, self::pid(&project), "nothing has happened to it");
    // By its name in the kernel, which there is on Linux alone, or by its lock.
    let down = with(&project, if is_linux() { &all[..2] } else { &all[..1] }, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    assert_eq!(group.wait_exit().code, Some(0));
    // Nothing is in the way of the next one.
    end(&project, start(&project));
}

#[test]
fn of_two_starts_at_once_from_different_shells_one_wins() {
    if !is_linux() {
        return;
    }
    let project = Project::new(SHOP);
    let start = |folder: &str| {
        let state = format!("XDG_STATE_HOME={}", project.path("../home").join(folder).display());
        let runtime = format!("XDG_RUNTIME_DIR={}", project.path("../home").join(folder).display());
        Stream::start_program(&project, "env", &[&state, &runtime, PROGRAM, "-d"])
    };
    let (one, other) = (start("one"), start("other"));
    let mut codes = [one.wait_client().code, other.wait_client().code];
    codes.sort();
    assert_eq!(codes, [Some(0), Some(1)]);
    let runs = |text: &str| text == "sleep 1000";
    wait_for("one service runs", || project.processes().iter().filter(|(_, command)| runs(command)).count() == 1);
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    project.assert_nothing_left();
}

#[test]
fn a_client_waits_for_the_socket_of_a_group_whose_lock_is_held() {
    let project = Project::new(SHOP);
    end(&project, start(&project));
    let lock = project.path("../home/state/devgroup").join(format!("{}.lock", key(&project)));
    fs::write(&lock, "2147483646\nshop\n\n").unwrap();
    let holder = File::open(&lock).unwrap();
    flock(&holder, FlockOperation::LockExclusive).unwrap();
    let found = doctor(&Stream::ask(&project, &["doctor"]));
    assert!(found.contains("shop is running here, pid 2147483646, but its control socket is gone"), "{found}");
    let mut asked = Stream::start(&project, &["down"]);
    asked.wait_for_message("but its control socket is gone · waiting");
    drop(holder);
    let asked = asked.wait_client();
    assert_eq!(asked.code, Some(4), "{}", asked.stderr);
    assert!(
        asked.stderr.starts_with("shop is running here, pid 2147483646, but its control socket is gone · waiting"),
        "{}",
        asked.stderr
    );
}

/// The key of the project's group, from the folder of its state.
fn key(project: &Project) -> String {
    let folders = fs::read_dir(project.path("../home/state/devgroup")).unwrap().flatten().map(|entry| entry.path());
    let folder = folders.into_iter().find(|path: &PathBuf| path.is_dir()).unwrap();
    let name = Path::new(folder.file_name().unwrap()).display().to_string();
    name.rsplit('-').next().unwrap().to_owned()
}

/// A disk without room, for as long as this lives. `None` if this user may not mount one.
struct FullDisk(PathBuf);

impl FullDisk {
    fn mount(place: PathBuf) -> Option<Self> {
        fs::create_dir_all(&place).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&place).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: needs the right to mount");
            return None;
        }
        let disk = Self(place);
        fs::write(disk.0.join("all"), [0; 128 << 10]).unwrap_err();
        Some(disk)
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // Nobody is left in it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_the_process_of_the_group_is_known_and_doctor_says_what_is_lost() {
    let project = Project::new(SHOP);
    let Some(_disk) = FullDisk::mount(project.path("../home/state")) else { return };
    let group = start(&project);
    let pid = pid(&project);
    assert_eq!(fs::read_to_string(file(&project, "state", "lock").unwrap()).unwrap(), "", "nothing can be noted");
    let second = Stream::ask(&project, &["--no-tui"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains(&format!("shop is already running here, pid {pid}\n")), "{}", second.stderr);
    let looked = Stream::ask(&project, &["doctor"]).stdout;
    assert!(looked.contains("is full: run history and saved logs are lost"), "{looked}");
    assert!(looked.contains(&format!("running (pid {pid})")), "{looked}");
    end(&project, group);
}

#[test]
fn the_services_of_a_group_in_a_container_are_no_leftovers() {
    let project = Project::new("name = 'shop'\n[services]\napi = 'echo he\\re; exec sleep 1003'\n");
    end(&project, start(&project));
    let lock = project.path("../home/state/devgroup").join(format!("{}.lock", key(&project)));
    let elsewhere = |name: &str| format!("{name}={}", project.path("../home/elsewhere").display());
    let [state, runtime] = ["XDG_STATE_HOME", "XDG_RUNTIME_DIR"].map(elsewhere);
    let container = ["--pid", "--fork", "--mount-proc", "--net", "--kill-child"];
    if !Command::new("unshare").args(container).arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: needs the right to make namespaces");
        return;
    }
    let words = [&container[..], &["env", &state, &runtime, PROGRAM, "--no-tui"]].concat();
    let mut other = Stream::start_program(&project, "unshare", &words);
    other.wait_for_text("here");
    let theirs = || project.processes().into_iter().filter(|(_, command)| command == "sleep 1003").collect::<Vec<_>>();
    let living = theirs();
    assert_eq!(living.len(), 1, "{living:?}");
    // As after the end of an earlier guard and program at once: leftovers are searched for.
    fs::write(lock, "2147483646\nshop\n\n").unwrap();
    let doctor = Stream::ask(&project, &["doctor"]).stdout;
    // Other tests leave some at the same time, so only ours count.
    let ours = living.iter().any(|(pid, _)| doctor.contains(&format!("sleep ({pid})")));
    assert!(doctor.contains("leftover") && !ours, "{doctor}");
    let group = start(&project);
    let left: Vec<_> = theirs().into_iter().filter(|process| living.contains(process)).collect();
    assert_eq!(left, living, "those of the other group live");
    assert_eq!(Stream::ask(&project, &["down"]).code, Some(0));
    drop((group, other));
}
