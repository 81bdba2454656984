//! The real program where the operating system gives too little: too few watches, no instance, a short queue. Each is
//! survived and said, and no change is lost.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use super::*;
use crate::harness::{Dash, Project, Stream, is_portable, kill, stop, wait_for};

const SIZE: (u16, u16) = (160, 50);
const API: &str = "[services]\napi = { run = \"echo started >> ../runs; exec sleep 1000\", watch = true }\n";

/// The arguments of `unshare` that start devgroup in a user namespace of its own, where this limit holds. `None`, with a
/// message, where the machine does not allow that.
fn limited<'a>(limit: &'a str, value: &'a str) -> Option<Vec<&'a str>> {
    let script = "echo \"$1\" > /proc/sys/user/$0 && shift && exec \"$@\"";
    let limited = vec!["-Ur", "sh", "-c", script, limit, value];
    let works = Command::new("unshare").args(&limited).arg("true").output().is_ok_and(|tried| tried.status.success());
    if !works {
        eprintln!("skipped: no user namespaces with limits of their own here");
    }
    works.then(|| [&limited[..], &[env!("CARGO_BIN_EXE_devgroup")]].concat())
}

fn start_limited<'p>(project: &'p Project, limit: &str, value: &str) -> Option<Dash<'p>> {
    Some(Dash::start_program(project, "unshare", SIZE, &limited(limit, value)?))
}

fn project(folders: std::ops::Range<usize>) -> Project {
    let project = Project::new(API);
    for n in folders {
        project.write(&format!("src/d{n}/f"), "1");
    }
    project
}

fn runs(project: &Project) -> usize {
    project.lines("../runs")
}

/// Saves, and waits for the restart.
fn save(dash: &mut Dash<'_>, project: &Project, file: &str) {
    let before = runs(project);
    project.write(file, format!("changed after {before} runs"));
    dash.wait_while_reading(&format!("{file} restarts the service"), |project| runs(project) > before);
    dash.wait_for_text(&format!("restarted · {file} changed"));
}

/// Waits until so many folders are watched or polled. The answer is the screen.
fn wait_until(dash: &mut Dash<'_>, project: &Project, does: &str, folders: usize) -> String {
    wait_for(&format!("{folders} folders are known"), || {
        let status = Stream::ask(project, &["status", "--json"]).stdout;
        status.contains(&format!("\"directories\":{folders}"))
    });
    dash.wait_for_text(&format!("{does} 1 service"))
}

fn quit(mut dash: Dash<'_>) {
    dash.keys("q");
    assert_eq!(dash.wait_exit().code, Some(0));
}

#[test]
fn a_tree_that_takes_too_many_watches_is_polled_as_a_whole() {
    let project = project(0..20);
    let Some(mut dash) = start_limited(&project, "max_inotify_watches", "10") else { return };
    let screen = wait_until(&mut dash, &project, "polling", 22);
    let said = "polling: out of inotify watches, 22 needed · sudo sysctl fs.inotify.max_user_watches=";
    assert!(screen.contains(said), "{screen}");
    let watches = own_processes(&project).iter().map(|pid| inotify_watches(*pid)).sum::<usize>();
    assert_eq!(watches, 0, "none is kept from others");
    save(&mut dash, &project, "src/d0/f");
    save(&mut dash, &project, "src/d19/new/deep/f");
    quit(dash);
}

#[test]
fn watches_that_run_out_later_lose_nothing() {
    let project = project(0..20);
    let Some(mut dash) = start_limited(&project, "max_inotify_watches", "30") else { return };
    wait_until(&mut dash, &project, "watching", 22);
    save(&mut dash, &project, "src/d0/f");
    let before = runs(&project);
    for n in 20..40 {
        project.write(&format!("src/d{n}/f"), "1");
    }
    wait_until(&mut dash, &project, "polling", 42);
    dash.wait_while_reading("the new files restart the service", |project| runs(project) > before);
    save(&mut dash, &project, "src/d39/f");
    quit(dash);
}

