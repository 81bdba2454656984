//! What the operating system knows of a run, for people.

use std::ffi::OsString;

use super::listener;
use crate::domain::{RunDetails, RunId, RunVariable, shown_value};

/// Looks. Secrets are masked here, so that nothing that is shown, sent or recorded holds one.
pub(super) fn of(run: RunId, pids: &[i32], env: &[(OsString, OsString)]) -> RunDetails {
    let mut variables: Vec<RunVariable> = env
        .iter()
        .map(|(name, value)| {
            let inherited = std::env::var_os(name).as_ref() == Some(value);
            let name = name.to_string_lossy().into_owned();
            RunVariable { value: shown_value(&name, &value.to_string_lossy()), name, inherited }
        })
        .collect();
    variables.sort_by(|one, other| (one.inherited, &one.name).cmp(&(other.inherited, &other.name)));
    let numbers = pids.iter().map(|pid| pid.unsigned_abs()).collect();
    RunDetails { run, ports: listener::ports(pids), pids: numbers, env: variables }
}
