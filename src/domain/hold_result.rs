//! What came of all that was held, as data and in one line.

use std::fmt;
use std::sync::Arc;

use super::{ServiceName, count};

/// Characters of the names of services in one line.
const NAMES: usize = 60;

/// What became of the changes that a hold kept, when it was the last that kept them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldResult {
    /// What git says that it has done, if it was git that held; may be empty.
    pub git: Option<Arc<str>>,
    /// Different paths that were held.
    pub changes: usize,
    /// Different paths that differ from what runs.
    pub matter: usize,
    /// Those that act on them now, in the order of starts.
    pub acted: Vec<ServiceName>,
    /// Those whose changes wait, because they came soon after a start.
    pub wait: Vec<ServiceName>,
    /// All of them are restarted, as far as can be known.
    pub says_restarted: bool,
}

impl HoldResult {
    /// It is about this service.
    pub fn names(&self, service: &ServiceName) -> bool {
        self.acted.iter().chain(&self.wait).any(|name| name == service)
    }

    /// Its line says of services that they were restarted.
    pub fn promises_restarts(&self) -> bool {
        self.says_restarted && !self.acted.is_empty()
    }

    /// `api, web restarted, worker waits`.
    fn who(&self) -> String {
        let did = if self.promises_restarts() { " restarted" } else { "" };
        let now = (!self.acted.is_empty()).then(|| format!("{}{did}", some_of(&self.acted, NAMES)));
        now.into_iter().chain(self.who_waits()).collect::<Vec<_>>().join(", ")
    }

    /// `worker waits`.
    fn who_waits(&self) -> Option<String> {
        let verb = if self.wait.len() == 1 { "waits" } else { "wait" };
        (!self.wait.is_empty()).then(|| format!("{} {verb}", some_of(&self.wait, NAMES)))
    }

    /// The files that differ: `9 of 312 changed files`, `1 changed file` where that is all.
    fn files(&self) -> String {
        // More may differ than was held: what did not pass before is tried again with it.
        match self.matter >= self.changes {
            true => count(self.matter, "changed file"),
            false => format!("{} of {}", self.matter, count(self.changes, "changed file")),
        }
    }
}

impl fmt::Display for HoldResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, who) = (count(self.changes, "change"), self.who());
        match &self.git {
            Some(label) => {
                let label = if label.is_empty() { String::new() } else { format!(" {label}") };
                write!(f, "git{label} · {all}")?;
                match () {
                    () if !who.is_empty() => write!(f, " · {who}"),
                    () if self.matter == 0 => f.write_str(" cancelled out · no restart"),
                    () => f.write_str(" · no restart"),
                }
            }
            None if self.matter == 0 => write!(f, "{} cancelled out · no restart", count(self.changes, "held change")),
            None if who.is_empty() => {
                let them = if self.matter == 1 { "it" } else { "them" };
                write!(f, "{} · no running service uses {them}", self.files())
            }
            None => write!(f, "{who} · {}", self.files()),
        }
    }
}

/// As many of these as there is room for in so many characters, and how many more there are: `api, worker and 7 more`.
pub fn some_of(names: &[ServiceName], room: usize) -> String {
    let mut used = 0;
    let fitting = names.iter().take_while(|name| {
        used += name.as_str().chars().count() + 2;
        used <= room + 2
    });
    let count = fitting.count().max(1);
    let list = |names: &[ServiceName]| names.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
    match names.split_at_checked(count) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", list(first), rest.len()),
        _ => list(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<ServiceName> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn names_are_left_out_only_where_there_is_no_room() {
        assert_eq!(some_of(&names(&["api", "web", "db", "css", "worker"]), NAMES), "api, web, db, css, worker");
        let many = some_of(&names(&["service"; 10]), NAMES);
        assert_eq!(many, "service, service, service, service, service, service and 4 more");
        assert_eq!(some_of(&names(&[&"x".repeat(100), "web"]), NAMES), format!("{} and 1 more", "x".repeat(100)));
    }

    #[test]
    fn what_git_says_is_quoted_and_not_read() {
        let label = "commit: was restarted";
        let (acted, wait) = (names(&["api", "web"]), names(&["worker"]));
        let result = HoldResult { git: Some(label.into()), changes: 3, matter: 2, acted, wait, says_restarted: true };
        assert_eq!(result.to_string(), "git commit: was restarted · 3 changes · api, web restarted, worker waits");
        let corrected = HoldResult { says_restarted: false, ..result.clone() };
        assert_eq!(corrected.to_string(), "git commit: was restarted · 3 changes · api, web, worker waits");
        let only_waits = HoldResult { acted: Vec::new(), ..result };
        assert_eq!(only_waits.to_string(), "git commit: was restarted · 3 changes · worker waits");
        assert!(!only_waits.promises_restarts(), "there is nothing to correct");
    }

    #[test]
    fn the_files_that_have_restarted_services_are_counted_against_all_that_have_changed() {
        let result = |acted: &[&str], wait: &[&str], says_restarted| HoldResult {
            git: None,
            changes: 3,
            matter: 2,
            acted: names(acted),
            wait: names(wait),
            says_restarted,
        };
        let all = result(&["web", "api", "worker"], &[], true);
        assert_eq!(all.to_string(), "web, api, worker restarted · 2 of 3 changed files");
        let one = HoldResult { changes: 1, matter: 1, ..all.clone() };
        assert_eq!(one.to_string(), "web, api, worker restarted · 1 changed file");
        let more = HoldResult { matter: 4, ..all };
        assert_eq!(more.to_string(), "web, api, worker restarted · 4 changed files");
        let waits = result(&["web"], &["api"], true);
        assert_eq!(waits.to_string(), "web restarted, api waits · 2 of 3 changed files");
        assert_eq!(result(&["web"], &["api"], false).to_string(), "web, api waits · 2 of 3 changed files");
        assert_eq!(result(&[], &["api"], true).to_string(), "api waits · 2 of 3 changed files");
        assert_eq!(result(&[], &[], true).to_string(), "2 of 3 changed files · no running service uses them");
    }
}
