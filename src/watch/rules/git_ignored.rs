//! Whether git ignores a file: for advice about files that are to stay out of a repository.

use std::path::Path;

use super::folder_state::RuleState;
use super::{Rules, normal};
use crate::domain::{GroupSpec, RuleSource, WatchSpec};

/// Whether git ignores a file in the folder of a group, and does not track it. `None` outside of a repository.
pub fn is_git_ignored(spec: &GroupSpec, file: &Path) -> Option<bool> {
    let watch = WatchSpec { ignore: Vec::new(), also: Vec::new(), gitignore: true, ..WatchSpec::default() };
    let bare = GroupSpec { services: Vec::new(), watch, ..spec.clone() };
    let mut rules = Rules::new(&bare, &[]);
    let file = normal(file);
    rules.load_towards(&file);
    let folder = file.parent()?;
    let rest = folder.strip_prefix(rules.root()).ok()?;
    let above = rules.walk(rules.root().to_owned(), rest, true, &mut ());
    let state = rules.enter(above, folder);
    let files = rules.git_files(&state).filter(|files| files.repository().is_some())?;
    let is_gits = |source: &RuleSource| matches!(source, RuleSource::IgnoreFile(path) if !path.ends_with(".ignore"));
    let is_below_ignored = matches!(&state.common, RuleState::Ignored { rule, .. } if is_gits(&rule.source));
    let is_hit = files.git_hit(&file, false).is_some_and(|hit| !hit.lets_in);
    Some((is_below_ignored || is_hit) && !files.tracks(&file, false))
}
