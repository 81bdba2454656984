//! Looking after a run that is up: one try at a time, and a report of what it found. What that means is the engine's
//! business.
//!
//! A stale heartbeat is measured on our own clock: the time of the file only tells when, since the last look, it was
//! written. Neither a clock that is set nor a machine that sleeps makes a service look stuck.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::background_tasks::Means;
use super::child::{Child, Prints};
use super::launch::LivenessProbe;
use super::live_run::LiveRun;
use super::looks::SILENCE;
use super::reach::{self, Refusal, loopbacks};
use super::{change_command, http, program};
use crate::domain::{AliveProbe, RunCommand, RunReport};

/// A heartbeat file is looked at so long after it would be stale: clocks of file systems are coarse.
const LATE: Duration = Duration::from_millis(20);

/// What is wrong when the folder of a command, or what it is worked out from, does not answer.
const FILES_SILENT: &str = "its folder or files did not respond in 10s";

/// Tries again and again, as long as the run lives. `name`: what is asked, for people.
pub(super) async fn probe_run(liveness_probe: LivenessProbe, name: String, means: Means, live: Arc<LiveRun>) {
    let mut reporter = Reporter { live, well: false };
    if let AliveProbe::File { path, max_age, .. } = &liveness_probe.check.probe {
        return listen(&liveness_probe, &means, (path, &name, *max_age), reporter).await;
    }
    if liveness_probe.check.probe == AliveProbe::Notify {
        return expect_beats(liveness_probe.check.every, reporter).await;
    }
    loop {
        let limit = liveness_probe.check.timeout;
        let result = match timeout(limit, try_once(&liveness_probe, &name, &means, &reporter.live)).await {
            Ok(result) => result,
            Err(_) => Err(format!("{name} {} in {}", silence(&liveness_probe.check.probe), seconds(limit))),
        };
        reporter.report_result(result);
        sleep(liveness_probe.check.every).await;
    }
}

/// What was reported last.
struct Reporter {
    live: Arc<LiveRun>,
    well: bool,
}

impl Reporter {
    /// Reports every failure, and of successes the first of a row: an idle loop is not to be woken for good news.
    fn report_result(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) if self.well => {}
            Ok(()) => self.live.report(RunReport::Alive),
            Err(ref problem) => self.live.report(RunReport::Silent { problem: problem.as_str().into() }),
        }
        self.well = result.is_ok();
    }
}

async fn try_once(liveness_probe: &LivenessProbe, name: &str, means: &Means, live: &LiveRun) -> Result<(), String> {
    match &liveness_probe.check.probe {
        AliveProbe::Port(port) => match reach::connect(loopbacks(*port), live.earlier()).await {
            Ok(_) => Ok(()),
            Err(Refusal::Refused) => Err(format!("{name} refused the connection")),
            Err(taken @ Refusal::Taken { .. }) => Err(taken.to_string()),
        },
        AliveProbe::Http(check) => match http::get(&check.url, live.earlier()).await {
            Ok(code) if check.accepts(code) => Ok(()),
            Ok(code) => Err(format!("{name} answered {code}")),
            Err(failure) => Err(failure.about(name)),
        },
        AliveProbe::Cmd(command) => {
            run_command(liveness_probe, command, means, live).await.map_err(|problem| format!("{name}: {problem}"))
        }
        AliveProbe::File { .. } | AliveProbe::Notify | AliveProbe::Text { .. } => Ok(()),
    }
}

/// Runs the command of a check to its end, in the environment of the run.
async fn run_command(
    liveness_probe: &LivenessProbe,
    command: &RunCommand,
    means: &Means,
    live: &LiveRun,
) -> Result<(), String> {
    let env = live.env();
    let look = {
        let (command, dir, env) = (command.clone(), liveness_probe.dir.clone(), env.clone());
        move || program::find(&command, &dir, &env)
    };
    let program = means.looks.look_up((liveness_probe.service.clone(), "alive"), look).await.ok_or(FILES_SILENT)??;
    let mut child = Child::start(&means.children, program, (&liveness_probe.dir, &env), Prints::Nowhere)?;
    match child.wait().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(change_command::exit_text(status)),
        Err(error) => Err(error.to_string()),
    }
}

