//! The `"auto"` ports of this group, held against other groups of the user: two that start at the same moment would find the
//! same port free, because nobody listens yet.
//!
//! Each port is a locked file in devgroup's state folder. The lock ends with the group, however that ends. The file stays,
//! and leaves the port to that group for a week: of two groups that prefer the same port, each has the same one tomorrow,
//! in whichever order they start. Where there is no such folder, only who listens counts.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::instance::lock;
use super::state_folder;
use crate::clock::wall_now;
use crate::domain::{GroupSpec, PortLedger, path_text, visible};
use crate::private;
use crate::process;

/// The longest note of a holder that is read: a path, and what people call the group.
const LONGEST: u64 = 5_000;

/// How long a port is left to a group that does not run.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The ports that are held. They are given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct PortClaims {
    folder: Option<PathBuf>,
    /// What people call the group.
    name: String,
    /// The file of the group, by which another one of the same name is told from it.
    file: String,
    held: Vec<File>,
}

impl PortClaims {
    /// Says whose ports these will be.
    pub(crate) fn of(&mut self, spec: &GroupSpec) {
        if self.folder.is_none() {
            let own = state_folder::of_group(spec, state_folder::variable).ok();
            self.set_folder(own.as_deref().and_then(Path::parent), (&spec.name, &spec.file));
        }
    }

    fn set_folder(&mut self, shared: Option<&Path>, (group, file): (&str, &Path)) {
        self.folder = shared.map(|shared| shared.join("ports"));
        self.name = format!("the group {group}");
        self.file = path_text(file).into_owned();
    }

    /// Who has a port, or had it this week, for people. Takes nothing, so that looking changes nothing for others.
    fn holder(&self, port: u16) -> Option<String> {
        self.kept_by_other(&self.folder.as_ref()?.join(port.to_string()))
    }

    /// The other group that a port is left to.
    fn kept_by_other(&self, path: &Path) -> Option<String> {
        let last = read(path).filter(|last| last.file != self.file && is_recent(path))?;
        Some(format!("{} (kept for a week after its end)", last.name))
    }

    /// Gives all of them back.
    pub(crate) fn release(&mut self) {
        self.held.clear();
    }

    /// Takes a port. The answer is who has it already, for people.
    pub(crate) fn take(&mut self, port: u16) -> Option<String> {
        let folder = self.folder.as_ref()?;
        let path = folder.join(port.to_string());
        match state_folder::make(folder).and_then(|()| lock(&path)) {
            Ok(Some(mut file)) => {
                if let Some(holder) = self.kept_by_other(&path) {
                    return Some(holder);
                }
                let note = format!("{}\n{}\n{}", self.name, std::process::id(), self.file);
                // Without the note the port is held as well.
                let _ = file.set_len(0).and_then(|()| file.write_all(note.as_bytes()));
                self.held.push(file);
                None
            }
            Ok(None) => Some(
                read(&path)
                    .map_or_else(|| "another group".into(), |holder| format!("{} (pid {})", holder.name, holder.pid)),
            ),
            Err(error) => {
                log::warn!("port {port} cannot be held against other groups: {error}");
                None
            }
        }
    }
}

/// A group that does not run, with the `"auto"` ports that a start would give it now. Nothing is taken.
pub fn with_ports_of_now(mut group: GroupSpec) -> GroupSpec {
    let mut claims = PortClaims::default();
    claims.of(&group);
    let mut holder = |port| process::listener_on(port).or_else(|| claims.holder(port));
    PortLedger::default().assign(&mut group, &mut holder);
    group
}

/// What a port file says of the group that has it, or had it last.
struct Holder {
    /// For people.
    name: String,
    pid: u32,
    file: String,
}

fn read(path: &Path) -> Option<Holder> {
    let note = String::from_utf8(private::read(path, LONGEST).ok()?).ok()?;
    let mut lines = note.splitn(3, '\n');
    let name = visible(lines.next()?).into_owned();
    Some(Holder { name, pid: lines.next()?.parse().ok()?, file: lines.next()?.to_owned() })
}

/// The port was held not long ago. A clock that was set back tells nothing.
fn is_recent(path: &Path) -> bool {
    let held = fs::symlink_metadata(path).and_then(|found| found.modified());
    held.is_ok_and(|held| wall_now().duration_since(held).is_ok_and(|age| age < KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_held_against_other_groups_until_the_group_ends() {
        let state = tempfile::tempdir().unwrap();
        let of = |group: &str| {
            let mut claims = PortClaims::default();
            let file = Path::new("/src").join(group).join("procgroup.toml");
            claims.set_folder(Some(&state.path().join("devgroup")), (group, &file));
            claims
        };
        let (mut one, mut other) = (of("shop"), of("blog"));
        assert_eq!(one.take(24_000), None);
        assert_eq!(other.take(24_000), Some(format!("the group shop (pid {})", std::process::id())));
        assert_eq!(other.take(24_001), None);
        assert_eq!(one.holder(24_000), None, "it is its own");
        drop((one, other));
        assert_eq!(of("blog").holder(24_000), Some("the group shop (kept for a week after its end)".into()));
        // Tomorrow the other one starts first.
        let (mut one, mut other) = (of("shop"), of("blog"));
        assert_eq!(other.take(24_000), Some("the group shop (kept for a week after its end)".into()));
        assert_eq!(other.take(24_001), None);
        assert_eq!(one.take(24_000), None);
        drop(one);
        // After some weeks nobody has it any more.
        let file = File::options().write(true).open(state.path().join("devgroup/ports/24000")).unwrap();
        file.set_modified(wall_now() - KEPT).unwrap();
        assert_eq!(other.take(24_000), None);
    }

    #[test]
    fn without_a_folder_nothing_is_held() {
        let mut claims = PortClaims::default();
        claims.set_folder(None, ("shop", Path::new("/src/shop/procgroup.toml")));
        assert_eq!((claims.take(24_000), claims.take(24_000)), (None, None));
    }
}
