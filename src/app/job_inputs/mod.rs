//! The inputs of a job: while they are as at its last success, it need not run (`inputs`).
//!
//! What is compared is what decides over the result of a run: the contents of the files, the command, its folder, and the
//! variables that the file gives. The record of a success is removed before each run and written after the next success,
//! so that a run that failed, or was killed together with devgroup, leaves none. What was different at the end of the run
//! than at its beginning is no record either: nobody knows which of both the run has seen.

mod files;
mod now;
mod record;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use xxhash_rust::xxh3::Xxh3;

use crate::clock::Clock;
use crate::config;
use crate::domain::{Expandable, GroupSpec, RunCommand, ServiceName, ServiceSpec, SpecPattern, UnchangedInputs, count};
use crate::process::{JobInputs, Prepared};
use files::Contents;
use record::{NoSuccess, Record};

pub use now::{InputsNow, inputs_now};

/// What is hashed, and how. Another number makes every job run once.
const FORMAT: u64 = 1;

/// The inputs of one run of a job.
#[derive(Debug)]
pub(crate) struct Inputs {
    spec: Arc<ServiceSpec>,
    /// Where the record is kept; without a place for it, the job always runs.
    folder: Option<PathBuf>,
    clock: Clock,
    before: Mutex<Option<Seen>>,
}

/// What was found before a run.
#[derive(Clone, Debug)]
struct Seen {
    /// The command and what it is given.
    run: u128,
    files: Contents,
}

impl Seen {
    fn digest(&self) -> u128 {
        (self.run.rotate_left(1)) ^ self.files.digest
    }
}

impl Inputs {
    /// Those of the next run of a service, if it has any. `folder`: that of the group's own files.
    pub(crate) fn of(spec: &Arc<ServiceSpec>, folder: Option<&Path>) -> Option<Arc<dyn JobInputs>> {
        (!spec.inputs.is_empty()).then(|| Arc::new(Self::new(spec.clone(), folder)) as Arc<dyn JobInputs>)
    }

    fn new(spec: Arc<ServiceSpec>, folder: Option<&Path>) -> Self {
        Self { spec, folder: folder.map(Path::to_owned), clock: Clock::start(), before: Mutex::new(None) }
    }

    /// What there is now; `None` where it cannot be known, which is said in devgroup's own log.
    fn see(&self, prepared: &Prepared) -> Option<Seen> {
        let seen = see(&self.spec, prepared);
        seen.inspect_err(|problem| log::info!("{} runs: {problem}", self.spec.name)).ok()
    }

    fn see_files(&self) -> Result<Contents, String> {
        see_files(&self.spec)
    }
}

fn see(spec: &ServiceSpec, prepared: &Prepared) -> Result<Seen, String> {
    let run = digest_of_run(spec, prepared).map_err(|error| error.to_string())?;
    Ok(Seen { run, files: see_files(spec)? })
}

fn see_files(spec: &ServiceSpec) -> Result<Contents, String> {
    files::read(&spec.root, &spec.inputs).map_err(|problem| format!("inputs: {problem}"))
}

impl JobInputs for Inputs {
    fn look(&self, prepared: &Prepared) -> Option<UnchangedInputs> {
        let seen = self.see(prepared);
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = seen.clone();
        let record = record::read(self.folder.as_deref()?, &self.spec.name)?;
        let seen = seen.filter(|seen| seen.digest() == record.digest)?;
        let files = seen.files.files;
        let text =
            format!("{} unchanged since the last success ({})", names(&self.spec.inputs, files), told(record.at));
        Some(UnchangedInputs { text: text.into(), files, since: record.at })
    }

    fn begins(&self, with_arguments: bool) {
        let Some(folder) = &self.folder else { return };
        let why = if with_arguments { NoSuccess::WithArguments } else { NoSuccess::Begun };
        if let Err(error) = record::forget(folder, &self.spec.name, why) {
            // It could be taken for done after a failure.
            *self.before.lock().unwrap_or_else(PoisonError::into_inner) = None;
            log::warn!("{}: cannot forget its last success: {error}", self.spec.name);
        }
    }

