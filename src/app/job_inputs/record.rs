//! The last success of a job, in a file of its own in the state folder: each is written and removed as a whole, so that two
//! devgroups at once need no lock. What cannot be read is none, and the job runs.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::app::state_folder;
use crate::domain::ServiceName;
use crate::private;

/// Of the format.
const VERSION: u32 = 1;

/// A larger file is none of ours.
const LARGEST: u64 = 64 << 10;

/// Why there is no success that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NoSuccess {
    /// A run has begun, and has not succeeded since.
    Begun,
    /// It had arguments of the command line.
    WithArguments,
    /// An input changed while it ran.
    InputChanged,
}

/// A success of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Of all that decides over its result.
    pub(super) digest: u128,
    /// Of the command and what it is given, without the files.
    pub(super) run: Option<u128>,
    /// When it ended.
    pub(super) at: SystemTime,
}

/// In the place of a success.
#[derive(Serialize, Deserialize)]
struct Without {
    version: u32,
    job: String,
    no_success: NoSuccess,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    job: String,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    at: Timestamp,
}

/// Names of jobs are longer than those of files may be.
fn name(job: &ServiceName) -> String {
    format!("inputs-{:016x}.json", xxh3_64(job.as_str().as_bytes()))
}

/// The last success, if there is one that counts.
pub(super) fn read(folder: &Path, job: &ServiceName) -> Option<Record> {
    let text = private::read(&folder.join(name(job)), LARGEST).ok()?;
    let written: Written = serde_json::from_slice(&text).ok()?;
    let digest = u128::from_str_radix(&written.digest, 16).ok()?;
    let run = written.run.as_deref().and_then(|run| u128::from_str_radix(run, 16).ok());
    let counts = written.version == VERSION && written.job == job.as_str();
    counts.then(|| Record { digest, run, at: written.at.into() })
}

/// Remembers a success.
pub(super) fn write(folder: &Path, job: &ServiceName, record: &Record) -> io::Result<()> {
    state_folder::make(folder)?;
    let at = Timestamp::try_from(record.at).map_err(io::Error::other)?;
    let hex = |digest: u128| format!("{digest:032x}");
    let job_name = job.as_str().into();
    let (digest, run) = (hex(record.digest), record.run.map(hex));
    let written = Written { version: VERSION, job: job_name, digest, run, at };
    private::replace(folder, &name(job), &serde_json::to_vec(&written)?)
}

/// Why there is none, if that is known.
pub(super) fn why_none(folder: &Path, job: &ServiceName) -> Option<NoSuccess> {
    let text = private::read(&folder.join(name(job)), LARGEST).ok()?;
    let without: Without = serde_json::from_slice(&text).ok()?;
    (without.version == VERSION && without.job == job.as_str()).then_some(without.no_success)
}

/// Forgets it, and notes why.
pub(super) fn forget(folder: &Path, job: &ServiceName, no_success: NoSuccess) -> io::Result<()> {
    let without = Without { version: VERSION, job: job.as_str().into(), no_success };
    let noted = state_folder::make(folder)
        .and_then(|()| Ok(serde_json::to_vec(&without)?))
        .and_then(|text| private::replace(folder, &name(job), &text));
    // On a full disk it can still be forgotten.
    if noted.is_ok() { Ok(()) } else { remove(folder, job) }
}

fn remove(folder: &Path, job: &ServiceName) -> io::Result<()> {
    match fs::remove_file(folder.join(name(job))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
