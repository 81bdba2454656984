//! The watcher's own thread: takes the pending paths, looks at them, and reports.

mod beside;
mod compare;
mod git_work;
mod look;
mod poll;
mod walk;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::baselines::Baselines;
use super::cookies::Cookies;
use super::environment_files::{EnvironmentFiles, EnvironmentNews};
use super::explainer::Explainer;
use super::git::Repository;
use super::outcome::Reason;
use super::own_files::{OwnFiles, OwnNews};
use super::pending::{Batch, PathEvent, Pending};
use super::reports::Outbox;
use super::rules::Rules;
use super::source::{self, Links, Refusal, Source};
use super::tree::Tree;
use crate::clock::Clock;
use crate::domain::{FileEvent, GroupSpec, WatchBackend, WatchChoice, WatchReport, WatchStatus, visible_path};
use compare::Comparing;
use git_work::Repositories;
use poll::Polling;

/// All that the thread knows.
pub(super) struct WatchLoop {
    rules: Rules,
    /// Folders of devgroup itself.
    own: Vec<PathBuf>,
    own_files: OwnFiles,
    environment_files: EnvironmentFiles,
    /// Those files of both sorts of which the tree has found changes.
    seen_in_tree: Vec<PathBuf>,
    clock: Clock,
    pending: Arc<Pending>,
    outbox: Arc<Outbox>,
    source: Source,
    tree: Tree,
    /// Where walks begin; each is in the tree, or in `lost`.
    starts: Vec<PathBuf>,
    /// Starts that are not there.
    lost: Vec<PathBuf>,
    /// File system and inode of the starts that are.
    identities: HashMap<PathBuf, (u64, u64)>,
    /// Where something is mounted, with the number of the mount.
    mount_points: BTreeSet<(PathBuf, String)>,
    polling: Polling,
    /// Between two polls, as `poll_interval` says.
    poll_interval: Option<Duration>,
    /// Folders that are watched for something else than the files in them: the group's files, rules, the head of git.
    beside: HashSet<PathBuf>,
    repository: Option<Repository>,
    repositories: Repositories,
    git_head: Option<Arc<str>>,
    /// Why it is not known, as it was said last.
    head_problem: Option<String>,
    /// Folders whose files have no stamp yet.
    unstamped: Vec<PathBuf>,
    /// While the stamps are those of the first walk: since when whatever changed was seen by nobody.
    unseen_since: Option<SystemTime>,
    comparing: Comparing,
    baselines: Baselines,
    explainer: Explainer,
    /// What this batch has found.
    events: Vec<FileEvent>,
    /// The status that was sent last.
    sent: Option<WatchStatus>,
}

/// What a batch means besides changed files.
#[derive(Default)]
struct SideNotes {
    /// Folders whose rule files changed.
    rules: HashSet<PathBuf>,
    /// Tops of repositories whose index changed.
    index: HashSet<PathBuf>,
    /// What happened to the group's own files.
    own_files: OwnNews,
    /// What happened to files of `env_file`.
    environment: EnvironmentNews,
    /// The head may have moved.
    git: bool,
    /// What was said about the inside of repositories.
    repositories: git_work::Said,
}

impl WatchLoop {
    pub(super) fn new(
        spec: Arc<GroupSpec>,
        clock: Clock,
        mut own: Vec<PathBuf>,
        pending: Arc<Pending>,
        cookies: Arc<Cookies>,
        outbox: Arc<Outbox>,
    ) -> Self {
        own.push(cookies.own().to_path_buf());
        let rules = Rules::new(&spec, &own);
        let mut environment_files = EnvironmentFiles::default();
        environment_files.follow_those_of(&spec, clock.file_time(clock.now()));
        Self {
            environment_files,
            seen_in_tree: Vec::new(),
            own_files: OwnFiles::new(&spec),
            rules,
            own,
            clock,
            source: Source::new(spec.watch.backend, Arc::clone(&pending), clock, cookies),
            pending,
            outbox,
            tree: Tree::new(),
            explainer: Explainer::default(),
            starts: Vec::new(),
            lost: Vec::new(),
            identities: HashMap::new(),
            mount_points: BTreeSet::new(),
            polling: Polling::new(),
            poll_interval: spec.watch.poll_interval,
            beside: HashSet::new(),
            repository: None,
            repositories: Repositories::default(),
            git_head: None,
            head_problem: None,
            unstamped: Vec::new(),
            unseen_since: None,
            comparing: Comparing::default(),
            baselines: Baselines::default(),
            events: Vec::new(),
            sent: None,
        }
    }

    /// What has changed since then, and before the first walk came by, is to be reported.
    pub(super) fn missed_since(&mut self, since: SystemTime) {
        self.unseen_since = Some(since);
    }

