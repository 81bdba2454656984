//! Where a group keeps files of its own: log files, saved logs, the history of runs, its status.

use std::io;
use std::path::{Path, PathBuf};

use crate::control::{group_key, state_home};
use crate::domain::{GroupSpec, visible_path};
use crate::private;

/// The folder of a group, by the rules of XDG: a path that is not absolute does not count.
///
/// # Errors
/// There is no such folder, or it lies in the project, in which nothing is written: it would be seen as a change.
pub(crate) fn of_group(spec: &GroupSpec, variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, String> {
    of_named((&spec.name, &spec.file, &spec.root), variable)
}

/// The same of a group by its name, its file and its root.
pub(crate) fn of_named(
    (name, file, root): (&str, &Path, &Path),
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> Result<PathBuf, String> {
    let Some(state) = state_home(variable) else {
        return Err("neither XDG_STATE_HOME nor HOME is an absolute path".into());
    };
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name: String = name.chars().map(plain).take(64).collect();
    let folder = state.join(SHARED).join(format!("{name}-{}", group_key(file)));
    if folder.starts_with(root) {
        return Err(format!("{} is inside the project; writing there would count as changes", visible_path(&folder)));
    }
    Ok(folder)
}

/// A variable of devgroup's own environment.
pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// The variable that says where the state of all programs is.
const VARIABLE: &str = "XDG_STATE_HOME";

/// The folder of devgroup in it: the locks, and a folder for each group.
const SHARED: &str = "devgroup";

/// Makes a folder of a group, or [`SHARED`], for its owner only.
///
/// # Errors
/// It cannot be made, or is not ours: why, and what to do.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    if let Some(shared) = folder.parent().filter(|above| above.file_name().is_some_and(|name| name == SHARED)) {
        private::make_folder(shared, VARIABLE)?;
    }
    private::make_folder(folder, VARIABLE)
}