#[test]
fn without_an_inotify_instance_the_tree_is_polled() {
    let project = project(0..3);
    let Some(mut dash) = start_limited(&project, "max_inotify_instances", "0") else { return };
    let screen = wait_until(&mut dash, &project, "polling", 5);
    let said = "polling: out of inotify instances · sudo sysctl fs.inotify.max_user_instances=";
    assert!(screen.contains(said), "{screen}");
    save(&mut dash, &project, "src/d0/f");
    quit(dash);
}

#[test]
fn without_a_dashboard_the_remedy_is_on_stderr() {
    let project = project(0..3);
    let Some(mut arguments) = limited("max_inotify_watches", "4") else { return };
    arguments.push("--no-tui");
    let mut stream = Stream::start_program(&project, "unshare", &arguments);
    stream.wait_for_text("started");
    project.write("src/d0/f", "changed");
    stream.wait_for_text("src/d0/f changed");
    stream.signal(Signal::TERM);
    let said = "devgroup: polling: out of inotify watches, 5 needed · sudo sysctl fs.inotify.max_user_watches=65536\n";
    let stderr = stream.wait_exit().stderr;
    assert_eq!(stderr.matches(said).count(), 1, "{stderr}");
}

#[test]
fn polling_by_hand_sees_a_save_and_asks_for_no_watch() {
    let project = project(0..3);
    project.write("procgroup.toml", format!("[watch]\nbackend = \"poll\"\npoll_interval = \"100ms\"\n{API}"));
    let mut dash = Dash::start(&project, SIZE, &[]);
    let screen = wait_until(&mut dash, &project, "polling", 5);
    assert!(!screen.contains("polling:"), "nothing is wrong: {screen}");
    assert_eq!(own_processes(&project).iter().map(|pid| inotify_watches(*pid)).sum::<usize>(), 0);
    save(&mut dash, &project, "src/d0/f");
    // The file is read again, and the operating system asked.
    project.write("procgroup.toml", API);
    wait_until(&mut dash, &project, "watching", 5);
    save(&mut dash, &project, "src/d1/f");
    quit(dash);
}

#[test]
fn the_backend_that_the_file_names_is_used_and_said() {
    let project = project(0..3);
    let by_system = if cfg!(target_os = "linux") && !is_portable() { "native" } else { "notify" };
    let mut dash = Dash::start(&project, SIZE, &[]);
    wait_until(&mut dash, &project, "watching", 5);
    for (n, (written, used)) in (0..).zip([("notify", "notify"), ("native", by_system), ("auto", by_system)]) {
        project.write("procgroup.toml", format!("[watch]\nbackend = \"{written}\"\n{API}"));
        wait_for(&format!("{written} is {used}"), || {
            let status = Stream::ask(&project, &["status", "--json"]).stdout;
            status.contains(&format!("\"backend\":\"{used}\"")) && status.contains("\"directories\":5")
        });
        save(&mut dash, &project, &format!("src/d{n}/f"));
    }
    quit(dash);
}

#[test]
fn an_overflow_loses_no_change() {
    let project = project(0..20);
    project.write(".gitignore", "*.out\n");
    let mut dash = Dash::start(&project, SIZE, &[]);
    wait_until(&mut dash, &project, "watching", 22);
    dash.wait_while_reading("the service runs", |project| runs(project) == 1);
    let devgroup = own_processes(&project);
    // While nobody reads, more events than the kernel keeps: all that comes last is lost.
    devgroup.iter().for_each(|pid| stop(*pid));
    let queue = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    for n in 0..queue.trim().parse::<usize>().unwrap() / 4 + 1 {
        let file = project.path(&format!("src/d0/{n}.out"));
        fs::write(&file, "1").unwrap();
        fs::remove_file(&file).unwrap();
    }
    fs::create_dir(project.path("src/fresh")).unwrap();
    fs::rename(project.path("src/d1"), project.path("src/moved")).unwrap();
    project.write("src/d19/f", "changed");
    devgroup.iter().for_each(|pid| kill(*pid, Signal::CONT));
    dash.wait_while_reading("the change restarts the service", |project| runs(project) == 2);
    // The watches are where the folders are now.
    save(&mut dash, &project, "src/fresh/f");
    save(&mut dash, &project, "src/moved/f");
    assert_eq!(runs(&project), 4, "one restart for each");
    quit(dash);
}

