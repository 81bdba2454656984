//! Where the logs lie on disk, if they are wanted there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::environment::group_key;
use crate::domain::GroupSpec;
use crate::logs::{LogBook, LogFiles};

/// Starts to write the logs of a group if its file asks for it. If that cannot be, the group runs without.
pub(crate) fn start(spec: &GroupSpec, logs: &Arc<LogBook>) -> Option<LogFiles> {
    if !spec.logs.files {
        return None;
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let Some(state) = state_folder(variable("XDG_STATE_HOME"), variable("HOME")) else {
        log::warn!("no log files: neither XDG_STATE_HOME nor HOME is set");
        return None;
    };
    let folder = folder(&state, spec);
    if spec.file.parent().is_some_and(|root| folder.starts_with(root)) {
        log::warn!("no log files: {} is in the project, and writing there would be seen as changes", folder.display());
        return None;
    }
    match LogFiles::start(logs.clone(), folder.clone()) {
        Ok(files) => {
            log::info!("log files in {}", folder.display());
            Some(files)
        }
        Err(error) => {
            log::warn!("no log files in {}: {error}", folder.display());
            None
        }
    }
}

/// By the rules of XDG: a path that is not absolute does not count.
fn state_folder(state: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    state.filter(absolute).or_else(|| home.filter(absolute).map(|home| home.join(".local/state")))
}

fn folder(state: &Path, spec: &GroupSpec) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name: String = spec.name.chars().map(plain).take(64).collect();
    state.join("devgroup").join(format!("{name}-{}", group_key(&spec.file))).join("logs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_is_absolute_or_below_home() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(state_folder(path("/s"), path("/h")), path("/s"));
        assert_eq!(state_folder(path("s"), path("/h")), path("/h/.local/state"));
        assert_eq!(state_folder(None, path("h")), None);
    }
}
