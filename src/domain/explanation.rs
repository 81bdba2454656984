//! Why a file does or does not restart a service: the verdict on a path, and every source that was asked, in order.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{GroupSnapshot, Rule, RuleSource, ServiceName, path_text, visible, without_secrets};

/// The answer to "why": of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Relative to the root of the group; absolute if outside. Bytes that are no UTF-8 are escapes (`\xff`).
    pub path: Arc<str>,
    /// What a change of it means.
    pub verdict: PathVerdict,
    /// Who would act; of a folder, who would for some file in it.
    pub services: Vec<ServiceName>,
    /// What a change does to them, in words: `restarts api`; empty if nothing.
    pub effect: String,
    /// The rule that decided; none if no service asks for the path.
    pub rule: Option<Rule>,
    /// The group's file, as rules name it.
    pub file: Arc<str>,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
    /// The sources in the order in which they are asked.
    pub chain: Vec<WhyStep>,
}

/// Why there can be no file of this path, if there cannot: no system call takes it (`PATH_MAX`, `NAME_MAX`). Nobody is to
/// spend time on it.
pub fn is_too_long(path: &Path) -> Option<&'static str> {
    const PATH: usize = 4096;
    const NAME: usize = 255;
    // The NUL at its end counts.
    if path.as_os_str().len() >= PATH {
        return Some("a path can have at most 4095 bytes");
    }
    let is_long = |name: std::path::Component<'_>| name.as_os_str().len() > NAME;
    path.components().any(is_long).then_some("a name in a path can have at most 255 bytes")
}

impl Explanation {
    /// With what the services do now, which the rules do not know: one that is stopped stays so.
    pub fn of_the_group_now(mut self, group: &GroupSnapshot) -> Self {
        let is_stopped = |name: &ServiceName| group.service(name).is_some_and(|service| !service.wanted);
        let (stopped, act): (Vec<_>, Vec<_>) = self.services.into_iter().partition(is_stopped);
        self.services = act;
        let names = stopped.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
        let are = if stopped.len() == 1 { "is" } else { "are" };
        if stopped.is_empty() {
        } else if self.services.is_empty() {
            self.effect = format!("does nothing now: {names} {are} stopped");
        } else {
            self.notes.push(format!("{names} {are} stopped: a change does not start a stopped service"));
        }
        self
    }
}

/// What a change of a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathVerdict {
    /// A change of the path restarts a service, or runs its `on_change`.
    Watched,
    /// A rule takes it out.
    Ignored,
    /// No service asks for it.
    NoMatch,
    /// It is not below the group's root, nor where any service watches.
    Outside,
}

impl fmt::Display for PathVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Watched => "watched",
            Self::Ignored => "ignored",
            Self::NoMatch => "no match",
            Self::Outside => "outside",
        })
    }
}

/// One source that was asked, or would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyStep {
    /// Its name: `services.api.watch`, `watch.ignore`, `.gitignore`, `built-in`; or `tracked & ignored`, for what git tracks
    /// although a pattern ignores it.
    pub source: Arc<str>,
    /// What came of it.
    pub outcome: StepOutcome,
    /// The rule that matched; of a `watch` that did not match, what it asks for.
    pub rule: Option<Rule>,
    /// What it was about, if not the path itself: a folder above it, with a slash at the end. Of a `watch` that did not match,
    /// what it asks for.
    pub about: Option<Arc<str>>,
}

/// What came of asking a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It matched: the path counts.
    Watches,
    /// It matched: the path does not count.
    Ignores,
    /// It matched and would let the path in, but a folder above is ignored, and it names no folder.
    Powerless,
    /// It has no rule for the path.
    NoMatch,
    /// An earlier source has decided.
    NotReached,
}

impl StepOutcome {
    /// In fewer letters, where there is little room.
    pub fn short(self) -> &'static str {
        match self {
            Self::Watches => "watched",
            Self::Ignores => "ignored",
            Self::Powerless => "too late",
            Self::NoMatch => "no match",
            Self::NotReached => "not reached",
        }
    }
}

impl fmt::Display for StepOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Watches => "matched: watched",
            Self::Ignores => "matched: ignored",
            Self::Powerless => "too late",
            Self::NoMatch => "did not match",
            Self::NotReached => "not reached",
        })
    }
}

impl Explanation {
    /// The notes for people, each on one line.
    pub fn note_lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.notes.iter().map(|note| visible(note))
    }

    /// The verdict and what a change does, in words: `watched · restarts api`.
    pub fn summary(&self, dot: &str) -> String {
        match self.effect.as_str() {
            "" => format!("{} {dot} a change restarts nothing", self.verdict),
            effect => format!("{} {dot} a change {}", self.verdict, visible(&without_secrets(effect))),
        }
    }

    /// A rule and its place: `.gitignore:1  /target`.
    pub fn place_of(&self, rule: &Rule) -> String {
        let (file, pattern) = (self.file_of(rule), visible(&rule.pattern));
        let file = visible(&file);
        match (rule.line, &rule.source) {
            (_, RuleSource::BuiltIn(sort)) => format!("built-in  {pattern}  ({sort})"),
            (Some(line), _) => format!("{file}:{line}  {pattern}"),
            (None, _) => format!("{file}  {pattern}"),
        }
    }

    /// The file that a rule stands in; `built-in` if in none.
    pub fn file_of(&self, rule: &Rule) -> String {
        match &rule.source {
            RuleSource::BuiltIn(_) => String::from("built-in"),
            RuleSource::IgnoreFile(file) => path_text(file).into_owned(),
            RuleSource::EnvFile(_) => rule.file.as_ref().unwrap_or(&self.file).to_string(),
            // A default stands in no file.
            _ if rule.line.is_none() => String::from("built-in"),
            RuleSource::ServiceWatch(_)
            | RuleSource::ServiceIgnore(_)
            | RuleSource::GroupIgnore
            | RuleSource::GroupAlso => rule.file.as_ref().unwrap_or(&self.file).to_string(),
        }
    }

    /// The chain for people, a row for each source: its name, what came of it, and the rule with its place.
    pub fn rows(&self) -> impl Iterator<Item = [String; 3]> + '_ {
        self.chain.iter().map(|step| {
            let mut why = step.rule.as_ref().map(|rule| self.place_of(rule)).unwrap_or_default();
            if let Some(about) = &step.about {
                let gap = if why.is_empty() { "" } else { "  " };
                why = format!("{why}{gap}({})", visible(about));
            }
            [visible(&step.source).into_owned(), step.outcome.to_string(), why]
        })
    }
}
