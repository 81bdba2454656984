//! Live reload, beside the loop: reads the files of the group again when one of them is written, created or removed.
//! `devgroup scale` goes the same way, because a changed number of instances also makes a new group.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use super::load::load_of;
use super::port_claims::PortClaims;
use super::state_folder;
use crate::clock::Clock;
use crate::config::{self, Foreign, Owners, Prints, Selection};
use crate::domain::{
    Answer, AskedPort, GroupSpec, Instance, PortLedger, Refusal, Scale, Scaling, ServiceName, WatchFiles, path_text,
};
use crate::engine::Event;
use crate::process;

/// How a group is made from its file: the same at the start and at each reload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recipe {
    pub(crate) selection: Selection,
    pub(crate) watch: bool,
    /// What the files of the group said at the start stays in force (`--no-reload`).
    pub(crate) keeps_file: bool,
    /// What counts instead of `[metrics]`: the port, or that there are none.
    pub(crate) metrics: Option<Option<AskedPort>>,
    /// The ports that services have got. Clones share them.
    pub(crate) ports: Arc<Mutex<(PortLedger, PortClaims)>>,
    /// What `devgroup scale` has said.
    pub(crate) scale: Scale,
}

impl Recipe {
    /// Applies what the command line said, and other numbers of instances, to a spec of the file, and gives services their
    /// ports.
    pub(crate) fn apply(&self, spec: GroupSpec) -> Result<GroupSpec, config::SelectionError> {
        Ok(self.with_ports(self.select(spec)?))
    }

    /// The group with the ports that its services have, or get now.
    pub(crate) fn with_ports(&self, mut spec: GroupSpec) -> GroupSpec {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        let (ledger, claims) = &mut *ports;
        claims.of(&spec);
        ledger.assign(&mut spec, &mut |port| process::listener_on(port).or_else(|| claims.take(port)));
        config::with_group_values(spec)
    }

    /// Applies what the command line said, and other numbers of instances.
    pub(crate) fn select(&self, spec: GroupSpec) -> Result<GroupSpec, config::SelectionError> {
        let mut spec = config::select(spec.with_instances(&self.scale), &self.selection)?;
        spec.metrics = self.metrics.unwrap_or(spec.metrics);
        if !self.watch {
            for service in &mut spec.services {
                Arc::make_mut(service).watch = WatchFiles::Off;
            }
        }
        Ok(spec)
    }

    /// Other numbers of instances for a group of this file, if that can be.
    fn scale(&self, file: &GroupSpec, counts: &[(ServiceName, u32)]) -> Result<(Self, Vec<Scaling>), Refusal> {
        let mut recipe = self.clone();
        let mut scalings = Vec::with_capacity(counts.len());
        for (name, count) in counts {
            let service = file.service(name).ok_or_else(|| Refusal::UnknownService(name.clone()))?;
            let written = service.replicas.ok_or_else(|| Refusal::Scale(format!("{name} has no `replicas`")))?;
            if *count > Instance::MOST {
                let most = Instance::MOST;
                let why = format!(
                    "{name} can have at most {most} instances: each is a process with a terminal and a log of its own"
                );
                return Err(Refusal::Scale(why));
            }
            let from = self.scale.get(name).copied().unwrap_or(written);
            scalings.push(Scaling { name: name.clone(), from, to: *count });
            recipe.scale.insert(name.clone(), *count);
        }
        Ok((recipe, scalings))
    }

    /// The file is another one: what was said of services whose `replicas` it changes does not hold any more.
    fn with_file(&self, before: &GroupSpec, after: &GroupSpec) -> Self {
        let replicas = |spec: &GroupSpec, name: &ServiceName| spec.service(name).and_then(|service| service.replicas);
        let mut recipe = self.clone();
        recipe.scale.retain(|name, _| {
            let now = replicas(after, name);
            now.is_some() && now == replicas(before, name)
        });
        recipe
    }
}

/// Somebody wants other numbers of instances.
#[derive(Debug)]
pub(crate) struct ScaleRequest {
    pub(crate) counts: Vec<(ServiceName, u32)>,
    /// Where the answer goes, if somebody waits for it.
    pub(crate) answer: Option<oneshot::Sender<Answer>>,
}

/// What the loop is to take in, and whom to answer when it has.
#[derive(Debug)]
pub(crate) struct Reloading {
    pub(crate) event: Event,
    pub(crate) told: Option<(oneshot::Sender<Answer>, Answer)>,
}

impl From<Event> for Reloading {
    fn from(event: Event) -> Self {
        Self { event, told: None }
    }
}

/// How long a file may be away while an editor replaces it.
const RETURN: Duration = Duration::from_millis(500);

