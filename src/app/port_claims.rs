//! The `"auto"` ports of this group, held against other groups of the user: two that start at the same moment would find the
//! same port free, because nobody listens yet.
//!
//! Each port is a locked file in devgroup's state folder. The lock ends with the group, however that ends. Where there is
//! no such folder, only who listens counts.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::instance::lock;
use super::state_folder;
use crate::domain::{GroupSpec, visible};
use crate::private;

/// The longest note of a holder that is read.
const LONGEST: u64 = 1_000;

/// The ports that are held. They are given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct PortClaims {
    folder: Option<PathBuf>,
    note: String,
    held: Vec<File>,
}

impl PortClaims {
    /// Says whose ports these will be.
    pub(crate) fn of(&mut self, spec: &GroupSpec) {
        if self.folder.is_none() {
            let own = state_folder::of_group(spec, state_folder::variable).ok();
            self.set_folder(own.as_deref().and_then(Path::parent), &spec.name);
        }
    }

    fn set_folder(&mut self, shared: Option<&Path>, group: &str) {
        self.folder = shared.map(|shared| shared.join("ports"));
        self.note = format!("the group {group} (pid {})", std::process::id());
    }

    /// Takes a port. The answer is who has it already, for people.
    pub(crate) fn take(&mut self, port: u16) -> Option<String> {
        let folder = self.folder.as_ref()?;
        let path = folder.join(port.to_string());
        match state_folder::make(folder).and_then(|()| lock(&path)) {
            Ok(Some(mut file)) => {
                // Without the note the port is held as well.
                let _ = file.set_len(0).and_then(|()| file.write_all(self.note.as_bytes()));
                self.held.push(file);
                None
            }
            Ok(None) => Some(holder(&path)),
            Err(error) => {
                log::warn!("port {port} cannot be held against other groups: {error}");
                None
            }
        }
    }
}

fn holder(path: &Path) -> String {
    let note = private::read(path, LONGEST).ok().and_then(|note| String::from_utf8(note).ok());
    let note = note.filter(|note| !note.is_empty());
    note.map_or_else(|| "another group".into(), |note| visible(&note).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_held_against_other_groups_until_the_group_ends() {
        let state = tempfile::tempdir().unwrap();
        let of = |group: &str| {
            let mut claims = PortClaims::default();
            claims.set_folder(Some(&state.path().join("devgroup")), group);
            claims
        };
        let (mut one, mut other) = (of("shop"), of("blog"));
        assert_eq!(one.take(24_000), None);
        assert_eq!(other.take(24_000), Some(format!("the group shop (pid {})", std::process::id())));
        assert_eq!(other.take(24_001), None);
        drop(one);
        assert_eq!(other.take(24_000), None);
    }

    #[test]
    fn without_a_folder_nothing_is_held() {
        let mut claims = PortClaims::default();
        claims.set_folder(None, "shop");
        assert_eq!((claims.take(24_000), claims.take(24_000)), (None, None));
    }
}
