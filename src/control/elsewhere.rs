//! A job that a client runs in its own terminal: the group starts what it needs, and is told how it ended.

use tokio::task::AbortHandle;

use super::answers::{Answers, refused};
use super::meant::only_one;
use super::outbox::Outbox;
use super::wire::{Problem, ProblemCode, Reply, RunAsk, RunEnd};
use crate::domain::{Answer, Command, ElsewhereRun, ExitStatus, Refusal, ServiceName};
use crate::group_handle::GroupHandle;

impl Answers {
    /// Starts what the job needs, says what is waited for, and when the client may begin. The run is over when this is
    /// dropped: with its client, however that ends. `number`: of the run.
    pub(super) async fn run_elsewhere(self, ask: RunAsk, number: u64, mut outbox: Outbox) {
        let job = match only_one(&self.handle().snapshot(), &ask.job) {
            Ok(job) => job,
            Err(problem) => {
                outbox.send(&Reply::Error(problem)).await;
                return;
            }
        };
        let run = ElsewhereRun { id: number, job: job.clone(), pid: ask.pid, counts: ask.counts };
        let ends = EndsRun { handle: self.handle().clone(), number };
        let begun = match self.handle().ask(Command::RunElsewhere(run)).await {
            Ok(Answer::Refused(refusal)) | Err(refusal) => Err(problem(refusal)),
            Ok(_) => Ok(()),
        };
        let ended = match begun {
            Ok(()) => self.until_it_may_begin(&job, number, &mut outbox).await,
            Err(problem) => Some(Reply::Error(problem)),
        };
        match ended {
            Some(reply @ Reply::Error(_)) => drop(outbox.send(&reply).await),
            // What has failed is there until the client has seen why.
            Some(reply) => {
                if outbox.send(&reply).await {
                    std::future::pending::<()>().await;
                }
            }
            None => std::future::pending::<()>().await,
        }
        drop(ends);
    }

    /// Waits for what the job needs. `None`: the client was told to begin, or is gone. Otherwise why it may not.
    async fn until_it_may_begin(&self, job: &ServiceName, number: u64, outbox: &mut Outbox) -> Option<Reply> {
        let mut snapshots = self.handle().snapshots();
        let mut told = None;
        loop {
            let group = snapshots.borrow_and_update().clone();
            let run = group.service(job).and_then(|service| service.elsewhere.clone()).filter(|run| run.id == number);
            let Some(run) = run else {
                return Some(Reply::Error(Problem::new(
                    ProblemCode::Refused,
                    format!("{job} is not in the group any more"),
                )));
            };
            if let Some(loss) = run.lost {
                return Some(Reply::Lost { service: loss.name.as_str().to_owned(), reason: loss.to_string() });
            }
            let Some(waits_for) = run.waits_for else {
                outbox.send(&Reply::Begin {}).await;
                return None;
            };
            if told.as_ref() != Some(&waits_for) {
                if !outbox.send(&Reply::Waits { on: waits_for.to_string() }).await {
                    return None;
                }
                told = Some(waits_for);
            }
            if snapshots.changed().await.is_err() {
                // The group ends: the connection says so.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The run has ended. `run`: its question, which is open still.
    pub(super) async fn run_has_ended(self, number: u64, ask: RunEnd, run: Option<AbortHandle>, mut outbox: Outbox) {
        let status = match (ask.code, ask.signal) {
            (_, Some(signal)) => Some(ExitStatus::Signal(signal)),
            (code, None) => code.map(ExitStatus::Code),
        };
        let told = self.handle().ask(Command::ElsewhereOver { id: number, status }).await;
        if let Some(run) = run {
            run.abort();
        }
        outbox.send(&told.map_or_else(|refusal| Reply::Error(problem(refusal)), |_| Reply::End {})).await;
    }
}

fn problem(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NoJob(_) => Problem::new(ProblemCode::Invalid, refusal.to_string()),
        refusal => refused(refusal),
    }
}

/// Ends a run in another terminal when it is dropped, if nobody has said how it ended.
struct EndsRun {
    handle: GroupHandle,
    number: u64,
}

impl Drop for EndsRun {
    fn drop(&mut self) {
        self.handle.insist(Command::ElsewhereOver { id: self.number, status: None });
    }
}
