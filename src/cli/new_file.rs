//! Writing a file that may be there already.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes all of the text, or nothing of it. `force`: in place of the file that is there; a link is replaced, not followed.
///
/// # Errors
/// Those of the system: without `force` also where there is a file.
pub(super) fn write(target: &Path, text: &str, force: bool) -> io::Result<()> {
    if !force {
        // A file written in the meantime stays.
        return OpenOptions::new().write(true).create_new(true).open(target)?.write_all(text.as_bytes());
    }
    let mut beside = target.to_owned().into_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    // What already has this name is left alone.
    let made = OpenOptions::new().write(true).create_new(true).open(&beside);
    let written = made?.write_all(text.as_bytes()).and_then(|()| fs::rename(&beside, target));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
