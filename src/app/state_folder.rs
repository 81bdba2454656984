//! Where a group keeps files of its own: log files and saved logs.

use std::path::PathBuf;

use crate::domain::{GroupSpec, group_key};

/// The folder of a group, by the rules of XDG: a path that is not absolute does not count.
///
/// # Errors
/// There is no such folder, or it lies in the project, in which nothing is written: it would be seen as a change.
pub(crate) fn of_group(spec: &GroupSpec, variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, String> {
    let Some(state) = state_home(variable) else {
        return Err("neither XDG_STATE_HOME nor HOME is an absolute path".into());
    };
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name: String = spec.name.chars().map(plain).take(64).collect();
    let folder = state.join("devgroup").join(format!("{name}-{}", group_key(&spec.file)));
    if folder.starts_with(&spec.root) {
        return Err(format!("{} is in the project, and writing there would be seen as changes", folder.display()));
    }
    Ok(folder)
}

fn state_home(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
}

/// A variable of devgroup's own environment.
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_is_absolute_or_below_home() {
        let state = |state: Option<&str>, home: &str| {
            state_home(|name| if name == "HOME" { Some(home.into()) } else { state.map(PathBuf::from) })
        };
        assert_eq!(state(Some("/s"), "/h"), Some("/s".into()));
        assert_eq!(state(Some("s"), "/h"), Some("/h/.local/state".into()));
        assert_eq!(state(None, "h"), None);
    }
}
