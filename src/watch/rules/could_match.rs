//! Whether a pattern could match something below a folder: what decides which folders cost a watch.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::watch_list::LazyGlob;

/// A pattern, folder by folder.
#[derive(Clone, Debug)]
pub(super) struct CouldMatch {
    parts: Vec<Part>,
    /// The last part was added by `with_all_below`.
    all_below: bool,
}

#[derive(Clone, Debug)]
enum Part {
    /// This name.
    Name(String),
    /// One folder or file.
    One(Arc<LazyGlob>),
    /// Any depth.
    Any,
}

impl CouldMatch {
    /// Splits a pattern that is relative to some base.
    pub(super) fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
            if part == "**" || part.matches('{').count() != part.matches('}').count() {
                // Alternatives with a slash in them: nothing is certain from here on.
                parts.push(Part::Any);
                break;
            }
            if !part.is_empty() {
                parts.push(Part::new(part));
            }
            rest = after;
        }
        Self { parts, all_below: false }
    }

    /// The same, and everything below what it matches.
    pub(super) fn with_all_below(mut self) -> Self {
        self.parts.push(Part::Any);
        self.all_below = true;
        self
    }

    /// Whether something below this folder, relative to the base, could match.
    pub(super) fn may_hold(&self, folder: &Path) -> bool {
        let mut parts = self.parts.iter();
        for component in folder.components() {
            let Component::Normal(name) = component else { return false };
            match parts.next() {
                None => return false,
                Some(Part::Any) => return true,
                Some(Part::Name(part)) if name == part.as_str() => {}
                Some(Part::One(part)) if part.is_match(name) => {}
                Some(Part::Name(_) | Part::One(_)) => return false,
            }
        }
        parts.next().is_some()
    }

    /// The one path that it stands for, if it has no wildcards. What is below it does not count.
    pub(super) fn literal(&self) -> Option<PathBuf> {
        let parts = match self.parts.as_slice() {
            [parts @ .., Part::Any] if !parts.is_empty() && self.all_below => parts,
            parts => parts,
        };
        let names = parts.iter().map(|part| match part {
            Part::Name(name) => Some(name),
            Part::One(_) | Part::Any => None,
        });
        names.collect()
    }

    /// The folder that everything it matches lies in, as far as the pattern says, relative to the base.
    pub(super) fn literal_folder(&self) -> PathBuf {
        let names = self.parts.iter().map_while(|part| match part {
            Part::Name(name) => Some(name),
            Part::One(_) | Part::Any => None,
        });
        // The last part may be a file.
        let folders = self.parts.len().saturating_sub(1);
        names.take(folders).collect()
    }
}

impl Part {
    fn new(part: &str) -> Self {
        if !has_wildcard(part) {
            return Self::Name(part.to_owned());
        }
        LazyGlob::new(part).map_or(Self::Any, |glob| Self::One(Arc::new(glob)))
    }
}

/// Whether a pattern is more than a name.
pub(super) fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_hold(pattern: &str, folder: &str) -> bool {
        CouldMatch::new(pattern).may_hold(Path::new(folder))
    }

    #[test]
    fn only_folders_on_the_way_are_reached() {
        for folder in ["", "crates", "crates/api", "crates/api/src/deep"] {
            assert!(may_hold("crates/{api,core}/**", folder), "{folder}");
        }
        for folder in ["docs", "crates/web", "api"] {
            assert!(!may_hold("crates/{api,core}/**", folder), "{folder}");
        }
        assert!(may_hold("Cargo.toml", "") && !may_hold("Cargo.toml", "crates"));
        assert!(may_hold("**/*.rs", "any/where"));
        assert!(may_hold("{a/b,c}/x", "a") && may_hold("{a/b,c}/x", "q"), "nothing is certain");
        assert!(!may_hold("src", "src") && CouldMatch::new("src").with_all_below().may_hold(Path::new("src/a")));
    }

    #[test]
    fn the_literal_folder_is_where_a_walk_can_begin() {
        assert_eq!(CouldMatch::new("crates/api/**").literal_folder(), Path::new("crates/api"));
        assert_eq!(CouldMatch::new("a/b.txt").literal_folder(), Path::new("a"));
        assert_eq!(CouldMatch::new("*.rs").literal_folder(), Path::new(""));
    }
}
