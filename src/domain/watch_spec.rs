//! What the user asked to watch: `watch` and `on_change` of a service, and `[watch]` of the group.

use std::sync::Arc;
use std::time::Duration;

use super::{Signal, visible};

/// `watch` of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WatchFiles {
    /// No file restarts it.
    #[default]
    Off,
    /// `watch = true`: all below `dir` that git does not ignore. The line of the key, 1-based.
    All {
        /// Where the file says so.
        line: u32,
        /// As in [`SpecPattern::file`].
        file: Option<Arc<str>>,
    },
    /// Globs relative to the service's `root` (`**`, `{a,b}`); `!` takes out; the last that matches decides.
    Globs(Vec<SpecPattern>),
}

impl WatchFiles {
    /// The patterns for people, in about so many characters: `src/**/*.rs, Cargo.toml`, `src/** and 3 more`. Nothing if there
    /// are none.
    pub fn patterns(&self, room: usize) -> Option<String> {
        let Self::Globs(globs) = self else { return None };
        some_patterns(globs.iter().map(|glob| glob.text.as_str()), room)
    }
}

/// As in [`WatchFiles::patterns`]. Those that take files out are left out.
pub fn some_patterns<'a>(patterns: impl Iterator<Item = &'a str>, room: usize) -> Option<String> {
    let patterns: Vec<&str> = patterns.filter(|pattern| !pattern.starts_with('!')).collect();
    let (first, _) = patterns.split_first()?;
    let mut text = visible(first).into_owned();
    for (place, pattern) in patterns.iter().enumerate().skip(1) {
        let next = format!("{text}, {}", visible(pattern));
        if next.chars().count() > room {
            return Some(format!("{text} and {} more", patterns.len() - place));
        }
        text = next;
    }
    Some(text)
}

/// A pattern and where it stands, so that every decision can name its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecPattern {
    /// The pattern, as the file writes it.
    pub text: String,
    /// Line in its file, 1-based.
    pub line: u32,
    /// The file that it stands in, relative to the root of the group; `None` if that is the group's own.
    pub file: Option<Arc<str>>,
}

/// `on_change`: what a change does to a running service. One that does not run is started by it in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnChange {
    /// Stop it and start it again.
    #[default]
    Restart,
    /// Send it this signal.
    Signal(Signal),
    /// Run this beside it; shell text.
    Run(String),
    /// Write a line into its log, and do nothing else.
    Mark,
}

/// `[watch]`: for the whole group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSpec {
    /// Gitignore syntax; `!` lets in again, even over `.gitignore`.
    pub ignore: Vec<SpecPattern>,
    /// Watched although git ignores them. Default [`Self::ALSO`].
    pub also: Vec<SpecPattern>,
    /// The longest that a small change waits for quiet.
    pub max_wait: Duration,
    /// Honour `.gitignore`, `.git/info/exclude`, `core.excludesFile` and `.ignore`.
    pub gitignore: bool,
    /// Where file events come from.
    pub backend: WatchChoice,
    /// How long to wait between two looks, when polling. `None`: one second after activity, up to five when quiet.
    pub poll_interval: Option<Duration>,
    /// Hold while git changes the tree.
    pub git_hold: bool,
}

/// `backend`: where file events come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchChoice {
    /// The operating system; looking, where that cannot or does not tell of all changes.
    #[default]
    Auto,
    /// The operating system, whatever it misses, by the best that there is for it: our own inotify on Linux, the `notify`
    /// crate elsewhere.
    Native,
    /// The operating system, whatever it misses, by the `notify` crate.
    Notify,
    /// Looking at all that is watched, now and then.
    Poll,
}

impl WatchChoice {
    /// Whether it wants events of the operating system even where they are known to be too few.
    #[must_use]
    pub fn insists_on_events(self) -> bool {
        matches!(self, Self::Native | Self::Notify)
    }
}

impl WatchSpec {
    /// The quiet time after one finished save, where neither the group nor the service says otherwise.
    pub const DEBOUNCE: Duration = Duration::from_millis(5);

    /// What `also` says where the file does not. This pattern means files only.
    pub const ALSO: &str = ".env*";
}

impl Default for WatchSpec {
    fn default() -> Self {
        Self {
            ignore: Vec::new(),
            also: vec![SpecPattern { text: Self::ALSO.into(), line: 0, file: None }],
            max_wait: Duration::from_secs(2),
            gitignore: true,
            backend: WatchChoice::Auto,
            poll_interval: None,
            git_hold: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_told_as_far_as_there_is_room() {
        let told = |patterns: &[&str], room| some_patterns(patterns.iter().copied(), room);
        assert_eq!(told(&["src/**/*.rs", "!src/gen/**", "Cargo.toml"], 60).as_deref(), Some("src/**/*.rs, Cargo.toml"));
        assert_eq!(told(&["src/**", "web/**", "lib/**", "etc/**"], 16).as_deref(), Some("src/**, web/** and 2 more"));
        assert_eq!(told(&[&"x".repeat(90), "y"], 60), Some(format!("{} and 1 more", "x".repeat(90))));
        assert_eq!(told(&["!a"], 60), None);
        assert_eq!((WatchFiles::Off.patterns(60), WatchFiles::All { line: 1, file: None }.patterns(60)), (None, None));
    }
}
