//! A folder belongs to one group at a time.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use super::{DIR, drop_task, json, log, names, path, wait_for_result};
use crate::harness::{Project, Stream, detach, down, kill, wait_for, wait_for_within};

/// Two projects whose workers have the same folder, that of the first.
fn two(run: &str) -> (Project, Project) {
    let file = |dir: &str, name: &str| {
        format!("name = \"{name}\"\n[tasks]\ndir = '{dir}'\n[services.marie]\nkind = \"worker\"\nrun = {run}\n")
    };
    let first = Project::new(&file(DIR, "shop"));
    let second = Project::new(&file(&first.path(DIR).display().to_string(), "office"));
    (first, second)
}

fn owner(project: &Project) -> serde_json::Value {
    json(&path(project, "tasks/marie/.work/owner.json"))
}

/// Kills guard and program of a group, and all else of it.
fn kill_all(group: &Stream<'_>) {
    let program = group.program();
    group.signal(Signal::KILL);
    kill(i32::try_from(program).unwrap(), Signal::KILL);
}

/// Whether the kernel has this program wait for a lock: nobody has to look now and then, and it is woken at once.
fn waits_in_the_kernel(program: u32) -> bool {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), [_, "->", "FLOCK", _, _, pid, ..] if *pid == program.to_string())
    })
}

#[test]
fn the_second_group_stands_by_and_takes_over_at_once_when_the_first_is_killed() {
    let (first, second) = two("'''echo \"$DEVGROUP_RUN\"'''");
    let group = Stream::start(&first, &["--no-tui"]);
    wait_for("the first has it", || owner(&first)["group"] == "shop");
    let pid = group.program();
    let mut standing_by = Stream::start(&second, &["--no-tui"]);
    standing_by.wait_for_text("standby · marie belongs to shop");
    let known = format!("standby · marie belongs to shop, pid {}", group.guard());
    assert!(log(&second).contains(&known), "as `status` names it: {}", log(&second));
    drop_task(&first, "one", "x");
    let one = wait_for_result(&first, "one");
    assert!(one["stdout"].as_str().unwrap().contains(&format!("-{pid}-")), "the first works it off: {one}");

    // How fast that is, the benchmark `tasks` says.
    if cfg!(target_os = "linux") {
        wait_for("it waits in the kernel", || waits_in_the_kernel(standing_by.program()));
    }
    assert_eq!(owner(&first)["group"], "shop");
    kill_all(&group);
    wait_for("the second has it", || owner(&first)["group"] == "office");
    assert!(!waits_in_the_kernel(standing_by.program()), "it has what it waited for");
    drop_task(&first, "two", "x");
    let two = wait_for_result(&first, "two");
    assert!(!two["stdout"].as_str().unwrap().contains(&format!("-{pid}-")), "{two}");
    standing_by.signal(Signal::TERM);
    standing_by.wait_exit();
}

#[test]
fn nothing_is_claimed_before_the_tries_of_the_predecessor_are_gone() {
    let agent = "'''exec 9> ../lock-$TASK_ID; flock -n 9 || echo twice >> ../twice; echo x >> ../tries; \
        trap \"\" TERM HUP; [ -e ../go ] || setsid sleep 1001'''";
    let (first, second) = two(agent);
    let group = Stream::start(&first, &["--no-tui"]);
    wait_for("the first has it", || owner(&first)["group"] == "shop");
    drop_task(&first, "long", "x");
    wait_for("it runs", || first.lines("../tries") == 1);
    detach(&second);
    wait_for("the second stands by", || log(&second).contains("standby"));
    second.write("../go", "");
    kill_all(&group);
    let result = wait_for_result(&first, "long");
    assert_eq!((&result["status"], &result["retry_count"]), (&"completed".into(), &1.into()), "interrupted counts");
    assert_eq!(first.read("../twice") + &second.read("../twice"), "", "never two tries at once");
    assert!(log(&second).contains("long · try 2 of 4 · after interrupted"), "{}", log(&second));
    down(&second);
}

#[test]
fn two_groups_on_one_folder_share_the_work_of_many_tasks_without_doing_any_twice() {
    let (first, second) = two("'''echo \"$TASK_ID\" >> \"$TASKS_DONE\"'''");
    let done = first.path("../done").display().to_string();
    let (first, second) = (first.with_env("TASKS_DONE", &done), second.with_env("TASKS_DONE", &done));
    detach(&first);
    detach(&second);
    for number in 0..60 {
        drop_task(&first, &format!("t-{number}"), "x");
        if number == 30 {
            assert_eq!(Stream::ask(&first, &["stop", "marie", "--wait"]).code, Some(0));
        }
    }
    wait_for_within(Duration::from_secs(120), "all have results", || names(&first, "results/marie").len() == 60);
    let mut ids: Vec<String> = fs::read_to_string(&done).unwrap().lines().map(str::to_owned).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), first.read("../done").lines().count() >= 60), (60, true));
    down(&first);
    down(&second);
}
