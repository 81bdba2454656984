//! What clients see of a worker: what it says of itself becomes its state and its reason.

use crate::domain::{Kind, ServiceSpec, Standby, TaskStats, WorkerSnapshot};

use super::driver::Scenario;
use super::fixture::service;

fn idle() -> WorkerSnapshot {
    let stats = TaskStats::default();
    WorkerSnapshot { active: 0, waiting: 0, blocked: 0, retrying: 0, dead: 0, stats, ..WorkerSnapshot::busy() }
}

#[test]
fn a_worker_that_waits_for_its_folder_is_on_standby_and_has_no_pid() {
    let mut s = Scenario::new(vec![ServiceSpec { kind: Kind::Worker, ..service("marie") }]);
    s.begin();
    let standby = Some(Standby { group: "shop".into(), pid: Some(48_001) });
    s.works("marie", WorkerSnapshot { standby, ..idle() });
    let marie = s.service("marie");
    assert_eq!((marie.state(), marie.pid), ("standby", None));
    assert_eq!(marie.reason.as_deref(), Some("marie belongs to shop, pid 48001"));
    s.works("marie", idle());
    let marie = s.service("marie");
    assert_eq!((marie.state(), marie.reason, marie.pid), ("running", None, None));
    assert!(marie.up_since.is_some());
}
