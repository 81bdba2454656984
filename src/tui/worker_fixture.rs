//! A group with workers, and their tasks, for the tests.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fixture::{NOW, running, shop};
use crate::domain::{
    BreakerState, DeadReason, GroupSnapshot, Kind, Moment, Phase, Priority, ServiceSnapshot, Standby, TaskAnswer,
    TaskBreaker, TaskDetails, TaskFolders, TaskId, TaskQuestion, TaskRow, TaskState, TaskTable, TaskText, WorkerHealth,
    WorkerSnapshot, WorkerSpec,
};

/// The wall clock at [`NOW`].
pub(super) fn wall() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A worker that runs.
pub(super) fn worker(name: &str, its: WorkerSnapshot) -> ServiceSnapshot {
    let mut spec = WorkerSpec::new(TaskFolders::below("/home/ana/shop/shared".into()));
    spec.concurrency = 3;
    spec.breaker = TaskBreaker { failures: 5, cooldown: Duration::from_secs(60) };
    ServiceSnapshot {
        kind: Kind::Worker,
        command: format!("claude -p ${{TASK_DESCRIPTION}} --as {name}").into(),
        pid: None,
        reason: its.reason(&name.into()).map(Into::into),
        worker: Some(Arc::new(its)),
        worker_spec: Some(Arc::new(spec)),
        ..running(name, false, 41 * 60)
    }
}

/// Two services and every kind of worker.
pub(super) fn workshop() -> GroupSnapshot {
    let shop = shop();
    let until = NOW + Duration::from_secs(42);
    let standby = Some(Standby { group: "shop".into(), pid: Some(48_001) });
    let idle = WorkerSnapshot { active: 0, waiting: 0, blocked: 0, retrying: 0, dead: 0, ..WorkerSnapshot::busy() };
    let problem = Some("cannot write /home/ana/shop/shared/results/eva: no space left on device".into());
    let stopped = ServiceSnapshot { phase: Phase::Down, wanted: false, up_since: None, ..worker("hugo", idle.clone()) };
    let services = vec![
        shop.services[0].clone(),
        worker("marie", WorkerSnapshot::busy()),
        worker("anga", WorkerSnapshot { breaker: BreakerState::Open { until }, waiting: 9, ..idle.clone() }),
        worker("fabien", idle.clone()),
        worker("standing", WorkerSnapshot { standby, ..idle.clone() }),
        worker("eva", WorkerSnapshot { health: WorkerHealth::Unhealthy, problem, ..WorkerSnapshot::busy() }),
        worker("bob", WorkerSnapshot { remote: true, lost: true, waiting: 2, ..idle.clone() }),
        worker("far", WorkerSnapshot { remote: true, waiting: 4, ..idle }),
        ServiceSnapshot {
            worker: Some(Arc::new(WorkerSnapshot { waiting: 2, dead: 1, ..WorkerSnapshot::stopped(3) })),
            ..stopped
        },
        shop.services[2].clone(),
    ];
    GroupSnapshot { services, ..shop }
}

fn ago(seconds: u64) -> Option<SystemTime> {
    Some(wall() - Duration::from_secs(seconds))
}

fn row(id: &str, worker: &str, state: TaskState, (tries, seconds): (u32, u64), reason: &str) -> TaskRow {
    TaskRow {
        id: id.into(),
        worker: worker.into(),
        state,
        priority: Some(Priority::Normal),
        tries,
        since: ago(seconds),
        reason: reason.into(),
        batch: None,
    }
}

/// The tasks of the workshop.
pub(super) fn table() -> TaskTable {
    let id = |text: &str| TaskId::parse(text).unwrap();
    let at = Some(wall() + Duration::from_secs(4));
    let rows = vec![
        row("fix-login", "marie", TaskState::Running, (1, 74), ""),
        row("b-7f3-04", "marie", TaskState::Running, (2, 9), "after exit 1"),
        row("b-7f3-02", "anga", TaskState::Retrying { at }, (3, 2), "exit 1"),
        row("translate-the-handbook-into-plain-english", "marie", TaskState::Waiting, (0, 130), ""),
        row("b-7f3-05", "marie", TaskState::Waiting, (0, 131), ""),
        row("release", "marie", TaskState::Blocked(vec![id("fix-login"), id("b-7f3-04")]), (0, 131), ""),
        row(
            "b-7f3-01",
            "anga",
            TaskState::Dead(DeadReason::MaxRetriesExceeded),
            (4, 3_700),
            "exit 1 in each of 4 tries",
        ),
        row("half\u{1b}[2J.json", "marie", TaskState::Dead(DeadReason::InvalidJson), (0, 90_000), ""),
        row("b-7f3-06", "fabien", TaskState::Cancelled, (1, 3_900), ""),
        row("b-7f3-00", "fabien", TaskState::Completed, (1, 4_000), ""),
    ];
    TaskTable { rows, counts: [2, 1, 2, 1, 812, 1, 2] }
}

/// What the group of the tests answers about tasks.
pub(super) fn answer(question: &TaskQuestion) -> Result<TaskAnswer, String> {
    Ok(match question {
        TaskQuestion::List { .. } => TaskAnswer::Table(table()),
        TaskQuestion::Show(_, id) => {
            let row = table().rows.into_iter().find(|row| *row.id == *id.as_str());
            let Some(row) = row else { return Err(format!("no task {id}")) };
            let text = |title, text: &str| TaskText { title, text: text.into() };
            let texts = vec![
                text("task", "{\n  \"task_id\": \"fix-login\",\n  \"description\": \"mend the login\"\n}\n"),
                text("stdout", "\u{1b}[32mreading\u{1b}[0m src/login.rs\r\n\u{1b}]0;pwned\u{7}\u{1b}[2Jdone\n"),
                text("stderr", ""),
            ];
            TaskAnswer::Details(Box::new(TaskDetails { row, texts }))
        }
        TaskQuestion::Retry(_, id) if id.as_str() == "fix-login" => TaskAnswer::Failed("fix-login still runs".into()),
        TaskQuestion::Retry(..) | TaskQuestion::Cancel(..) => TaskAnswer::Done,
    })
}

/// A moment so long after [`NOW`].
pub(super) fn later(millis: u64) -> Moment {
    NOW + Duration::from_millis(millis)
}