    fn succeeded(&self) {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(before), Some(folder)) = (before, &self.folder) else { return };
        match self.see_files() {
            Ok(files) if files == before.files => {}
            Ok(_) => {
                // What is noted already says less, and is as true.
                let _ = record::forget(folder, &self.spec.name, NoSuccess::InputChanged);
                return log::info!("{}: its inputs changed while it ran, so it runs again", self.spec.name);
            }
            Err(problem) => return log::info!("{}: {problem}", self.spec.name),
        }
        let at = self.clock.wall(self.clock.now());
        if let Err(error) =
            record::write(folder, &self.spec.name, &Record { digest: before.digest(), run: Some(before.run), at })
        {
            log::warn!("{}: cannot remember its success: {error}", self.spec.name);
        }
    }
}

/// The patterns of `inputs` that match no file, by service and place.
pub fn missing_inputs(spec: &GroupSpec) -> Vec<(ServiceName, usize)> {
    let of = |service: &Arc<ServiceSpec>| {
        let missing = files::missing(&service.root, &service.inputs);
        missing.into_iter().map(|index| (service.name.clone(), index)).collect::<Vec<_>>()
    };
    spec.services.iter().flat_map(of).collect()
}

/// The services whose `inputs` cannot all be read, and why: such a job runs at each start.
pub fn unreadable_inputs(spec: &GroupSpec) -> Vec<(ServiceName, String)> {
    let of = |service: &Arc<ServiceSpec>| {
        let problem = files::unreadable(&service.root, &service.inputs)?;
        Some((service.name.clone(), problem.to_string()))
    };
    spec.services.iter().filter_map(of).collect()
}

/// `package-lock.json and 2 more (14 files)`.
fn names(inputs: &[SpecPattern], files: usize) -> String {
    let mut names = inputs.iter().map(|pattern| pattern.text.as_str()).filter(|text| !text.starts_with('!'));
    let first = names.next().unwrap_or_default();
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    // One name is one file, mostly.
    let files = if files == 1 { String::new() } else { format!(" ({})", count(files, "file")) };
    format!("{first}{more}{files}")
}

fn told(at: SystemTime) -> String {
    Clock::date_and_time(at)
}

/// The command, its folder, and the variables that the file gives. (What is inherited differs from terminal to terminal.)
fn digest_of_run(spec: &ServiceSpec, prepared: &Prepared) -> Result<u128, config::EnvironmentError> {
    let mut hash = Xxh3::new();
    hash.update(&FORMAT.to_le_bytes());
    match &prepared.command {
        RunCommand::Shell(text) => part(&mut hash, b"sh", text.as_bytes()),
        RunCommand::Argv(words) => words.iter().for_each(|word| part(&mut hash, b"word", word.as_bytes())),
    }
    match &spec.dir {
        Expandable::Known(dir) => part(&mut hash, b"dir", dir.as_os_str().as_encoded_bytes()),
        Expandable::Text(text) => part(&mut hash, b"dir", text.as_bytes()),
    }
    for name in config::given_names(spec)? {
        let value = prepared.env.iter().rev().find(|(other, _)| *other == *name).map(|(_, value)| value);
        part(&mut hash, name.as_bytes(), value.map_or(b"", |value| value.as_encoded_bytes()));
    }
    Ok(hash.digest128())
}

