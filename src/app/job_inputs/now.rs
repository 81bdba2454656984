//! What a start of a job would find its inputs to be now: for who asks why it runs, or does not.

use std::time::SystemTime;

use super::record::{self, NoSuccess};
use super::{Seen, see, told};
use crate::app::{foreground, state_folder};
use crate::config;
use crate::domain::{GroupSpec, ServiceSpec, count, visible};

/// The inputs of a job, compared with those of its last success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputsNow {
    /// The patterns, as the file writes them.
    pub patterns: Vec<String>,
    /// How many files they mean, if all of them can be read.
    pub files: Option<usize>,
    /// When its last success ended, unless a later run has failed, or was stopped.
    pub last_success: Option<SystemTime>,
    /// Nothing has changed since: a start has nothing to do.
    pub is_unchanged: bool,
    /// The same in words: `1 file, unchanged since the last success Nov 25 14:02:11`.
    pub told: String,
}

/// Compares the inputs of a job with those of its last success. Nothing is started or written. `is_running`: the job is.
pub fn inputs_now(group: &GroupSpec, job: &ServiceSpec, is_running: bool) -> InputsNow {
    let patterns = job.inputs.iter().map(|pattern| pattern.text.clone()).collect();
    let folder = state_folder::of_group(group, state_folder::variable).ok();
    let record = folder.as_deref().and_then(|folder| record::read(folder, &job.name));
    let last_success = record.as_ref().map(|record| record.at);
    let seen = look(group, job);
    let (files, is_unchanged, told) = match (seen, record) {
        (Err(problem), _) => (None, false, visible(&problem).into_owned()),
        (Ok(seen), None) => {
            let why = folder.as_deref().and_then(|folder| record::why_none(folder, &job.name));
            (Some(seen.files.files), false, format!("no success to compare with{}", without(why, is_running)))
        }
        (Ok(seen), Some(record)) => {
            let is_unchanged = seen.digest() == record.digest;
            let changed = match record.run {
                _ if is_unchanged => "unchanged",
                Some(run) if run != seen.run => "the command, its folder or its environment has changed",
                _ => "changed",
            };
            (Some(seen.files.files), is_unchanged, format!("{changed} since the last success {}", told(record.at)))
        }
    };
    let told = files.map_or_else(|| told.clone(), |files| format!("{}, {told}", count(files, "file")));
    InputsNow { patterns, files, last_success, is_unchanged, told }
}

/// Why there is no success, as the end of a sentence.
fn without(why: Option<NoSuccess>, is_running: bool) -> &'static str {
    match why {
        _ if is_running => ": it is running now",
        Some(NoSuccess::Begun) => ": the last run failed or was stopped",
        Some(NoSuccess::WithArguments) => ": the last run had arguments, so it does not count",
        Some(NoSuccess::InputChanged) => ": an input changed during the last run",
        None => " yet",
    }
}

/// What a start would see.
fn look(group: &GroupSpec, job: &ServiceSpec) -> Result<Seen, String> {
    if config::has_pipe(job).map_err(|error| error.to_string())? {
        return Err("an `env_file` of it is a pipe, which only a start reads".into());
    }
    let (prepared, _) = foreground::prepare(group, job, &job.run, None).map_err(|(_, reason)| reason)?;
    see(job, &prepared)
}
