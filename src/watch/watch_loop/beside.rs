//! The files that are followed beside the tree: those that the group is read from, and those of `env_file`.

use super::WatchLoop;
use crate::domain::{FileEvent, Match, WatchReport};
use crate::watch::environment_files::{EnvironmentChange, EnvironmentNews};
use crate::watch::own_files::OwnNews;
use crate::watch::pending::EventFlags;

impl WatchLoop {
    /// Tells of changed files of the group.
    pub(super) fn take_in_own_files(&mut self, mut news: OwnNews) {
        if news.is_empty() {
            return;
        }
        // Watched before they are looked at: a link may lead to another folder now, and a new folder may hold another file.
        while self.own_files.follow(&mut news) {
            self.watch_beside();
        }
        // Before it is told: whoever finds that a file cannot be read may at once be given it to read.
        self.listen_where_unreadable();
        if self.own_files.were_written(&news) {
            self.outbox.push(WatchReport::ConfigWritten(self.clock.now()));
        }
    }

    /// Listens for permissions where a file of the group cannot be read, also if it was so before the first look at it.
    pub(super) fn listen_where_unreadable(&mut self) {
        for place in self.own_files.unreadable_places() {
            self.source.listen_for_permissions(&place);
        }
    }

    /// Tells of changed files of `env_file`.
    pub(super) fn take_in_environment_files(&mut self, news: EnvironmentNews) {
        if news.is_empty() {
            return;
        }
        while self.environment_files.follow_links(&news) {
            self.watch_beside();
        }
        let now = self.clock.file_time(self.clock.now());
        let changes = self.environment_files.changed(&news, now);
        self.report_environment(changes);
    }

    /// Looks at all of them, where no event tells of them.
    pub(super) fn look_at_files_beside(&mut self) {
        let mut environment = EnvironmentNews::default();
        self.environment_files.note_all(self.clock.now(), &mut environment);
        self.take_in_own_files(OwnNews::of_sweep());
        self.take_in_environment_files(environment);
    }

    /// The tree has found changes of such files by itself, where no event has told of them.
    pub(super) fn take_in_seen(&mut self) {
        if self.seen_in_tree.is_empty() {
            return;
        }
        let (mut own, mut environment) = (OwnNews::default(), EnvironmentNews::default());
        let (at, flags) = (self.clock.now(), EventFlags { closed: true, ..EventFlags::default() });
        for path in std::mem::take(&mut self.seen_in_tree) {
            self.own_files.note(&path, flags, &mut own);
            self.environment_files.note(&path, flags, at, &mut environment);
        }
        // A folder of theirs may be new.
        self.watch_beside();
        self.take_in_own_files(own);
        self.take_in_environment_files(environment);
    }

    /// Services may have started before the files were first looked at: what was written since is a change.
    pub(super) fn take_in_unseen_environment(&mut self) {
        if let Some(since) = self.unseen_since {
            let changes = self.environment_files.written_since(since, self.clock.now());
            self.report_environment(changes);
        }
    }

    fn report_environment(&mut self, changes: Vec<EnvironmentChange>) {
        for EnvironmentChange { path, kind, was, at } in changes {
            let Some(matched) = self.rules.decide_environment(&path) else { continue };
            let shown = self.rules.shown(&path);
            if let Match::Watched { services, .. } = &matched {
                self.baselines.note_change(services, &path, &shown, was, at, true);
            }
            self.events.push(FileEvent { at, path: shown, kind, finished: true, matched });
        }
    }
}
