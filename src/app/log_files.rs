//! The logs on disk, if they are wanted there.

use std::sync::Arc;

use super::state_folder;
use crate::domain::{GroupSpec, LogSpec, visible_path};
use crate::logs::{LogFiles, LogStore, Rotation};

/// How large the files become, and how many there are.
pub(crate) fn rotation(spec: &LogSpec) -> Rotation {
    Rotation { size: spec.max_size, files: spec.max_files }
}

/// Starts to write the logs of a group if its file asks for it. If that cannot be, the group runs without.
pub(crate) fn start(spec: &GroupSpec, logs: &Arc<LogStore>) -> Option<LogFiles> {
    if !spec.logs.files {
        return None;
    }
    let folder = match state_folder::of_group(spec, state_folder::variable) {
        Ok(folder) => match state_folder::make(&folder) {
            Ok(()) => folder.join("logs"),
            Err(error) => {
                log::warn!("no log files: {error}");
                return None;
            }
        },
        Err(why) => {
            log::warn!("no log files: {why}");
            return None;
        }
    };
    match LogFiles::start(logs.clone(), folder.clone()) {
        Ok(files) => {
            log::info!("log files in {}", visible_path(&folder));
            Some(files)
        }
        Err(error) => {
            log::warn!("no log files in {}: {error}", visible_path(&folder));
            None
        }
    }
}