    /// Works until it is asked to stop.
    pub(super) fn run(mut self) {
        self.replan(Reports::Nothing);
        self.listen_where_unreadable();
        self.take_in_unseen_environment();
        self.report();
        self.mount_points = source::mount_points();
        loop {
            while self.pending.is_empty() && self.stamp_a_folder() {}
            self.take_in_seen();
            self.report();
            let background = self.work_in_background();
            self.report();
            let mut batch = self.pending.wait([self.patience(), background].into_iter().flatten().min());
            if batch.stop {
                return;
            }
            let requests = std::mem::take(&mut batch.requests);
            self.take_in(batch);
            for request in requests {
                self.take_up(request);
            }
            self.poll_if_due();
            self.report();
        }
    }

    /// Makes sure that everything that has happened until now is known and looked at: a file is made that is watched as the
    /// tree is, and all that comes before its event is taken in. Requests that arrive meanwhile stay for later.
    ///
    /// False: the event has not come back in time, so the stream of events is not to be trusted.
    pub(super) fn sync(&mut self, patience: Duration) -> bool {
        if self.source.polls() {
            self.poll();
            return true;
        }
        let answered = self.sync_by_cookie(patience);
        if !answered && self.source.choice() == WatchChoice::Auto && !self.pending.stopped() {
            self.go_over(Some(Refusal::Silent));
            self.poll();
        }
        answered
    }

    fn sync_by_cookie(&mut self, patience: Duration) -> bool {
        let Some(cookie) = self.source.cookie() else {
            // Nowhere to make one: looking everywhere does the same.
            self.take_in(Batch { sweep: true, ..Batch::default() });
            return true;
        };
        let (batch, complete) = self.pending.wait_for_cookie(cookie, patience);
        self.take_in(batch);
        complete
    }

    fn take_in(&mut self, batch: Batch) {
        let mut side_notes = SideNotes::default();
        let path_events: Vec<_> =
            batch.path_events.into_iter().filter(|event| self.is_for_the_tree(event, &mut side_notes)).collect();
        let now = self.clock.now();
        // Before the files: it says what their changes mean.
        if batch.sweep {
            self.look_at_repositories(now, &mut side_notes.repositories);
        }
        self.tell_git_work(std::mem::take(&mut side_notes.repositories), batch.sweep || self.source.polls());
        self.repositories.up_to(now);
        // Rules before files: what was saved together with a rule is judged by it.
        if self.take_in_rules(batch.spec.as_deref(), &side_notes) {
            self.replan(Reports::Nothing);
            self.forget_unwatched();
            self.listen_where_unreadable();
        }
        if batch.places {
            self.look_at_places(self.clock.now());
            if self.own_files.waits_for_permissions() {
                side_notes.own_files = OwnNews::of_sweep();
            }
        }
        self.explainer.explain(&self.rules, batch.questions);
        if batch.sweep {
            self.sweep(now);
            side_notes.own_files = OwnNews::of_sweep();
            self.environment_files.note_all(now, &mut side_notes.environment);
            side_notes.git = true;
        }
        for PathEvent { path, flags, at, .. } in path_events {
            self.look_at_path(&path, Reason::Event(flags), at);
        }
        self.look_for_lost_roots();
        self.take_in_own_files(side_notes.own_files);
        self.take_in_environment_files(side_notes.environment);
        self.take_in_seen();
        if side_notes.git {
            self.watch_beside();
            if self.repository.is_none() && self.rules.load_root() {
                // It became one before its folder was watched.
                self.replan(Reports::Nothing);
            }
            self.read_head();
        }
        if self.source.lacks_watches() {
            self.go_over_if_need_be();
        }
    }

    /// Takes in what a new `spec` and changed rule files say. Whether the plan of what is watched has to be made anew.
    fn take_in_rules(&mut self, spec: Option<&GroupSpec>, side_notes: &SideNotes) -> bool {
        if let Some(spec) = spec {
            let rules = Rules::new(spec, &self.own);
            let before = std::mem::replace(&mut self.rules, rules);
            self.rules.load_from(before);
            if !self.own_files.is_of(spec) {
                self.own_files = OwnFiles::new(spec);
            }
            self.environment_files.follow_those_of(spec, self.clock.file_time(self.clock.now()));
            self.choose(spec);
        }
        let mut has_new_rules = spec.is_some();
        for folder in &side_notes.rules {
            has_new_rules |= self.rules.load(folder);
        }
        for top in &side_notes.index {
            has_new_rules |= self.rules.load_index(top);
        }
        has_new_rules
    }

    /// Looks whether roots that were moved away are back.
    fn look_for_lost_roots(&mut self) {
        if !self.lost.is_empty() {
            // Where it will come back may be nearer now; and it may have come back before that was watched.
            self.watch_beside();
            let back: Vec<_> = self.lost.iter().filter(|start| start.exists()).collect();
            if back.iter().any(|start| self.tree.contains_key(*start)) {
                self.sweep(self.clock.now());
            } else if !back.is_empty() {
                self.replan(Reports::Created);
            }
        }
    }