/// Adds a part so that no two lists of parts are the same bytes.
fn part(hash: &mut Xxh3, name: &[u8], content: &[u8]) {
    for bytes in [name, content] {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        spec: ServiceSpec,
    }

    impl Bench {
        fn new(inputs: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("app");
            fs::create_dir(&root).unwrap();
            let mut spec = ServiceSpec::new("install".into(), RunCommand::Shell("npm ci".into()), root);
            spec.inputs = inputs.iter().map(|text| SpecPattern { text: (*text).into(), line: 1, file: None }).collect();
            Self { folder, spec }
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.spec.root.join(name), text).unwrap();
        }

        fn inputs(&self) -> Inputs {
            Inputs::new(Arc::new(self.spec.clone()), Some(&self.folder.path().join("devgroup/shop")))
        }

        fn prepared(&self) -> Prepared {
            let env = self.spec.env.iter().map(|(name, value)| (name.into(), value.into()));
            let env = [("SHELL".into(), std::process::id().to_string().into())].into_iter().chain(env).collect();
            Prepared { command: self.spec.run.clone(), env }
        }

        /// Runs the job if it has to: whether it had to.
        fn runs(&self, succeeds: bool) -> bool {
            let inputs = self.inputs();
            if inputs.look(&self.prepared()).is_some() {
                return false;
            }
            inputs.begins(false);
            if succeeds {
                inputs.succeeded();
            }
            true
        }
    }

    #[test]
    fn it_runs_once_and_again_after_a_change_or_a_failure() {
        let mut bench = Bench::new(&["lock"]);
        bench.write("lock", "one");
        assert!(bench.runs(true) && !bench.runs(true));
        bench.write("lock", "two");
        assert!(bench.runs(true) && !bench.runs(true));
        bench.write("lock", "one");
        assert!(bench.runs(true), "what is there is of the other one");
        bench.write("lock", "two");
        assert!(bench.runs(false), "it fails");
        bench.write("lock", "one");
        assert!(bench.runs(true), "what has failed may have broken what was there");
        assert!(!bench.runs(true));
        bench.spec.run = RunCommand::Shell("npm ci --omit=dev".into());
        assert!(bench.runs(true) && !bench.runs(true));
        bench.spec.env.push(("NODE_ENV".into(), "test".into()));
        assert!(bench.runs(true) && !bench.runs(true));
        bench.spec.env = vec![("NODE_ENV".into(), "production".into())];
        assert!(bench.runs(true) && !bench.runs(true));
    }

    #[test]
    fn what_changes_during_the_run_or_cannot_be_known_is_no_success() {
        let bench = Bench::new(&["lock"]);
        bench.write("lock", "one");
        let inputs = bench.inputs();
        assert_eq!(inputs.look(&bench.prepared()), None);
        inputs.begins(false);
        bench.write("lock", "two");
        inputs.succeeded();
        assert!(bench.runs(true), "it was written while it ran");
        assert!(!bench.runs(true));
        fs::remove_file(bench.spec.root.join("lock")).unwrap();
        assert!(bench.runs(true) && bench.runs(true), "a missing file is as nothing");
    }

    #[test]
    fn a_record_that_is_damaged_or_newer_is_none() {
        let bench = Bench::new(&["lock"]);
        bench.write("lock", "one");
        assert!(bench.runs(true) && !bench.runs(true));
        let folder = bench.folder.path().join("devgroup/shop");
        let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        let good = fs::read_to_string(&file).unwrap();
        for damaged in
            ["", "{", "[]", "\u{0}", &good.replace("\"version\":1", "\"version\":2"), &good.replace("install", "other")]
        {
            fs::write(&file, damaged).unwrap();
            assert!(bench.runs(true), "{damaged}");
            assert!(!bench.runs(true), "{damaged}");
        }
    }

    #[test]
    fn what_is_said_names_the_first_pattern() {
        let told = |bench: &Bench, files| names(&bench.spec.inputs, files);
        assert_eq!(told(&Bench::new(&["lock"]), 1), "lock");
        assert_eq!(told(&Bench::new(&["sql/"]), 14), "sql/ (14 files)");
        assert_eq!(told(&Bench::new(&["a/**", "!a/b", "c", "d"]), 3), "a/** and 2 more (3 files)");
    }
}
