//! When a process last did anything: who has slept since before a file was written has not written it.

use std::fs;
use std::time::Duration;

use rustix::process::Pid;

/// How long all of them have slept, all threads included, at least; `None` where the system does not tell (it is in
/// `/proc/<pid>/sched`, with Linux's `CONFIG_SCHED_DEBUG`), or if there is nobody.
pub(super) fn idle_for(processes: impl IntoIterator<Item = Pid>) -> Option<Duration> {
    // The scheduler has a clock of its own. This thread runs just now, so its last tick is the present, or a few
    // milliseconds before that: the others may have slept longer than is said, never shorter.
    let now = last_ran("/proc/thread-self/sched")?;
    let mut idle: Option<f64> = None;
    for pid in processes {
        for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
            let path = task.ok()?.path().join("sched");
            let since = now - last_ran(path.to_str()?)?;
            idle = Some(idle.map_or(since, |idle| idle.min(since)));
        }
    }
    idle.map(|millis| Duration::from_secs_f64((millis / 1000.0).max(0.0)))
}

/// Milliseconds on the scheduler's clock.
fn last_ran(file: &str) -> Option<f64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with("se.exec_start"))?;
    line.split_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    fn pid(number: u32) -> Pid {
        i32::try_from(number).ok().and_then(Pid::from_raw).expect("a pid")
    }

    #[test]
    fn a_sleeper_is_idle_and_a_busy_process_is_not() {
        if last_ran("/proc/thread-self/sched").is_none() {
            eprintln!("skipped: this system does not tell when a process last ran");
            return;
        }
        let mut sleeper = Command::new("sleep").arg("100").spawn().expect("started");
        let mut busy =
            Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().expect("started");
        let end = Instant::now() + Duration::from_secs(20);
        let long = Duration::from_millis(200);
        while idle_for([pid(sleeper.id())]).is_none_or(|idle| idle < long) {
            assert!(Instant::now() < end, "it sleeps");
            std::thread::yield_now();
        }
        let both = idle_for([pid(sleeper.id()), pid(busy.id())]);
        assert!(both.is_some_and(|idle| idle < Duration::from_secs(5)), "{both:?}");
        for child in [&mut sleeper, &mut busy] {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
        assert_eq!(idle_for([]), None);
    }
}