    /// The file says where events come from.
    fn choose(&mut self, spec: &GroupSpec) {
        self.poll_interval = spec.watch.poll_interval;
        self.source.choose(spec.watch.backend);
        // To read the file again is to ask for another try.
        if self.source.wants_other_events() {
            self.return_to_events();
        }
    }

    /// Whether what was noted is about a file of the tree; what else it means is put down in `side_notes`.
    fn is_for_the_tree(&mut self, path_events: &PathEvent, side_notes: &mut SideNotes) -> bool {
        let PathEvent { path, flags, .. } = path_events;
        if flags.removed || flags.moved_out {
            self.source.forget(path);
        }
        self.own_files.note(path, *flags, &mut side_notes.own_files);
        self.environment_files.note(path, *flags, path_events.at, &mut side_notes.environment);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let ruled = self.rules.ruled_by(path).iter().cloned();
        if name == "index" {
            side_notes.index.extend(ruled);
        } else {
            side_notes.rules.extend(ruled);
        }
        if self.repositories.notes(path_events, &mut side_notes.repositories) {
            side_notes.git = true;
            return false;
        }
        if name == ".gitignore" || name == ".ignore" || name == ".git" {
            side_notes.rules.insert(folder.to_path_buf());
            side_notes.git |= name == ".git";
        } else if name == "HEAD" && folder.ends_with(".git") {
            // The last step of `git init`.
            side_notes.rules.extend(folder.parent().map(Path::to_path_buf));
            return false;
        }
        true
    }

    /// Watches what is needed besides the tree, and no more what is not needed any more.
    fn watch_beside(&mut self) {
        let followed = self.own_files.folders().chain(self.environment_files.folders());
        let mut beside: HashSet<PathBuf> = followed.map(Path::to_path_buf).collect();
        if !self.starts.is_empty() {
            self.repository = self.rules.repository().cloned();
            self.find_repositories();
            beside.extend(self.repositories.folders());
            if self.repository.is_none() {
                // Perhaps one in the making.
                beside.insert(self.rules.root().join(".git"));
            }
            beside.extend(self.rules.folders_of_rules().map(Path::to_path_buf));
            for start in &self.starts {
                beside.extend(self.rules.rule_folders_above(start).map(Path::to_path_buf));
            }
            for start in &self.lost {
                beside.extend(start.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_path_buf));
            }
        }
        beside.retain(|folder| folder.is_dir());
        let before = std::mem::replace(&mut self.beside, beside);
        let gone: Vec<_> =
            before.into_iter().filter(|old| !self.beside.contains(old) && !self.tree.contains_key(old)).collect();
        self.source.unwatch(gone);
        self.source.watch(self.beside.iter().map(PathBuf::as_path), Links::Follow);
        self.source.watch_above(&self.starts);
        self.note_beside();
    }

    fn read_head(&mut self) {
        let head = self.repository.as_ref().map_or(Ok(None), Repository::head);
        let problem = head.as_ref().err().cloned();
        if let Some(problem) = problem.as_ref().filter(|problem| self.head_problem.as_ref() != Some(problem)) {
            log::warn!("{problem}");
        }
        self.head_problem = problem;
        self.git_head = head.ok().flatten().map(Arc::from);
    }

    fn report_files(&mut self) {
        if !self.events.is_empty() {
            self.outbox.push(WatchReport::Files(std::mem::take(&mut self.events)));
        }
    }

    /// Hands over what was found, and the status if it has changed.
    fn report(&mut self) {
        self.report_files();
        let lost = self.lost.first().map(|lost| match self.tree.contains_key(lost) {
            true => format!("{} is gone: nothing restarts until it is back", visible_path(lost)),
            false => format!("not watched: {}: not found", visible_path(lost)),
        });
        let problem = self.source.problem(|folder| self.rules.shown(folder));
        let status = WatchStatus {
            backend: if self.starts.is_empty() { WatchBackend::Off } else { self.source.backend() },
            directories: if self.source.polls() { self.tree.len() } else { self.source.count() },
            ready: true,
            git_head: self.git_head.clone(),
            problem: lost.or(problem).map(Arc::from),
        };
        if self.sent.as_ref() != Some(&status) {
            // The dashboard says it; where there is none, devgroup's own log goes to stderr.
            let said = self.sent.as_ref().and_then(|sent| sent.problem.as_ref());
            if let Some(problem) = status.problem.as_ref().filter(|problem| said != Some(*problem)) {
                log::warn!("{problem}");
            }
            self.outbox.push(WatchReport::Status(status.clone()));
            self.sent = Some(status);
        }
    }
}

/// What a walk reports of the files that it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reports {
    /// They were there before, or nobody was interested: no change.
    Nothing,
    /// They are new.
    Created,
}

#[cfg(test)]
mod tests;
