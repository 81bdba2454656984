//! KILL at any moment, to anybody: no task is lost, none is tried twice at once, and none after its result.
//!
//! `DEVGROUP_KILL_ROUNDS` says how often (30), `DEVGROUP_KILL_SEED` which moments; a failure says its seed.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{claimed, drop_task, json, names, path, project};
use crate::harness::{
    Chance, Project, Stream, has, kill_if_there, number_of, program_below, seed_of, wait_for, wait_for_within,
};

/// Tasks that come in each round.
const TASKS: usize = 4;

/// A try that holds a lock of its task as long as anybody of it lives, and says what should not be. It takes a moment, and
/// leaves somebody behind in a session of its own.
const AGENT: &str = "'''exec 9> \"../locks/$TASK_ID\"; flock -n 9 || echo \"$TASK_ID tried twice at once\" >> ../wrong; \
    [ ! -e \"$(dirname \"$TASK_FILE\")/../../../results/marie/$TASK_ID.json\" ] || echo \"$TASK_ID after its result\" >> ../wrong; \
    echo \"$$ begin\" >> \"../notes/$TASK_ID\"; cat > /dev/null; setsid sleep 1001 > /dev/null 2>&1 < /dev/null & \
    sleep \"0.0$TASK_DESCRIPTION\"; echo \"$$ end\" >> \"../notes/$TASK_ID\"; [ \"$TASK_DESCRIPTION\" != 7 ]'''";

/// The program of a group; the guard, while it has not made one.
fn program(guard: u32) -> u32 {
    program_below(guard).unwrap_or(guard)
}

/// The tries that run, without what they have started.
fn tries(project: &Project) -> Vec<u32> {
    let tries = project.processes().into_iter().filter(|(_, command)| command.contains("flock -n 9"));
    tries.filter_map(|(pid, _)| u32::try_from(pid).ok()).collect()
}

/// Kills somebody of a group that runs. Whether all of the group is over by that.
fn kill_somebody(project: &Project, guard: u32, chance: &mut Chance) -> bool {
    let program = program(guard);
    let which = chance.below(5);
    match which {
        // The guard, the program, or both, in either order.
        0 => kill_if_there(guard),
        1 => kill_if_there(program),
        2 => {
            kill_if_there(guard);
            kill_if_there(program);
        }
        3 => {
            kill_if_there(program);
            kill_if_there(guard);
            tries(project).into_iter().for_each(kill_if_there);
        }
        _ => tries(project).into_iter().take(1).for_each(kill_if_there),
    }
    which != 4
}

#[test]
fn whatever_is_killed_and_when_each_task_has_one_end_and_never_two_tries_at_once() {
    if !has("flock and setsid", ["flock", "setsid"].iter().all(|tool| there(tool))) {
        return;
    }
    let seed = seed_of("DEVGROUP_KILL_SEED");
    let (rounds, mut chance) = (number_of("DEVGROUP_KILL_ROUNDS").unwrap_or(30), Chance::new(seed));
    println!("DEVGROUP_KILL_SEED={seed}");
    let keys = "concurrency = 3\nretries = 2\nbackoff = { initial = \"5ms\", max = \"20ms\" }\n\
        breaker = { failures = 1000000, cooldown = \"1s\" }\nstop = { grace = \"2s\" }";
    let project = project(AGENT, keys);
    for folder in ["../locks", "../notes"] {
        fs::create_dir_all(project.path(folder)).unwrap();
    }
    for round in 0..rounds {
        let group = Stream::start(&project, &["--no-tui"]);
        for task in 0..TASKS {
            drop_task(&project, &format!("t-{round}-{task}"), &chance.below(9).to_string());
        }
        let (begin, moment) = (Instant::now(), chance.time_below(Duration::from_millis(400)));
        wait_for("the moment has come", || begin.elapsed() >= moment);
        let guard = group.guard();
        if !kill_somebody(&project, guard, &mut chance) {
            let (begin, moment) = (Instant::now(), chance.time_below(Duration::from_millis(100)));
            wait_for("the next moment has come", || begin.elapsed() >= moment);
            kill_if_there(program(guard));
        }
        group.wait_killed();
        // One whose guard is gone ends in order.
        wait_for("the program is gone", || {
            project.processes().iter().all(|(_, command)| !command.ends_with("devgroup --no-tui"))
        });
        assert_eq!(project.read("../wrong"), "", "in round {round} of seed {seed}");
    }
    let mut group = Stream::start(&project, &["--no-tui"]);
    let all = usize::try_from(rounds).unwrap() * TASKS;
    wait_for_within(Duration::from_secs(300), &format!("all {all} have an end (seed {seed})"), || {
        group.wait_for("its output is read", |_| true);
        names(&project, "tasks/marie").is_empty() && claimed(&project).is_empty()
    });
    group.signal(Signal::TERM);
    group.wait_exit();
    check(&project, rounds, seed);
}

/// Each task has one result; and, if that is a failure, one dead letter.
fn check(project: &Project, rounds: u64, seed: u64) {
    assert_eq!(project.read("../wrong"), "", "seed {seed}");
    let letters = names(project, "dlq/marie");
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..rounds {
        for task in 0..TASKS {
            let id = format!("t-{round}-{task}");
            let result = json(&path(project, &format!("results/marie/{id}.json")));
            let status = result["status"].as_str().unwrap_or("nothing").to_owned();
            let dead = letters
                .iter()
                .filter(|name| **name == format!("{id}.json") || name.starts_with(&format!("{id}.")))
                .count();
            let expected = usize::from(status != "completed");
            assert_eq!(dead, expected, "{id} is {status}, seed {seed}: {letters:?}");
            assert_ne!(status, "nothing", "{id} is lost, seed {seed}");
            *ends.entry(status).or_default() += 1;
        }
    }
    println!("{ends:?}");
    assert!(project.processes().is_empty(), "{:?}", project.processes());
}

fn there(tool: &str) -> bool {
    std::process::Command::new(tool).arg("--version").output().is_ok()
}
