//! KILL at any moment, to any group and to the server: each task has exactly one result, and none is lost.
//!
//! It runs by hand: `DEVGROUP_NATS_TASKS` says how many tasks, `DEVGROUP_KILL_SEED` which moments; a failure says its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Server, end, is_done, project, start};
use crate::harness::{
    Chance, Project, Stream, kill_if_there, number_of, pause, program_below, seed_of, wait_for, wait_until,
};
use crate::tasks::{claimed, drop_with, json, names, path};

/// How often each of the three groups and the server is killed.
const KILLS: usize = 20;

/// Kills a group and all of its tries.
fn kill_group(project: &Project, group: Stream<'_>) {
    let guard = group.guard();
    let program = program_below(guard).unwrap_or(guard);
    kill_if_there(program);
    kill_if_there(guard);
    group.wait_killed();
    wait_for("the program is gone", || {
        project.processes().iter().all(|(_, command)| !command.ends_with("devgroup --no-tui"))
    });
}

/// The task of this number in a folder: some depend on others, some fail once, and some always.
fn task(seed: u64, folder: usize, number: u64, chance: &mut Chance) -> Value {
    // No other run has such ids: a try looks for results wherever tests have folders.
    let id = format!("t-{seed}-{folder}-{number}");
    let priority = *chance.one(&["low", "normal", "high", "critical"]);
    let kind = *chance.one(&["good", "good", "good", "good", "once", "bad"]);
    let after = chance.below(4) == 0 && number > 0;
    let dependencies: Vec<String> = after
        .then(|| format!("t-{seed}-{folder}-{}", chance.below(usize::try_from(number).unwrap())))
        .into_iter()
        .collect();
    json!({ "task_id": id, "description": kind, "priority": priority, "dependencies": dependencies })
}

/// What the folders say of tasks that have no end.
fn what_is_left(projects: &[Project]) -> String {
    let mut left = String::new();
    for project in projects {
        let work = path(project, "tasks/marie/.work");
        for id in claimed(project).iter().take(5) {
            let note = fs::read_to_string(work.join(format!("{id}.tries.json"))).unwrap_or_default();
            left += &format!("{id}: {note}\n");
        }
        left += &format!("{:?} {:?}\n", names(project, "tasks/marie"), names(project, "tasks/marie/.work"));
    }
    left
}

#[test]
fn whoever_is_killed_and_when_each_task_has_one_result_and_none_is_lost() {
    let Some(all) = number_of("DEVGROUP_NATS_TASKS") else { return println!("skipped: needs DEVGROUP_NATS_TASKS") };
    let Some(mut server) = Server::start() else { return };
    let seed = seed_of("DEVGROUP_KILL_SEED");
    let mut chance = Chance::new(seed);
    println!("DEVGROUP_KILL_SEED={seed}");
    // A result is told by its file in the folder that a task came from, and there is no try after it.
    let run = "'''for results in ../../*/app/shared/results/marie; do [ ! -e \"$results/$TASK_ID.json\" ] || \
        echo \"$TASK_ID after its result\" >> ../wrong; done; [ \"$TASK_DESCRIPTION\" = good ] || \
        { [ \"$TASK_DESCRIPTION\" = once ] && [ \"$TASK_TRY\" -gt 1 ]; }'''";
    let keys = "concurrency = 3\nretries = 8\nbackoff = { initial = \"5ms\", max = \"50ms\" }\n\
        breaker = { failures = 1000000, cooldown = \"1s\" }\nstop = { grace = \"2s\" }";
    let projects = [(); 3].map(|()| project(&server, run, keys));
    let mut groups: Vec<Option<Stream<'_>>> = projects.iter().map(|project| Some(start(project))).collect();
    let mut tasks = BTreeMap::new();
    let (mut dropped, mut round) = (0, 0);
    let mut turns: Vec<usize> = (0..KILLS).flat_map(|_| 0..4).collect();
    while let Some(whom) = (!turns.is_empty()).then(|| turns.swap_remove(chance.below(turns.len()))) {
        round += 1;
        // An equal part of the tasks comes in each round.
        let until = all * round / (4 * KILLS as u64);
        for number in dropped..until {
            let folder = usize::try_from(number % 3).unwrap();
            let task = task(seed, folder, number / 3, &mut chance);
            drop_with(&projects[folder], task["task_id"].as_str().unwrap(), &task);
            tasks.insert(task["task_id"].as_str().unwrap().to_owned(), (folder, task));
        }
        dropped = until;
        let (begin, moment) = (Instant::now(), chance.time_below(Duration::from_millis(300)));
        wait_for("the moment has come", || begin.elapsed() >= moment);
        if whom == 3 {
            server.kill();
            let (begin, moment) = (Instant::now(), chance.time_below(Duration::from_millis(200)));
            wait_for("the server was away", || begin.elapsed() >= moment);
            server.resume();
        } else {
            kill_group(&projects[whom], groups[whom].take().unwrap());
            groups[whom] = Some(start(&projects[whom]));
        }
    }
    let deadline = Duration::from_secs(number_of("DEVGROUP_NATS_WAIT").unwrap_or(300 + all / 10));
    let look = |groups: &mut Vec<Option<Stream<'_>>>| {
        groups.iter_mut().flatten().for_each(|group| drop(group.wait_for("its output is read", |_| true)));
        pause();
        projects.iter().all(is_done).then_some(())
    };
    let seen = |_: &mut _| format!("{}\n{}", what_is_left(&projects), server.told().unwrap_or_default());
    wait_until(&format!("all {all} have an end (seed {seed})"), deadline, &mut groups, look, seen);
    // A message that the server had removed before it was killed may be there again; nobody needs it.
    println!("left on the server: {:?}", server.messages("TASKS"));
    groups.into_iter().flatten().for_each(end);
    check(&projects, &tasks, seed);
}

/// Each task has one result; or, if what it depends on is dead, a dead letter.
fn check(projects: &[Project], tasks: &BTreeMap<String, (usize, Value)>, seed: u64) {
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for project in projects {
        assert_eq!(project.read("../wrong"), "", "seed {seed}");
    }
    for (id, (folder, task)) in tasks {
        let own = &projects[*folder];
        let result = json(&path(own, &format!("results/marie/{id}.json")));
        let letter = json(&path(own, &format!("dlq/marie/{id}.json")));
        let status = result["status"].as_str().or(letter["dlq_reason"].as_str()).unwrap_or("lost").to_owned();
        let expected: &[&str] = match task["description"].as_str().unwrap() {
            // Each kill counts as a try of what runs: even a good task may use all of them up.
            "bad" => &["failed", "dependency_failed"],
            _ => &["completed", "failed", "dependency_failed"],
        };
        assert!(expected.contains(&&*status), "{id} is {status}, seed {seed}: {task} {letter}");
        assert_eq!(status == "completed", letter.is_null(), "{id} is {status}, seed {seed}: {letter}");
        *ends.entry(status).or_default() += 1;
    }
    let results: Vec<String> = projects.iter().flat_map(|project| names(project, "results/marie")).collect();
    let single: BTreeSet<&String> = results.iter().collect();
    assert_eq!(single.len(), results.len(), "seed {seed}");
    println!("{ends:?}");
}
