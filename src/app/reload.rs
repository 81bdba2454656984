//! Live reload: reads the files of the group again when one was written, has come or is gone, beside the loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::state_folder;
use crate::config::{self, Foreign, Owners, Prints, Selection};
use crate::domain::{GroupSpec, WatchFiles, path_text};
use crate::engine::Event;

/// How a group is made from its file: the same at the start and at each reload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipe {
    pub(crate) selection: Selection,
    pub(crate) watch: bool,
}

impl Recipe {
    /// Applies what the command line said to a spec of the file.
    pub(crate) fn apply(&self, spec: GroupSpec) -> Result<GroupSpec, config::SelectionError> {
        let mut spec = config::select(spec, &self.selection)?;
        if !self.watch {
            for service in &mut spec.services {
                Arc::make_mut(service).watch = WatchFiles::Off;
            }
        }
        Ok(spec)
    }
}

/// How long a file may be away while an editor replaces it.
const RETURN: Duration = Duration::from_millis(500);

/// What the task that reads again knows.
struct Reloading {
    current: Arc<GroupSpec>,
    /// What was read last, good or not.
    prints: Prints,
    /// The last reading was refused.
    broken: bool,
    /// The first time nobody has saved a file: they are looked at because the watcher has only now begun to watch them.
    is_first: bool,
    /// A file of ours does not become somebody else's while it runs; who has named another's knows it.
    was_foreign: bool,
}

/// Reads the files of the group after each `written`, one reading at a time, and sends what came of it. Writes during a
/// reading lead to one more.
pub(crate) async fn reload_when_written(
    written: Arc<Notify>,
    current: Arc<GroupSpec>,
    recipe: Recipe,
    events: mpsc::Sender<Event>,
) {
    let is_foreign = |file: &PathBuf| config::consent(file, state_folder::variable).is_err();
    let was_foreign = current.files.iter().any(is_foreign);
    let mut known = Reloading { current, prints: Prints::default(), broken: false, is_first: true, was_foreign };
    loop {
        written.notified().await;
        let (spec, recipe, was_foreign) = (Arc::clone(&known.current), recipe.clone(), known.was_foreign);
        let is_away = spec.files.iter().any(|file| !file.exists());
        if is_away && tokio::time::timeout(RETURN, written.notified()).await.is_ok() {
            // An editor that writes a new file in its place.
            written.notify_one();
            continue;
        }
        let reading = tokio::task::spawn_blocking(move || {
            let owners =
                if was_foreign { Ok(Owners::Any) } else { config::consent(&spec.file, state_folder::variable) };
            match owners {
                Ok(owners) => read(&spec, owners, &recipe),
                Err(foreign) => (Err(Broken::foreign(&foreign)), None),
            }
        });
        let Ok((result, prints)) = reading.await else { continue };
        for event in known.take_in(result, prints) {
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

impl Reloading {
    /// What follows from a reading.
    fn take_in(&mut self, result: Result<GroupSpec, Broken>, prints: Option<Prints>) -> Vec<Event> {
        let nobody_saved = std::mem::take(&mut self.is_first);
        let saved = prints.as_ref().map(|prints| self.prints.differ_from(prints)).unwrap_or_default();
        // Until something was read, nobody knows what has changed.
        let saved = if self.prints.is_empty() { Vec::new() } else { saved };
        if let Some(prints) = prints {
            self.prints = prints;
        }
        let files = words(&saved, &self.current);
        let events = match result {
            Ok(spec) if spec == *self.current && nobody_saved => Vec::new(),
            // Whoever saves a file ends what waits, also without a difference.
            Ok(spec) if spec == *self.current && !self.broken => {
                vec![Event::Reloaded { spec: Arc::clone(&self.current), files }]
            }
            Ok(spec) if spec == *self.current => {
                log::info!("{files} is valid again; nothing changed");
                vec![Event::FileRestored { files }]
            }
            Ok(spec) => {
                self.current = Arc::new(spec);
                let summary = format!("{files} reloaded");
                log::info!("{summary}");
                let notice = Event::Notice { problem: false, summary: summary.into(), detail: "".into() };
                vec![Event::Reloaded { spec: Arc::clone(&self.current), files }, notice]
            }
            Err(Broken { summary, remedy, detail }) => {
                log::error!("{detail}");
                vec![Event::FileRefused { summary: summary.into(), remedy: remedy.into(), detail: detail.into() }]
            }
        };
        self.broken = events.iter().any(|event| matches!(event, Event::FileRefused { .. }));
        events
    }
}

/// The files that were saved, for people; where nobody knows, the group's own.
fn words(saved: &[String], spec: &GroupSpec) -> Arc<str> {
    /// By name; of more the number.
    const NAMED: usize = 3;
    let own = || path_text(spec.file.file_name().unwrap_or_default()).into_owned();
    match saved {
        [] => own().into(),
        names if names.len() <= NAMED => names.join(", ").into(),
        [first, more @ ..] => format!("{first} and {} more files", more.len()).into(),
    }
}

struct Broken {
    summary: String,
    remedy: &'static str,
    detail: String,
}

impl Broken {
    fn foreign(foreign: &Foreign) -> Self {
        let summary = format!("procgroup.toml was not reloaded: {foreign}");
        let remedy = "if this is intended, stop the group and start it with -f";
        Self { detail: format!("{summary}; {remedy}"), remedy, summary }
    }
}

/// Reads the files of a group; with what was read, where it was.
fn read(spec: &GroupSpec, owners: Owners, recipe: &Recipe) -> (Result<GroupSpec, Broken>, Option<Prints>) {
    let loaded = match config::load_of(&spec.file, owners) {
        Ok(loaded) => loaded,
        Err(diagnostics) => {
            let broken = Broken {
                summary: diagnostics.summary(),
                remedy: "fix and save it; `devgroup check` shows every problem",
                detail: diagnostics.render(config::RenderStyle { color: false, unicode: true, width: 100 }),
            };
            return (Err(broken), Some(diagnostics.prints()));
        }
    };
    let prints = loaded.warnings.prints();
    let spec = recipe.apply(loaded.spec).map_err(|error| Broken {
        summary: format!("procgroup.toml no longer matches how this group was started: {error}"),
        remedy: "undo the change, or restart the group",
        detail: error.to_string(),
    });
    (spec, Some(prints))
}