/// What a probe without an answer did not do.
fn silence(probe: &AliveProbe) -> &'static str {
    match probe {
        AliveProbe::Port(_) => "did not accept",
        AliveProbe::Http(_) => "did not answer",
        AliveProbe::Cmd(_) => "did not finish",
        AliveProbe::File { .. } => "could not be read",
        AliveProbe::Notify | AliveProbe::Text { .. } => "could not be checked",
    }
}

/// Waits for each sign of life by notification (`WATCHDOG=1`), and for none longer than this.
async fn expect_beats(every: Duration, mut reporter: Reporter) {
    let mut beats = reporter.live.beats();
    loop {
        // To be up is the first one.
        let result = match timeout(every, beats.changed()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => return,
            Err(_) => Err(format!("no WATCHDOG=1 for {}", seconds(every))),
        };
        reporter.report_result(result);
    }
}

/// Waits for each beat of a heartbeat file. Looks only when the file would be stale.
///
/// Beats are counted on our own clock, which stands still while the machine sleeps and which nobody sets: what the file
/// says about its time only tells when, since the last look, it was written.
async fn listen(
    liveness_probe: &LivenessProbe,
    means: &Means,
    (path, name, max_age): (&Path, &str, Duration),
    mut reporter: Reporter,
) {
    let look = || {
        let path = path.to_owned();
        means.looks.look_up((liveness_probe.service.clone(), "alive"), move || beat(&path))
    };
    // What has not answered yet was not written.
    let mut seen = look().await.flatten();
    let mut looked_at = Instant::now();
    // To be up is the first beat.
    let mut beat_at = looked_at;
    let mut look_at = beat_at + max_age + LATE;
    loop {
        sleep_until(look_at).await;
        let Some(found) = look().await else {
            reporter.report_result(Err(format!("{name} {SILENCE}")));
            look_at = Instant::now() + liveness_probe.check.every;
            continue;
        };
        let now = Instant::now();
        if found.is_some() && found != seen {
            let written = found.as_ref().and_then(|beat| beat.written.elapsed_or_none()).unwrap_or_default();
            beat_at = now.checked_sub(written.min(now - looked_at)).unwrap_or(now);
            seen = found;
        }
        looked_at = now;
        let age = now - beat_at;
        if age > max_age {
            reporter.report_result(Err(format!(
                "{name} not written for {} (max_age {})",
                seconds(age),
                seconds(max_age)
            )));
            look_at = now + liveness_probe.check.every;
        } else {
            reporter.report_result(Ok(()));
            look_at = beat_at + max_age + LATE;
        }
    }
}

/// What changes when a file is written or replaced.
#[derive(PartialEq)]
struct Beat {
    written: Written,
    length: u64,
    inode: u64,
}

/// When a file was written, by the clock on the wall.
#[derive(PartialEq)]
struct Written(Option<SystemTime>);

impl Written {
    /// How long ago; `None` if the clock has gone back since, or the file system does not tell.
    fn elapsed_or_none(&self) -> Option<Duration> {
        self.0?.elapsed().ok()
    }
}

fn beat(path: &Path) -> Option<Beat> {
    let found = fs::metadata(path).ok()?;
    Some(Beat { written: Written(found.modified().ok()), length: found.len(), inode: found.ino() })
}

/// In seconds: `121s`, `2s`, `1.2s`, `300ms`.
fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..10_000 if !millis.is_multiple_of(1_000) => format!("{}.{}s", millis / 1_000, millis / 100 % 10),
        _ => format!("{}s", millis / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_seconds() {
        let cases = [(300, "300ms"), (1_000, "1s"), (1_234, "1.2s"), (10_000, "10s"), (121_400, "121s")];
        for (millis, text) in cases {
            assert_eq!(seconds(Duration::from_millis(millis)), text);
        }
    }
}
