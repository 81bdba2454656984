//! Live reload: reads the file again when it was written, beside the loop.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::state_folder;
use crate::config::{self, Foreign, Owners, Selection};
use crate::domain::{GroupSpec, PortLedger, WatchFiles};
use crate::engine::Event;
use crate::process;

/// How a group is made from its file: the same at the start and at each reload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipe {
    pub(crate) selection: Selection,
    pub(crate) watch: bool,
    /// The ports that services have got. Clones share them.
    pub(crate) ports: Arc<Mutex<PortLedger>>,
}

impl Recipe {
    /// Applies what the command line said to a spec of the file, and gives services their ports.
    pub(crate) fn apply(&self, spec: GroupSpec) -> Result<GroupSpec, config::SelectionError> {
        Ok(self.with_ports(self.select(spec)?))
    }

    /// The group with the ports that its services have, or get now.
    pub(crate) fn with_ports(&self, mut spec: GroupSpec) -> GroupSpec {
        let mut ledger = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.assign(&mut spec, &mut process::listener_on);
        config::with_group_values(spec)
    }

    /// Applies what the command line said.
    pub(crate) fn select(&self, spec: GroupSpec) -> Result<GroupSpec, config::SelectionError> {
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

/// Reads the file after each `written`, one reading at a time, and sends what came of it. Writes during a reading lead
/// to one more.
pub(crate) async fn reload_when_written(
    written: Arc<Notify>,
    mut current: Arc<GroupSpec>,
    recipe: Recipe,
    events: mpsc::Sender<Event>,
) {
    let mut broken = false;
    // The first time nobody has saved it: it is looked at because the watcher has only now begun to watch it.
    let mut is_first = true;
    // A file of ours does not become somebody else's while it runs; who has named another's knows it.
    let was_foreign = config::consent(&current.file, state_folder::variable).is_err();
    loop {
        written.notified().await;
        let (file, recipe) = (current.file.clone(), recipe.clone());
        if !file.exists() && tokio::time::timeout(RETURN, written.notified()).await.is_ok() {
            // An editor that writes a new file in its place.
            written.notify_one();
            continue;
        }
        let reading = tokio::task::spawn_blocking(move || {
            let owners = if was_foreign { Ok(Owners::Any) } else { config::consent(&file, state_folder::variable) };
            owners.map_err(|foreign| Broken::foreign(&foreign)).and_then(|owners| read(&file, owners, &recipe))
        });
        let Ok(result) = reading.await else { continue };
        let nobody_saved = std::mem::take(&mut is_first);
        let event = match result {
            Ok(spec) if spec == *current && nobody_saved => continue,
            // Whoever saves the file ends what waits, also without a difference.
            Ok(spec) if spec == *current && !broken => Event::Reloaded(current.clone()),
            Ok(spec) if spec == *current => {
                log::info!("procgroup.toml is valid again; nothing changed");
                Event::FileRestored
            }
            Ok(spec) => {
                current = Arc::new(spec);
                log::info!("procgroup.toml was read again");
                Event::Reloaded(current.clone())
            }
            Err(Broken { summary, remedy, detail }) => {
                log::error!("{detail}");
                Event::FileRefused { summary: summary.into(), remedy: remedy.into(), detail: detail.into() }
            }
        };
        broken = matches!(&event, Event::FileRefused { .. });
        if events.send(event).await.is_err() {
            return;
        }
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

fn read(file: &std::path::Path, owners: Owners, recipe: &Recipe) -> Result<GroupSpec, Broken> {
    let loaded = config::load_of(file, owners).map_err(|diagnostics| Broken {
        summary: diagnostics.summary(),
        remedy: "fix and save it; `devgroup check` shows every problem",
        detail: diagnostics.render(config::RenderStyle { color: false, unicode: true, width: 100 }),
    })?;
    recipe.apply(loaded.spec).map_err(|error| Broken {
        summary: format!("procgroup.toml no longer matches how this group was started: {error}"),
        remedy: "undo the change, or restart the group",
        detail: error.to_string(),
    })
}