/// What a running group is made of.
pub(crate) struct Reloader {
    /// What the files said when they were last good, before instances and selection.
    pub(crate) file: GroupSpec,
    /// What came of it.
    pub(crate) current: Arc<GroupSpec>,
    pub(crate) recipe: Recipe,
    pub(crate) events: mpsc::Sender<Reloading>,
    pub(crate) clock: Clock,
}

/// What was read last.
struct LastReading {
    /// The files, good or not.
    prints: Prints,
    /// It was refused.
    broken: bool,
    /// There was none: nobody has saved a file, they are looked at because the watcher has only now begun to watch them.
    is_first: bool,
}

impl Reloader {
    /// Reads the files of the group after each `written`, one reading at a time, and sends what came of it. Writes during a
    /// reading lead to one more. Between two readings, numbers of instances are changed.
    pub(crate) async fn run(mut self, written: Arc<Notify>, mut scales: mpsc::Receiver<ScaleRequest>) {
        // A file of ours does not become somebody else's while it runs; who has named another's knows it.
        let is_foreign = |file: &PathBuf| config::consent(file, state_folder::variable).is_err();
        let was_foreign = self.current.files.iter().any(is_foreign);
        let mut last = LastReading { prints: Prints::default(), broken: false, is_first: true };
        loop {
            tokio::select! {
                biased;
                Some(request) = scales.recv() => {
                    if self.scale(request).await.is_none() {
                        return;
                    }
                    continue;
                }
                () = written.notified() => {}
            }
            let since = self.clock.now();
            let spec = Arc::clone(&self.current);
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
                    Ok(owners) => read(&spec, owners),
                    Err(foreign) => (Err(Broken::foreign(&foreign)), None),
                }
            });
            let result = reading.await.ok().and_then(|(result, prints)| self.take_in(result, prints, &mut last));
            for event in result.into_iter().chain([Event::FileRead { since }]) {
                if self.events.send(event.into()).await.is_err() {
                    return;
                }
            }
        }
    }

    /// What follows from a reading.
    fn take_in(
        &mut self,
        result: Result<GroupSpec, Broken>,
        prints: Option<Prints>,
        last: &mut LastReading,
    ) -> Option<Event> {
        let nobody_saved = std::mem::take(&mut last.is_first);
        let saved = prints.as_ref().map(|prints| last.prints.differ_from(prints)).unwrap_or_default();
        // Until something was read, nobody knows what has changed.
        let saved = if last.prints.is_empty() { Vec::new() } else { saved };
        if let Some(prints) = prints {
            last.prints = prints;
        }
        let files = words(&saved, &self.current);
        let was_broken = std::mem::take(&mut last.broken);
        match result.and_then(|file| self.take_over(file)) {
            Ok(spec) if spec == *self.current && nobody_saved => None,
            // Whoever saves a file ends what waits, also without a difference.
            Ok(spec) if spec == *self.current && !was_broken => {
                Some(Event::Reloaded { spec: Arc::clone(&self.current), files })
            }
            Ok(spec) if spec == *self.current => {
                log::info!("{files} is valid again; nothing changed");
                Some(Event::FileRestored { files })
            }
            Ok(spec) => {
                self.current = Arc::new(spec);
                log::info!("{files} was read again");
                Some(Event::Reloaded { spec: Arc::clone(&self.current), files })
            }
            Err(Broken { summary, remedy, detail }) => {
                last.broken = true;
                log::error!("{detail}");
                Some(Event::FileRefused { summary: summary.into(), remedy: remedy.into(), detail: detail.into() })
            }
        }
    }

    /// The group of the files that were read, which are its files from now on.
    fn take_over(&mut self, file: GroupSpec) -> Result<GroupSpec, Broken> {
        if self.recipe.keeps_file && file != self.file {
            return Err(Broken::kept());
        }
        let recipe = self.recipe.with_file(&self.file, &file);
        let spec = recipe.apply(file.clone()).map_err(|error| Broken {
            summary: format!("procgroup.toml no longer matches how this group was started: {error}"),
            remedy: "undo the change, or restart the group",
            detail: error.to_string(),
        })?;
        (self.file, self.recipe) = (file, recipe);
        Ok(spec)
    }

    /// Changes numbers of instances, or refuses all of it. `None`: the loop has ended.
    async fn scale(&mut self, ScaleRequest { counts, answer }: ScaleRequest) -> Option<()> {
        let scaled = self.recipe.scale(&self.file, &counts).and_then(|(recipe, scalings)| {
            let spec = recipe.apply(self.file.clone()).map_err(|error| {
                Refusal::Scale(format!("this group was started with a name that would no longer exist: {error}"))
            })?;
            Ok((recipe, Arc::new(spec), scalings))
        });
        match scaled {
            Err(refusal) => {
                log::warn!("{refusal}");
                if let Some(client) = answer {
                    // A client that does not wait any more needs no answer.
                    let _ = client.send(Answer::Refused(refusal));
                }
            }
            Ok((_, _, scalings)) if scalings.iter().all(|scaling| scaling.from == scaling.to) => {
                if let Some(client) = answer {
                    // As above.
                    let _ = client.send(Answer::Scaled(scalings));
                }
            }
            Ok((recipe, spec, scalings)) => {
                (self.recipe, self.current) = (recipe, spec.clone());
                let event = Event::Scaled { spec, scalings: scalings.clone() };
                let told = answer.map(|client| (client, Answer::Scaled(scalings)));
                self.events.send(Reloading { event, told }).await.ok()?;
            }
        }
        Some(())
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
    /// The file is good, and does not count.
    fn kept() -> Self {
        let summary = "procgroup.toml has changed, and --no-reload keeps what it said at the start".to_owned();
        let remedy = "restart the group to apply it";
        Self { detail: format!("{summary}; {remedy}"), remedy, summary }
    }

    fn foreign(foreign: &Foreign) -> Self {
        let summary = format!("procgroup.toml was not reloaded: {foreign}");
        let remedy = "if this is intended, stop the group and start it with -f";
        Self { detail: format!("{summary}; {remedy}"), remedy, summary }
    }
}

