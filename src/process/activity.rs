//! Whether processes sleep, and whether they have run between two looks: who slept while a file was written has not
//! written it.
//!
//! The scheduler also tells when each thread last ran (`se.exec_start` in `/proc/<pid>/sched`), but by a clock of each
//! processor, and those differ by seconds where a hypervisor or interrupts take time from them.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::Pid;

/// All threads of some processes, each asleep, and how often it has given up its processor so far: whoever has run since
/// has done so once more.
pub(super) type Sleepers = BTreeMap<String, u64>;

/// The threads of these processes, if all of them sleep; `None` if one runs, if there is none, or where the system does
/// not tell.
pub(super) fn sleepers(processes: impl IntoIterator<Item = Pid>) -> Option<Sleepers> {
    let mut sleepers = Sleepers::new();
    for pid in processes {
        for task in fs::read_dir(format!("/proc/{}/task", pid.as_raw_pid())).ok()? {
            let task = task.ok()?.path();
            let switches = switches_of_sleeper(&fs::read_to_string(task.join("status")).ok()?)?;
            sleepers.insert(task.to_string_lossy().into_owned(), switches);
        }
    }
    (!sleepers.is_empty()).then_some(sleepers)
}

/// Of a `/proc/<pid>/task/<tid>/status`, see proc_pid_status(5). `None` if the thread runs, or waits to.
fn switches_of_sleeper(status: &str) -> Option<u64> {
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()
    };
    if value("State")? == "R" {
        return None;
    }
    let count = |name| value(name)?.parse::<u64>().ok();
    count("voluntary_ctxt_switches")?.checked_add(count("nonvoluntary_ctxt_switches")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    fn pid(number: u32) -> Pid {
        i32::try_from(number).ok().and_then(Pid::from_raw).expect("a pid")
    }

    /// Looks again and again until it is so.
    fn until(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !is_so() {
            assert!(Instant::now() < end, "{what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_sleeper_sleeps_on_and_who_has_run_in_between_is_told_from_it() {
        if cfg!(not(target_os = "linux")) {
            eprintln!("skipped: this system does not tell whether a process has run");
            return;
        }
        let start = |script: &str| {
            let piped = || Stdio::piped();
            Command::new("sh").args(["-c", script]).stdin(piped()).stdout(piped()).spawn().expect("started")
        };
        let (mut sleeper, mut busy) = (start("read line; read line"), start("while :; do :; done"));
        until("it sleeps", || sleepers([pid(sleeper.id())]).is_some());
        until("the other does not", || sleepers([pid(sleeper.id()), pid(busy.id())]).is_none());
        // Whoever has just begun to sleep may not be off its processor yet.
        let id = sleeper.id();
        let asleep = || sleepers([pid(id)]);
        until("nothing changes", || asleep().is_some() && asleep() == asleep());
        let before = asleep();
        std::io::Write::write_all(sleeper.stdin.as_mut().expect("a pipe"), b"wake up\n").expect("written");
        until("it has run", || asleep().is_some_and(|after| Some(after) != before));
        for child in [&mut sleeper, &mut busy] {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
        assert_eq!(sleepers([pid(sleeper.id())]), None);
        assert_eq!(sleepers([]), None);
    }

    #[test]
    fn what_the_system_says_is_understood() {
        let status = "Name:\tsh\nState:\tS (sleeping)\nvoluntary_ctxt_switches:\t41\nnonvoluntary_ctxt_switches:\t1\n";
        assert_eq!(switches_of_sleeper(status), Some(42));
        assert_eq!(switches_of_sleeper(&status.replace("S (sleeping)", "R (running)")), None);
        assert_eq!(switches_of_sleeper("State:\tS (sleeping)\n"), None);
    }
}
