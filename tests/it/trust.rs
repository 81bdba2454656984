//! Files of others: whose `procgroup.toml` is run, which processes are ended, and whose folders are written into.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use devgroup::config::{self, Owners};
use rustix::fs::{XattrFlags, setxattr};
use rustix::process::{Signal, geteuid};

use crate::harness::{Project, Stream, Streamed, has, kill, program_below, wait_for};

const JOB: &str = "[services]\napi = { run = \"touch ran\", kind = \"job\" }\n";

/// A user who is not root, of whom nothing else is known.
pub(crate) const SOMEBODY: u32 = 61_234;

/// Another user of that kind.
const OTHER: u32 = 61_235;

/// Gives a project to a user, and makes it reachable for one.
pub(crate) fn give_to_user(project: &Project, user: u32) {
    fs::set_permissions(project.root().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut waiting = vec![project.root(), project.path("../home")];
    while let Some(path) = waiting.pop() {
        chown(&path, Some(user), Some(user)).unwrap();
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

/// Whether this test can be other users. (Only root can.)
pub(crate) fn can_be_others() -> bool {
    let setpriv = std::process::Command::new("setpriv").arg("--version").output().is_ok();
    has("root and setpriv", geteuid().is_root() && setpriv)
}

/// The program where any user can execute it.
fn program(project: &Project) -> PathBuf {
    let program = project.path("../devgroup");
    if !program.exists() {
        // By a process of its own: what another test starts at this moment must not have it open for writing.
        let copied = std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_devgroup")).arg(&program).status();
        assert!(copied.unwrap().success());
    }
    program
}

/// Runs devgroup as a user.
pub(crate) fn run_as(project: &Project, user: u32, arguments: &[&str]) -> Streamed {
    start_as(project, user, arguments).wait_exit()
}

/// Starts it so.
pub(crate) fn start_as<'p>(project: &'p Project, user: u32, arguments: &[&str]) -> Stream<'p> {
    let (program, user) = (program(project), user.to_string());
    let words = ["--reuid", &user, "--regid", &user, "--clear-groups", "--", program.to_str().unwrap()];
    let words: Vec<&str> = words.into_iter().chain(arguments.iter().copied()).collect();
    Stream::start_program(project, "setpriv", &words)
}

fn ran(project: &Project) -> bool {
    // Whoever asks next shall see its own.
    fs::remove_file(project.path("ran")).is_ok()
}

#[test]
fn a_file_of_another_user_is_run_only_if_somebody_says_so() {
    if !can_be_others() {
        return;
    }
    let project = Project::new(JOB);
    project.write("deep/below", "");
    give_to_user(&project, SOMEBODY);
    fs::set_permissions(project.root(), fs::Permissions::from_mode(0o777)).unwrap();
    // Root has not named it. Nothing of it is read.
    for arguments in [&["--no-tui"][..], &["-C", "deep", "--no-tui"], &["check"], &["why", "x"]] {
        let refused = Stream::run(&project, arguments);
        assert_eq!(refused.code, Some(3), "{arguments:?}: {}", refused.stderr);
        let file = project.path("procgroup.toml");
        assert!(
            refused.stderr.contains(&format!("{} belongs to user {SOMEBODY}", file.display())),
            "{}",
            refused.stderr
        );
        for way in ["-f ", "DEVGROUP_CONFIG", "trusted = [", "home/config/devgroup/config.toml"] {
            assert!(refused.stderr.contains(way), "{way}: {}", refused.stderr);
        }
        assert!(!ran(&project), "{arguments:?}");
    }
    let json = Stream::run(&project, &["check", "--json"]);
    assert!(
        json.stdout.contains("\"code\":\"foreign\"") || json.stdout.contains("\"code\": \"foreign\""),
        "{}",
        json.stdout
    );
    let doctor = Stream::run(&project, &["doctor"]);
    assert!(doctor.stdout.contains("it does not run unless you name it"), "{}", doctor.stdout);
    // Who would not be let start it is not told to.
    let status = Stream::run(&project, &["status"]);
    assert_eq!(status.code, Some(4));
    assert!(status.stderr.contains(&format!("procgroup.toml belongs to user {SOMEBODY}")), "{}", status.stderr);
    assert!(!status.stderr.contains("`devgroup` starts"), "{}", status.stderr);

    // Named, by an argument or the environment.
    assert_eq!(Stream::run(&project, &["-f", "procgroup.toml", "--no-tui"]).code, Some(0));
    assert!(ran(&project));
    let project = project.with_env("DEVGROUP_CONFIG", "procgroup.toml");
    assert_eq!(Stream::run(&project, &["--no-tui"]).code, Some(0));
    assert!(ran(&project));
    let project = project.with_env("DEVGROUP_CONFIG", "");
    assert_eq!(Stream::run(&project, &["--no-tui"]).code, Some(3));

    // Of who called sudo, and of nobody else.
    let project = project.with_env("SUDO_UID", &OTHER.to_string());
    assert_eq!(Stream::run(&project, &["--no-tui"]).code, Some(3));
    let project = project.with_env("SUDO_UID", &SOMEBODY.to_string());
    assert_eq!(Stream::run(&project, &["--no-tui"]).code, Some(0));
    assert!(ran(&project));
    let project = project.with_env("SUDO_UID", "");

    // A folder that the user trusts; by a file that is the user's own.
    let preferences = project.path("../home/config/devgroup/config.toml");
    for (trusted, code) in [("/nowhere", 3), (project.path("deep").to_str().unwrap(), 3), ("~/../app", 0)] {
        project.write("../home/config/devgroup/config.toml", format!("trusted = ['{trusted}']\n"));
        let ended = Stream::run(&project, &["--no-tui"]);
        assert_eq!((ended.code, ran(&project)), (Some(code), code == 0), "{trusted}: {}", ended.stderr);
    }
    chown(&preferences, Some(OTHER), Some(OTHER)).unwrap();
    assert_eq!(Stream::run(&project, &["--no-tui"]).code, Some(3), "others say nothing for us");
}

#[test]
fn a_user_runs_what_is_theirs_or_root_s_and_nothing_of_others() {
    if !can_be_others() {
        return;
    }
    let project = Project::new(JOB);
    give_to_user(&project, SOMEBODY);
    fs::set_permissions(project.root(), fs::Permissions::from_mode(0o777)).unwrap();
    let ended = run_as(&project, SOMEBODY, &["--no-tui"]);
    assert_eq!((ended.code, ran(&project)), (Some(0), true), "{}", ended.stderr);
    let file = project.path("procgroup.toml");
    chown(&file, Some(0), Some(0)).unwrap();
    let ended = run_as(&project, SOMEBODY, &["--no-tui"]);
    assert_eq!((ended.code, ran(&project)), (Some(0), true), "{}", ended.stderr);
    chown(&file, Some(OTHER), Some(OTHER)).unwrap();
    let ended = run_as(&project, SOMEBODY, &["--no-tui"]);
    assert_eq!((ended.code, ran(&project)), (Some(3), false), "{}", ended.stderr);
    // A link of another to a file of ours, and a link of ours to a file of another.
    fs::rename(&file, project.path("theirs.toml")).unwrap();
    symlink("theirs.toml", &file).unwrap();
    lchown(&file, Some(SOMEBODY), None).unwrap();
    let ended = run_as(&project, SOMEBODY, &["--no-tui"]);
    assert_eq!((ended.code, ran(&project)), (Some(3), false), "{}", ended.stderr);
    assert!(ended.stderr.contains("theirs.toml belongs to"), "{}", ended.stderr);
    chown(project.path("theirs.toml"), Some(SOMEBODY), None).unwrap();
    lchown(&file, Some(OTHER), None).unwrap();
    let ended = run_as(&project, SOMEBODY, &["--no-tui"]);
    assert_eq!((ended.code, ran(&project)), (Some(3), false), "{}", ended.stderr);
    assert!(ended.stderr.contains("the link "), "{}", ended.stderr);
}

#[test]
fn links_of_others_on_the_way_to_the_file_count_and_so_does_the_file_that_was_opened() {
    if !can_be_others() {
        return;
    }
    let project = Project::new(JOB);
    project.write("real/x.toml", JOB);
    let file = project.path("procgroup.toml");
    fs::remove_file(&file).unwrap();
    symlink("first", &file).unwrap();
    symlink("folder/x.toml", project.path("first")).unwrap();
    symlink("real", project.path("folder")).unwrap();
    assert_eq!(Stream::run(&project, &["--no-tui"]).code, Some(0));
    assert!(ran(&project));
    // Whoever has a link leads it elsewhere, also that of a folder.
    for link in ["procgroup.toml", "first", "folder"] {
        lchown(project.path(link), Some(SOMEBODY), None).unwrap();
        let ended = Stream::run(&project, &["--no-tui"]);
        assert_eq!((ended.code, ran(&project)), (Some(3), false), "{link}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("the link {} belongs", project.path(link).display())),
            "{}",
            ended.stderr
        );
        lchown(project.path(link), Some(0), None).unwrap();
    }
    // Between the look at the name and the reading, another file came in its place.
    let ours = Owners::Ours { user: 0, caller: None };
    assert!(config::load_of(&file, ours).is_ok());
    chown(project.path("real/x.toml"), Some(SOMEBODY), None).unwrap();
    let refused = config::load_of(&file, ours).unwrap_err();
    assert_eq!(refused.items[0].code, "foreign");
    assert!(config::load_of(&file, Owners::Any).is_ok());
    assert!(config::load_of(&file, Owners::Ours { user: 0, caller: Some(SOMEBODY) }).is_ok());
}

#[test]
fn check_warns_of_an_access_list_that_lets_others_write() {
    let project = Project::new("[services]\napi = \"true\"\n");
    let file = project.path("procgroup.toml");
    // The owner, user 4001, the group, the mask, the others.
    let entries = [
        (0x01_u16, 6_u16, u32::MAX),
        (0x02, 6, SOMEBODY),
        (0x04, 4, u32::MAX),
        (0x10, 6, u32::MAX),
        (0x20, 4, u32::MAX),
    ];
    let entry =
        |(tag, may, id): (u16, u16, u32)| [&tag.to_le_bytes()[..], &may.to_le_bytes(), &id.to_le_bytes()].concat();
    let list: Vec<u8> = [2_u32.to_le_bytes().to_vec()].into_iter().chain(entries.map(entry)).flatten().collect();
    let set = setxattr(&file, "system.posix_acl_access", &list, XattrFlags::empty());
    if !has("a file system with access lists", set.is_ok()) {
        return;
    }
    let warned = Stream::run(&project, &["check"]).stderr;
    assert!(warned.contains(&format!("is writable by user {SOMEBODY}, by its access list")), "{warned}");
    assert!(warned.contains("setfacl -b "), "{warned}");
    // The mask is the most that anybody may.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Stream::run(&project, &["check"]).stderr, "");
}

#[test]
fn a_file_that_becomes_another_user_s_while_it_runs_is_not_read_again() {
    if !can_be_others() {
        return;
    }
    let project = Project::new("[services]\napi = \"echo up; exec sleep 1000\"\n");
    let mut group = Stream::start(&project, &["--no-tui"]);
    group.wait_for_text("│ up");
    project.write("new.toml", "[services]\napi = \"touch ran; exec sleep 1000\"\n");
    chown(project.path("new.toml"), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    fs::rename(project.path("new.toml"), project.path("procgroup.toml")).unwrap();
    group.wait_for_message("procgroup.toml was not reloaded: ");
    group.signal(Signal::INT);
    group.wait_exit();
    assert!(!ran(&project));
}

#[test]
fn check_warns_of_a_file_and_a_folder_that_others_can_write() {
    let project = Project::new("[services]\napi = \"true\"\n");
    let warnings = |project: &Project| Stream::run(project, &["check"]).stderr;
    assert_eq!(warnings(&project), "");
    for (path, mode, said) in [
        ("procgroup.toml", 0o646, "`procgroup.toml` is writable by everybody"),
        (".", 0o757, "is writable by everybody"),
        (".", 0o1777, ""),
    ] {
        let place = project.path(path);
        let before = place.metadata().unwrap().mode();
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        let warned = warnings(&project);
        assert!(warned.contains(said) && warned.is_empty() == said.is_empty(), "{path} {mode:o}: {warned}");
        fs::set_permissions(&place, fs::Permissions::from_mode(before & 0o7777)).unwrap();
    }
    if can_be_others() {
        chown(project.root(), Some(SOMEBODY), None).unwrap();
        let warned = warnings(&project);
        assert!(warned.contains(&format!("is writable by user {SOMEBODY}: ")), "{warned}");
    }
}

#[test]
fn folders_of_others_and_links_in_the_place_of_ours_are_not_used() {
    if !can_be_others() {
        return;
    }
    let text = format!("[logs]\nfiles = true\n{JOB}");
    let with_state = |lay: &dyn Fn(&Path)| {
        let project = Project::new(&text);
        fs::create_dir_all(project.path("../home/state")).unwrap();
        fs::create_dir_all(project.path("../elsewhere")).unwrap();
        lay(&project.path("../home/state/devgroup"));
        let ended = Stream::run(&project, &["--no-tui"]);
        assert_eq!((ended.code, ran(&project)), (Some(0), true), "{}", ended.stderr);
        assert_eq!(fs::read_dir(project.path("../elsewhere")).unwrap().count(), 0, "{}", ended.stderr);
        ended.stderr
    };
    let said = with_state(&|place| {
        fs::create_dir(place).unwrap();
        chown(place, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    });
    let whose = format!("state/devgroup belongs to another user (uid {SOMEBODY}): remove it, or set XDG_STATE_HOME");
    assert!(said.contains(&whose), "{said}");
    let said = with_state(&|place| symlink("../../elsewhere", place).unwrap());
    assert!(said.contains("state/devgroup is a link: remove it, or set XDG_STATE_HOME"), "{said}");
}

#[test]
fn links_in_the_state_folder_are_not_followed_and_all_in_it_is_the_user_s_alone() {
    let text = "name = \"shop\"\n[logs]\nfiles = true\n[services]\napi = { run = \"echo up\", kind = \"job\" }\n";
    let project = Project::new(text);
    // Whatever the umask is, also one that forbids everything to us.
    let run = |project: &Project, umask: &str| {
        let script = format!("umask {umask}; exec \"$0\" --no-tui");
        let words = ["-c", &script, env!("CARGO_BIN_EXE_devgroup")];
        Stream::start_program(project, "sh", &words).wait_exit()
    };
    let ended = run(&project, "000");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let state = project.path("../home/state/devgroup");
    let all = |state: &Path| {
        let (mut found, mut waiting) = (Vec::new(), vec![state.to_owned()]);
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            found.push(path);
        }
        found
    };
    let files = all(&state);
    for path in &files {
        let mode = path.symlink_metadata().unwrap().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    let named = |name: &str| files.iter().find(|path| path.file_name().unwrap().to_string_lossy() == name).unwrap();
    let (log, history) = (named("api.log").clone(), named("history.json").clone());
    // A log of before, and one that leads elsewhere.
    fs::set_permissions(&log, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&history, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(run(&project, "022").code, Some(0));
    for path in [&log, &history] {
        assert_eq!(path.symlink_metadata().unwrap().mode() & 0o777, 0o600, "{}", path.display());
    }
    let victim = project.path("../victim");
    fs::write(&victim, "kept").unwrap();
    fs::remove_file(&log).unwrap();
    symlink(&victim, &log).unwrap();
    let ended = run(&project, "022");
    assert!(ended.stderr.contains("is a link: remove it"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
    // The lock, by the name that it has while the group runs.
    let group = Stream::start(&project, &["-d"]);
    group.wait_client();
    let lock = all(&state).into_iter().find(|path| path.extension().is_some_and(|kind| kind == "lock"));
    Stream::ask(&project, &["down"]);
    let lock = lock.unwrap();
    wait_for("the lock is given back", || !lock.exists());
    symlink(&victim, &lock).unwrap();
    let ended = run(&project, "022");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("is a link: remove it"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
}

#[test]
fn a_stranger_in_the_process_group_of_a_leftover_is_left_alone() {
    // The first has a mark and hears nothing, its child has none; the stranger shares only its process group.
    let project = Project::new(
        "[services]\n\
         api = '''\n\
         (env -u DEVGROUP_RUN sleep 1003 &)\n\
         trap '' TERM HUP\n\
         env -u DEVGROUP_RUN sleep 1004 &\n\
         touch ../up\n\
         while :; do sleep 0.05; done'''\n",
    );
    let running = |project: &Project, command: &str| project.processes().iter().any(|(_, line)| line == command);
    let start = Stream::ask(&project, &["-d"]);
    assert_eq!(start.code, Some(0), "{}", start.stderr);
    wait_for("all are there", || {
        project.path("../up").exists() && running(&project, "sleep 1003") && running(&project, "sleep 1004")
    });
    let status: serde_json::Value = serde_json::from_str(&Stream::ask(&project, &["status", "--json"]).stdout).unwrap();
    let guard = u32::try_from(status["pid"].as_u64().unwrap()).unwrap();
    let program = program_below(guard).unwrap();
    let number = |pid: u32| i32::try_from(pid).unwrap();
    kill(number(program), Signal::STOP);
    kill(number(guard), Signal::KILL);
    kill(number(program), Signal::KILL);
    wait_for("devgroup is gone", || !project.processes().iter().any(|(pid, _)| *pid == number(program)));
    assert!(running(&project, "sleep 1004"));
    let again = Stream::start(&project, &["--no-tui", "--timeout", "1ms"]).wait_client();
    let said = again.stderr;
    assert!(!running(&project, "sleep 1004"), "{said}");
    assert!(running(&project, "sleep 1003"), "{said}");
    let ending = said.find("killing leftover processes of an earlier run: ").expect(&said);
    let ended = said.find("killed leftover processes of an earlier run: ").expect(&said);
    assert!(ending < ended, "{said}");
    let line = said[ending..].lines().next().unwrap();
    assert!(line.contains("sh (") && line.contains("sleep ("), "{said}");
}

#[test]
fn a_mark_of_a_devgroup_that_is_gone_forbids_nothing_and_ends_nobody_who_has_it() {
    let project = Project::new("[services]\napi = { run = \"echo up\", kind = \"job\" }\n");
    let start = Stream::ask(&project, &["-d"]);
    assert_eq!(start.code, Some(0), "{}", start.stderr);
    wait_for("a mark is known", || Stream::ask(&project, &["status"]).code == Some(0));
    let status: serde_json::Value = serde_json::from_str(&Stream::ask(&project, &["status", "--json"]).stdout).unwrap();
    let guard = u32::try_from(status["pid"].as_u64().unwrap()).unwrap();
    let program = program_below(guard).unwrap();
    let lock = fs::read_dir(project.path("../home/state/devgroup")).unwrap().map(|entry| entry.unwrap().path());
    let lock = lock.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "lock")).unwrap();
    let key = lock.file_stem().unwrap().to_str().unwrap().to_owned();
    kill(i32::try_from(program).unwrap(), Signal::STOP);
    kill(i32::try_from(guard).unwrap(), Signal::KILL);
    kill(i32::try_from(program).unwrap(), Signal::KILL);
    wait_for("it is gone", || project.processes().is_empty());
    let project = project.with_env("DEVGROUP_RUN", &format!("{key}-{program}-1-api")).with_env("DEVGROUP_SOCKET", "");
    // The shell has the mark as well.
    let script = "\"$0\" --no-tui; echo code $?";
    let ended = Stream::start_program(&project, "sh", &["-c", script, env!("CARGO_BIN_EXE_devgroup")]).wait_exit();
    assert!(ended.stdout.contains("│ up") && ended.stdout.contains("code 0\n"), "{}{}", ended.stdout, ended.stderr);
    // An empty variable is as none.
    let status = Stream::ask(&project, &["status"]);
    assert_eq!(status.code, Some(4), "{}", status.stderr);
    assert!(status.stderr.contains("no group is running here"), "{}", status.stderr);
}

#[test]
fn without_reload_the_file_is_in_force_as_it_was_at_the_start() {
    let file = |word: &str| format!("[services]\napi = 'echo {word}; exec sleep 1000'\n");
    let project = Project::new(&file("first"));
    let mut group = Stream::start(&project, &["--no-reload"]);
    group.wait_for_text("first");
    project.write("procgroup.toml", file("second"));
    group.wait_for_message("procgroup.toml has changed, and --no-reload keeps what it said at the start");
    let status =
        || -> serde_json::Value { serde_json::from_str(&Stream::ask(&project, &["status", "--json"]).stdout).unwrap() };
    let told = status();
    assert!(told["file_problem"].as_str().is_some_and(|problem| problem.contains("restart the group")), "{told}");
    assert_eq!(told["services"][0]["run"], 1);
    project.write("procgroup.toml", file("first"));
    wait_for("the file says again what is in force", || status()["file_problem"].is_null());
    assert_eq!(status()["services"][0]["run"], 1);
    let down = Stream::ask(&project, &["down"]);
    assert_eq!(down.code, Some(0), "{}", down.stderr);
    assert!(!group.wait_exit().stdout.contains("second"));
}