#[test]
fn reading_the_tree_wakes_no_thread() {
    let project = project(0..50);
    let mut stream = Stream::start(&project, &["--no-tui"]);
    wait_for("the tree is watched", || own_processes(&project).iter().any(|pid| inotify_watches(*pid) >= 52));
    wait_for("the service runs", || runs(&project) == 1);
    stream.wait_for_text("started");
    in_silence(&project, |_| {
        let grep =
            Command::new("grep").args(["-r", "nothing like it", "."]).current_dir(project.root()).output().unwrap();
        assert!(grep.stdout.is_empty());
        for n in 0..50 {
            // Opened for reading, and its folder listed.
            project.read(&format!("src/d{n}/f"));
        }
    });
    stream.signal(Signal::TERM);
    stream.wait_exit();
}

#[test]
fn events_in_an_ignored_folder_wake_no_thread() {
    let project = project(0..3);
    project.write("node_modules/a/f", "1");
    let stream = Stream::start(&project, &["--no-tui"]);
    wait_for("the tree is watched", || own_processes(&project).iter().any(|pid| inotify_watches(*pid) >= 5));
    wait_for("the service runs", || runs(&project) == 1);
    in_silence(&project, |round| {
        for n in 0..5000 {
            project.write(&format!("node_modules/a/{}", n % 100), "text");
        }
        project.write(&format!("node_modules/new{round}/deep/f"), "text");
    });
    assert_eq!(runs(&project), 1);
    stream.signal(Signal::TERM);
    stream.wait_exit();
}

/// Does something that no thread of devgroup is to be woken by. A thread may be woken by something else meanwhile, as the
/// upkeep, the longer the slower the machine is: then it is done again. What wakes one each time is found each time.
fn in_silence(project: &Project, act: impl Fn(usize)) {
    let mut woken = Vec::new();
    for round in 0..5 {
        // All is quiet when a whole look at all threads finds the same as the one before.
        let mut before = switches(project);
        wait_for("nothing moves any more", || {
            std::thread::sleep(Duration::from_millis(50));
            let now = switches(project);
            std::mem::replace(&mut before, now.clone()) == now
        });
        act(round);
        woken = switches(project).into_iter().filter(|thread| !before.contains(thread)).collect();
        if woken.is_empty() {
            return;
        }
    }
    panic!("threads that are woken each time: {woken:?}");
}

/// The processes of devgroup itself.
fn own_processes(project: &Project) -> Vec<i32> {
    let exe = |pid: i32| fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let own = PathBuf::from(env!("CARGO_BIN_EXE_devgroup"));
    project.processes().into_iter().map(|(pid, _)| pid).filter(|pid| exe(*pid) == own).collect()
}

fn inotify_watches(pid: i32) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
    let texts = descriptors.map(|descriptor| fs::read_to_string(descriptor.path()).unwrap_or_default());
    texts.map(|text| text.lines().filter(|line| line.starts_with("inotify wd:")).count()).sum()
}

/// How often each thread of devgroup has been woken, by process, number and name.
fn switches(project: &Project) -> Vec<(String, u64)> {
    let tasks = own_processes(project).into_iter().flat_map(|pid| {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        tasks.map(|task| task.path())
    });
    let mut switches: Vec<_> = tasks
        .map(|task| {
            let status = fs::read_to_string(task.join("status")).unwrap_or_default();
            let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
            let woken = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            let woken = woken.and_then(|number| number.trim().parse().ok()).unwrap_or(0);
            (format!("{} {}", task.display(), name.trim()), woken)
        })
        .collect();
    switches.sort();
    switches
}
