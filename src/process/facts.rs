//! What the operating system knows of a run, for people.

use std::ffi::OsString;

use rustix::process::Pid;

use super::listener::Kin;
use crate::domain::{FactVariable, RunFacts, RunId, shown_value};

/// Looks. Secrets are masked here, so that nothing that is shown, sent or recorded holds one.
pub(super) fn of(run: RunId, leader: Pid, env: &[(OsString, OsString)]) -> RunFacts {
    let kin = Kin::new(leader, env);
    let mut variables: Vec<FactVariable> = env
        .iter()
        .map(|(name, value)| {
            let inherited = std::env::var_os(name).as_ref() == Some(value);
            let name = name.to_string_lossy().into_owned();
            FactVariable { value: shown_value(&name, &value.to_string_lossy()), name, inherited }
        })
        .collect();
    variables.sort_by(|one, other| (one.inherited, &one.name).cmp(&(other.inherited, &other.name)));
    let pids = kin.pids().into_iter().map(i32::unsigned_abs).collect();
    RunFacts { run, ports: kin.ports(), pids, env: variables }
}
