//! Faults on demand, in debug builds only: how else could a test see from outside what a bug in a thread leads to?

/// Panics if `DEVGROUP_FAULT` names this place and a file, `loop=/tmp/now`, and the file exists.
#[cfg(debug_assertions)]
pub fn hit(place: &str) {
    let Some(fault) = std::env::var_os("DEVGROUP_FAULT") else { return };
    let asked = fault.to_str().and_then(|fault| fault.split_once('=')).filter(|(named, _)| *named == place);
    let exists = asked.is_some_and(|(_, file)| std::fs::exists(file).unwrap_or(false));
    assert!(!exists, "a fault in the {place} was asked for");
}

/// Does nothing.
#[cfg(not(debug_assertions))]
#[inline]
pub fn hit(_place: &str) {}