/// Reads the files of a group; with what was read, where it was.
fn read(spec: &GroupSpec, owners: Owners) -> (Result<GroupSpec, Broken>, Option<Prints>) {
    match load_of(&spec.file, owners) {
        Ok(loaded) => {
            let prints = loaded.warnings.prints();
            (Ok(loaded.spec), Some(prints))
        }
        Err(diagnostics) => {
            let broken = Broken {
                summary: diagnostics.summary(),
                remedy: "fix and save it; `devgroup check` shows every problem",
                detail: diagnostics.render(config::RenderStyle { color: false, unicode: true, width: 100 }),
            };
            (Err(broken), Some(diagnostics.prints()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(replicas: u32) -> GroupSpec {
        let text = format!(
            "[services]\napi = \"api\"\nworker = {{ run = \"work\", replicas = {replicas} }}\njob = {{ run = \"j\", replicas = 1 }}"
        );
        config::parse(&text, Path::new("/nowhere/procgroup.toml")).unwrap().spec
    }

    fn names(recipe: &Recipe, file: GroupSpec) -> String {
        let spec = recipe.apply(file).unwrap();
        spec.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_number_of_instances_holds_until_the_file_says_another_one() {
        let (scaled, told) = Recipe::default().scale(&file(2), &[("worker".into(), 3)]).unwrap();
        assert_eq!(told, [Scaling { name: "worker".into(), from: 2, to: 3 }]);
        assert_eq!(names(&scaled, file(2)), "api worker.1 worker.2 worker.3 job.1");
        let (again, told) = scaled.scale(&file(2), &[("job".into(), 0), ("worker".into(), 1)]).unwrap();
        assert_eq!((told[1].from, names(&again, file(2)).as_str()), (3, "api worker.1"));
        let saved = again.with_file(&file(2), &file(2));
        assert_eq!(names(&saved, file(2)), "api worker.1", "the same number was saved");
        let saved = again.with_file(&file(2), &file(4));
        assert_eq!(names(&saved, file(4)), "api worker.1 worker.2 worker.3 worker.4", "that of the job still holds");
        let none = config::parse("[services]\nworker = \"w\"", Path::new("/nowhere/procgroup.toml")).unwrap().spec;
        assert!(again.with_file(&file(2), &none).scale.is_empty());
    }

    #[test]
    fn what_the_variables_say_of_metrics_counts_at_each_save() {
        let port = Some(AskedPort::Fixed(7000));
        let of = |metrics| {
            let recipe = Recipe { metrics, ..Recipe::default() };
            recipe.apply(GroupSpec { metrics: port, ..file(1) }).unwrap().metrics
        };
        let other = Some(AskedPort::Fixed(9464));
        assert_eq!((of(None), of(Some(other)), of(Some(None))), (port, other, None));
    }

    #[test]
    fn what_cannot_be_scaled_is_told_why_and_nothing_is_done() {
        let refused = |name: &str, count| {
            let recipe = Recipe::default();
            recipe.scale(&file(2), &[("job".into(), 2), (name.into(), count)]).unwrap_err().to_string()
        };
        assert_eq!(refused("nobody", 1), "unknown service `nobody`");
        assert_eq!(refused("api", 1), "api has no `replicas`");
        let many = refused("worker", 101);
        assert!(many.starts_with("worker can have at most 100 instances: each is a process"), "{many}");
    }
}
