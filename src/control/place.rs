//! Where a group is met: the folder of sockets, the lock, and their names.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::abstract_socket;
use super::lock_note::LockNote;
use crate::domain::visible_path;
use crate::private;

/// The variable in which a service finds the socket of its group.
pub const SOCKET_VARIABLE: &str = "DEVGROUP_SOCKET";

/// Where one group is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
    key: String,
}

impl Place {
    /// The place of the group of this file, in `$XDG_RUNTIME_DIR/devgroup`, else in a folder of the user's own under the
    /// temp directory. The folder is made if it is not there, and is nobody else's.
    ///
    /// # Errors
    /// There is no such folder and none can be made, or somebody else owns it; for people.
    pub fn make(file: &Path) -> Result<Self, String> {
        let mut problem = String::from("no usable folder for it");
        for folder in folders(variable) {
            match private::make_folder(&folder, "XDG_RUNTIME_DIR") {
                Ok(()) => return Ok(Self { folder, key: group_key(file) }),
                Err(error) => problem = error.to_string(),
            }
        }
        Err(problem)
    }

    /// The places in which a running group of this file may be met, the likeliest first. Nothing is made.
    pub fn candidates(file: &Path) -> Vec<Self> {
        let key = group_key(file);
        folders(variable).into_iter().map(|folder| Self { folder, key: key.clone() }).collect()
    }

    /// The key of the group.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The folder: mode 0700, the user's own.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The control socket of the group.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!("{}.sock", self.key))
    }

    /// The lock that one running instance of the group holds, where there is no folder for state.
    pub fn lock(&self) -> PathBuf {
        self.folder.join(format!("{}.lock", self.key))
    }
}

/// The lock that one running instance of the group of this file holds. It is in the folder for state and not beside the
/// socket: shells of one user often differ in where sockets are (`su`, `ssh`, a container's own temp directory), and one
/// file must not be run twice at once.
///
/// # Errors
/// There is no such folder outside of the project; for people.
pub fn state_lock(file: &Path) -> Result<PathBuf, String> {
    lock_below(state_home(variable), file)
}

fn lock_below(state: Option<PathBuf>, file: &Path) -> Result<PathBuf, String> {
    let folder = state.ok_or("neither XDG_STATE_HOME nor HOME is an absolute path")?.join("devgroup");
    if file.parent().is_some_and(|root| folder.starts_with(root)) {
        return Err(format!("{} is inside the project", visible_path(&folder)));
    }
    Ok(folder.join(format!("{}.lock", group_key(file))))
}

/// The folder of the locks of all groups.
pub(super) fn lock_folder() -> Option<PathBuf> {
    Some(state_home(variable)?.join("devgroup"))
}

/// The folder for the state of all programs of the user, by the rules of XDG: a path that is not absolute does not count.
pub fn state_home(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
}

/// The addresses at which a running group of this file may be met, the likeliest first: sockets by rule, the one that the
/// holder of its lock has noted, and at last its name. Nobody need be there.
pub fn addresses(file: &Path) -> Vec<PathBuf> {
    let by_rule = Place::candidates(file).into_iter().map(|place| place.socket());
    let noted = state_lock(file).ok().and_then(|lock| LockNote::read(&lock).address().cloned());
    let mut addresses: Vec<PathBuf> = Vec::new();
    for address in by_rule.chain(noted).chain(abstract_socket::address(file)) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// What tells groups apart, in the names of folders, sockets and locks, and in the marks of processes: 64-bit FNV-1a
/// (Fowler, Noll, Vo) of the path of the file, short and the same in every version of devgroup. However one came to its
/// folder: through a symbolic link it is the same group. The file itself may be gone.
pub fn group_key(file: &Path) -> String {
    let folder = file.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let path = match (folder, file.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    };
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in path.as_os_str().as_encoded_bytes() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

pub(super) fn folders(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let runtime = variable("XDG_RUNTIME_DIR").filter(|path| path.is_absolute()).map(|path| path.join("devgroup"));
    let own = |temp: PathBuf| temp.join(format!("devgroup-{}", geteuid().as_raw()));
    let temp = variable("TMPDIR").filter(|path| path.is_absolute()).map(own).filter(|folder| has_room(folder));
    let last = || own("/tmp".into());
    runtime.filter(|folder| has_room(folder)).into_iter().chain([temp.unwrap_or_else(last)]).collect()
}

/// Whether the path of a socket in this folder is one that the system takes: 103 bytes on macOS, 107 on Linux.
fn has_room(folder: &Path) -> bool {
    folder.as_os_str().len() + "/0123456789abcdef.sock".len() <= 103
}

pub(super) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_the_session_or_one_of_our_own_under_temp() {
        let with = |runtime: &'static str, temp: &'static str| {
            folders(move |name| match name {
                "XDG_RUNTIME_DIR" => Some(runtime.into()),
                _ => Some(temp.into()),
            })
        };
        let own = format!("devgroup-{}", geteuid().as_raw());
        assert_eq!(with("/run/user/7", "/t"), [PathBuf::from("/run/user/7/devgroup"), Path::new("/t").join(&own)]);
        assert_eq!(with("run", "t"), [Path::new("/tmp").join(&own)]);
        const LONG: &str =
            "/a-folder-whose-name-is-so-long-that-no-socket-in-it-could-be-named/and/that/happens/in/sandboxes";
        assert_eq!(with(LONG, "/t"), [Path::new("/t").join(&own)]);
        assert_eq!(with("/run", LONG), [PathBuf::from("/run/devgroup"), Path::new("/tmp").join(&own)]);
    }

    #[test]
    fn the_lock_is_outside_of_the_project_or_nowhere() {
        let lock = |state: Option<&str>| lock_below(state.map(PathBuf::from), Path::new("/p/procgroup.toml"));
        let file = format!("{}.lock", group_key(Path::new("/p/procgroup.toml")));
        assert_eq!(lock(Some("/s")), Ok(Path::new("/s/devgroup").join(file)));
        assert!(lock(Some("/p/state")).is_err() && lock(None).is_err());
    }

    #[test]
    fn the_state_folder_is_absolute_or_below_home() {
        let state = |state: Option<&str>, home: &str| {
            state_home(|name| if name == "HOME" { Some(home.into()) } else { state.map(PathBuf::from) })
        };
        assert_eq!(state(Some("/s"), "/h"), Some("/s".into()));
        assert_eq!(state(Some("s"), "/h"), Some("/h/.local/state".into()));
        assert_eq!(state(None, "h"), None);
    }

    #[test]
    fn a_link_to_the_project_leads_to_the_same_group() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("app")).unwrap();
        std::os::unix::fs::symlink("app", home.path().join("link")).unwrap();
        let file = |folder: &str| home.path().join(folder).join("procgroup.toml");
        assert_eq!(Place::candidates(&file("app")), Place::candidates(&file("link")));
        assert_ne!(Place::candidates(&file("app")), Place::candidates(&file("gone")));
    }
}
