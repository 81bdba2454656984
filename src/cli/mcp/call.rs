//! A call of a tool, and the session that it belongs to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::JsonObject;
use serde_json::Value;

use super::answer::Answer;
use super::holding::Held;
use super::shrink;
use crate::cli::arguments::Place;
use crate::cli::client::patient::{CalledOff, Patient};
use crate::cli::client::{find, groups};
use crate::cli::exit_code::Failure;
use crate::cli::told;
use crate::control::{Client, ClientError};
use crate::domain::{visible, visible_path};

/// How long a group may take for an answer that it has at hand.
pub(super) const AT_HAND: Duration = Duration::from_secs(10);

/// How much longer than a wait the group may take to say how that ended.
const GRACE: Duration = Duration::from_secs(10);

/// What one agent has of a group, from its first call to its last.
pub(super) struct Session {
    /// As the command line says it.
    given: Place,
    pub(super) read_only: bool,
    /// The file of the group that `-g` names, as it was found last: it may end, and be started again.
    named: Mutex<Option<PathBuf>>,
    /// The agent sends nothing more.
    is_over: AtomicBool,
    /// What it holds.
    held: Mutex<Option<Held>>,
    settled: Mutex<Settled>,
}

impl Session {
    pub(super) fn new(place: Place, read_only: bool) -> Self {
        Self {
            given: place,
            read_only,
            named: Mutex::default(),
            is_over: AtomicBool::default(),
            held: Mutex::default(),
            settled: Mutex::default(),
        }
    }

    /// Where the group is, as far as that is known now: a group that `-g` names is looked for among those that run.
    ///
    /// # Errors
    /// None of that name runs, and none has run since the session began.
    pub(super) fn place(&self) -> Result<Place, Failure> {
        let Some(group) = &self.given.group else { return Ok(self.given.clone()) };
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match (groups::named(group), &*named) {
            (Ok(file), _) => file,
            (Err(Failure::NoGroup { .. }), Some(known)) => known.clone(),
            (Err(failure), _) => return Err(failure),
        };
        *named = Some(file.clone());
        Ok(Place { config: Some(file), ..self.given.clone() })
    }

    /// Nobody asks anything more: what is held is let go, also while calls are answered.
    pub(super) fn end(&self) {
        // Before the lock: a hold that begins later than this sees it.
        self.is_over.store(true, Ordering::SeqCst);
        *self.held() = None;
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// The command that starts the group of a file, or the one that is found here.
    fn start_command(&self) -> String {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.given.config.as_ref().or(named.as_ref()), &self.given.directory) {
            (Some(file), _) => format!("devgroup -f {} -d", visible_path(file)),
            (None, Some(folder)) => format!("devgroup -C {} -d", visible_path(folder)),
            (None, None) => "devgroup -d".into(),
        }
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settled(&self) -> MutexGuard<'_, Settled> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A failure, with its remedy.
    pub(super) fn failed(&self, failure: Failure) -> Answer {
        let mut value = shrink::without_nulls(serde_json::from_str(&told::as_json(&failure)).unwrap_or(Value::Null));
        let gone = match &failure {
            Failure::NotRunning { file: Some(file), foreign: None } => {
                Some(format!("no group runs in {}", visible_path(file.parent().unwrap_or(Path::new("/")))))
            }
            Failure::Client { error: error @ (ClientError::Ended { .. } | ClientError::Lost) } => {
                Some(visible(&error.to_string()).into_owned())
            }
            _ => None,
        };
        if let Some(gone) = gone {
            // A dashboard is nothing for an agent.
            let help = format!("start it with: {}", self.start_command());
            let mut text = format!("{gone} · {help}\n");
            value["error"]["help"] = help.into();
            if !self.read_only {
                text += "help: the tool `start` without services starts it\n";
            }
            return Answer { text, value, failed: true };
        }
        let text = failure.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let flush = |line: &str| line.trim_start().starts_with("help: ") || line.trim_start().starts_with("note: ");
        let plain = |line: &str| if flush(line) { format!("{}\n", line.trim_start()) } else { format!("{line}\n") };
        let text = text.lines().map(plain).collect();
        Answer { text, value, failed: true }
    }
}

/// Where the answers of `settle` have ended.
#[derive(Default)]
pub(super) struct Settled {
    /// The last one about all services that are concerned.
    all: Option<String>,
    /// Those since then about these services alone. What came of others meanwhile has not been told.
    some: BTreeMap<Vec<String>, String>,
}

impl Settled {
    /// The cursor for a question about these services; none: about all that are concerned.
    pub(super) fn cursor(&self, services: &[String]) -> Option<String> {
        self.some.get(services).or(self.all.as_ref()).cloned()
    }

    /// An answer about these services has ended there.
    pub(super) fn note(&mut self, services: Vec<String>, cursor: String) {
        if services.is_empty() {
            *self = Self { all: Some(cursor), some: BTreeMap::new() };
        } else {
            self.some.insert(services, cursor);
        }
    }
}

/// One call.
pub(super) struct Call<'c> {
    pub(super) session: &'c Session,
    /// What the agent's program calls itself.
    pub(super) agent: Option<String>,
    pub(super) called_off: CalledOff,
    pub(super) arguments: &'c JsonObject,
}

impl Call<'_> {
    /// Who asks, as people are told.
    pub(super) fn client(&self) -> String {
        match self.agent.as_deref().map(str::trim).filter(|agent| !agent.is_empty()) {
            Some(agent) => format!("agent {agent}"),
            None => "an agent".into(),
        }
    }

    /// The group, as it is now.
    pub(super) fn connect(&self) -> Result<Client, Failure> {
        find::running(&Place { client: Some(self.client()), ..self.session.place()? })
    }

    /// The same, for questions whose answers are at hand.
    pub(super) fn group(&self) -> Result<Patient, Failure> {
        Ok(Patient::new(self.connect()?, Some(AT_HAND), Some(self.called_off.clone())))
    }

    /// The same, for a question that the group answers after so long at the latest.
    pub(super) fn group_for(&self, timeout: Duration) -> Result<Patient, Failure> {
        Ok(Patient::new(self.connect()?, Some(timeout.saturating_add(GRACE)), Some(self.called_off.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_about_one_service_hides_nothing_of_the_others() {
        let mut settled = Settled::default();
        let (none, api, web) = (Vec::new(), vec!["api".to_owned()], vec!["web".to_owned()]);
        settled.note(none.clone(), "1".into());
        settled.note(api.clone(), "2".into());
        let cursor = |settled: &Settled, of: &[String]| settled.cursor(of).unwrap_or_default();
        assert_eq!([&none, &api, &web].map(|of| cursor(&settled, of)), ["1", "2", "1"]);
        settled.note(none.clone(), "3".into());
        assert_eq!([&none, &api].map(|of| cursor(&settled, of)), ["3", "3"]);
    }
}
