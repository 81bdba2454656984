//! Which file systems do not tell of all changes: what others write there arrives without an event.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Magic numbers of statfs(2), for network file systems; the list is that of git's own file watcher
/// (`compat/fsmonitor`) and of watchman. FUSE is decided by the type of the mount.
#[cfg(target_os = "linux")]
const SILENT: [(u32, &str); 10] = [
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0x517b, "smb"),
    (0xfe53_4d42, "smb2"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "afs"),
    (0x7375_7245, "coda"),
    (0x00c3_6400, "ceph"),
    (0x564c, "ncp"),
];

#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

/// FUSE, but all that happens goes through this kernel: a disk, or a folder that a virtual machine shares, of which the
/// kernel is told.
#[cfg(target_os = "linux")]
const HEARD_FUSE: [&str; 2] = ["virtiofs", "fuseblk"];

/// The type of the file system that the folder is on, if that does not tell of all changes.
#[cfg(target_os = "linux")]
pub fn silent(folder: &Path) -> Option<Arc<str>> {
    if !crate::portable::is_linux() {
        return None;
    }
    let found = rustix::fs::statfs(folder).ok()?;
    // The numbers have 32 bits; the field is wider on some machines, and signed on others.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the magic number is the lower half")]
    let magic = found.f_type as u32;
    if magic != FUSE {
        return SILENT.iter().find(|(number, _)| *number == magic).map(|(_, name)| Arc::from(*name));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let kind = mount_type(&mounts, &real).unwrap_or("fuse");
    (!HEARD_FUSE.contains(&kind)).then(|| Arc::from(kind))
}

/// Where something is mounted, with the number of the mount.
pub fn points() -> BTreeSet<(PathBuf, String)> {
    // There is no such file on other systems, and nobody says there that something was mounted.
    let mounts = crate::portable::is_linux().then(|| std::fs::read_to_string("/proc/self/mountinfo").ok());
    points_in(&mounts.flatten().unwrap_or_default())
}

fn points_in(mounts: &str) -> BTreeSet<(PathBuf, String)> {
    let point = |line: &str| {
        let mut fields = line.split(' ');
        Some((fields.next()?.to_owned(), unescape(fields.nth(3)?)))
    };
    mounts.lines().filter_map(point).map(|(number, point)| (point.into(), number)).collect()
}

/// Elsewhere only the operating system knows.
#[cfg(not(target_os = "linux"))]
pub fn silent(_: &Path) -> Option<Arc<str>> {
    None
}

/// The type of the mount that holds the path: the longest mount point wins, of equal ones the last.
/// Format: proc_pid_mountinfo(5).
#[cfg(target_os = "linux")]
fn mount_type<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mounts = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = unescape(before.split(' ').nth(4)?);
        let kind = after.split(' ').next()?;
        path.starts_with(&point).then_some((point.len(), kind))
    });
    mounts.max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

/// Blanks, tabs, line ends and backslashes are written as three octal digits.
fn unescape(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_mount_that_holds_a_path_is_the_longest_and_last() {
        let mounts = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            30 21 0:30 / /home/a\\040b rw - fuse.sshfs host: rw\n\
            31 21 0:31 / /share rw master:1 - virtiofs tag rw\n\
            32 31 0:32 / /share rw - fuse.rclone x rw\n";
        let kind = |path| mount_type(mounts, Path::new(path));
        assert_eq!(kind("/etc"), Some("ext4"));
        assert_eq!(kind("/home/a b/c"), Some("fuse.sshfs"));
        assert_eq!(kind("/home/a"), Some("ext4"));
        assert_eq!(kind("/share/x"), Some("fuse.rclone"));
        assert!(points_in(mounts).contains(&("/home/a b".into(), "30".into())));
        assert_eq!(silent(Path::new("/proc")), None);
    }
}
