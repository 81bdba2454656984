//! Where logs are saved that the user asks to be saved.

use std::path::PathBuf;

use super::environment::group_key;
use crate::domain::GroupSpec;

/// The folder for a group, by the rules of XDG; `None` if there is none outside of the project, in which nothing is
/// written.
pub(crate) fn folder(spec: &GroupSpec, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name: String = spec.name.chars().map(plain).take(64).collect();
    let folder = state.join("devgroup").join(format!("{name}-{}", group_key(&spec.file))).join("saved");
    (!folder.starts_with(&spec.root)).then_some(folder)
}
