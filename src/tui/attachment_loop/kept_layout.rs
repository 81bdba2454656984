//! The layout that was chosen last for a group: the next dashboard of the group begins with it.

use std::path::Path;

use super::AttachmentLoop;
use crate::domain::{plain_error, visible_path};
use crate::private;
use crate::tui::layout::Arrangement;

/// In the folder of the group.
const FILE: &str = "layout";

/// More than any word that may stand in it.
const LIMIT: u64 = 64;

/// The layout that is kept in that folder; what means nothing is as if it were not there.
pub(super) fn read(folder: &Path) -> Option<Arrangement> {
    let text = private::read(&folder.join(FILE), LIMIT).ok()?;
    Arrangement::of(std::str::from_utf8(&text).ok()?.trim())
}

fn write(folder: &Path, arrangement: Arrangement) -> std::io::Result<()> {
    private::replace(folder, FILE, format!("{}\n", arrangement.word()).as_bytes())
}

impl AttachmentLoop {
    /// Keeps the layout, if it is not the one that the dashboard has begun with. Where the group has no folder, nothing is
    /// kept.
    pub(super) fn keep_layout(&self) {
        let arrangement = self.ui.panes.arrangement;
        if let Some(folder) = self.folder.as_deref().filter(|_| arrangement != self.first_arrangement)
            && let Err(error) = write(folder, arrangement)
        {
            log::warn!("the layout was not saved: {}: {}", visible_path(folder), plain_error(&error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_read_again_and_nonsense_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read(folder.path()), None);
        for arrangement in [Arrangement::Grid, Arrangement::Focus, Arrangement::Single, Arrangement::Auto] {
            write(folder.path(), arrangement).expect("it is written");
            assert_eq!(read(folder.path()), Some(arrangement));
        }
        for nonsense in [&b"stack"[..], b"", b"\xff", &[b'a'; 100]] {
            std::fs::write(folder.path().join(FILE), nonsense).expect("it is written");
            assert_eq!(read(folder.path()), None);
        }
    }
}
