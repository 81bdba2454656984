//! Where a group keeps files of its own: log files, saved logs, the history of runs, its status.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::control::{group_key, state_home};
use crate::domain::{GroupSpec, visible_path};

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
        return Err(format!("{} is in the project, and writing there would be seen as changes", visible_path(&folder)));
    }
    Ok(folder)
}

/// A variable of devgroup's own environment.
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// Makes the folder, for its owner only, if it is not there.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file as a whole: whoever reads it sees the old one or the new one.
pub(crate) fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let new = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::write(&new, content).and_then(|()| fs::rename(&new, folder.join(name)));
    if written.is_err() {
        // Half a file is of no use; it may not even be there.
        let _ = fs::remove_file(&new);
    }
    written
}
