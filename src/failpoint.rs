//! Faults on demand, in debug builds only: how else could a test see from outside what a bug in a thread, or a disk that does
//! not answer, leads to?

#[cfg(debug_assertions)]
use std::path::PathBuf;

/// The file that `DEVGROUP_FAULT` names for this place, `loop=/tmp/now`, if it exists.
#[cfg(debug_assertions)]
fn asked(place: &str) -> Option<PathBuf> {
    let fault = std::env::var_os("DEVGROUP_FAULT")?;
    let (_, file) = fault.to_str()?.split_once('=').filter(|(named, _)| *named == place)?;
    std::fs::exists(file).unwrap_or(false).then(|| file.into())
}

/// Panics if `DEVGROUP_FAULT` names this place and a file, and the file exists.
#[cfg(debug_assertions)]
pub fn hit(place: &str) {
    assert!(asked(place).is_none(), "a fault in the {place} was asked for");
}

/// Does not come back as long as `DEVGROUP_FAULT` names this place and a file, and the file exists. It says that it has begun
/// by a file beside that, with `.reached` behind its name.
#[cfg(debug_assertions)]
pub fn hang(place: &str) {
    while let Some(file) = asked(place) {
        let _ = std::fs::write(format!("{}.reached", file.display()), "");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Release builds have no failpoints.
#[cfg(not(debug_assertions))]
#[inline]
pub fn hit(_place: &str) {}

/// Release builds have no failpoints.
#[cfg(not(debug_assertions))]
#[inline]
pub fn hang(_place: &str) {}
