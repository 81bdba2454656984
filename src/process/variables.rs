//! The environment of a run, as small as it can be kept: it is there as long as the run, and mostly nobody asks for it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

/// The whole environment of a run.
pub(super) type Environment = Arc<[(OsString, OsString)]>;

/// Names and values one behind the other, each with a NUL byte behind it, as the system has them: none of them can hold one.
/// As pairs of strings they take four times as much.
#[derive(Default)]
pub(super) struct Variables(Box<[u8]>);

impl Variables {
    /// Of an environment.
    pub(super) fn of(env: &[(OsString, OsString)]) -> Self {
        let words = || env.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        let mut bytes = Vec::with_capacity(words().map(|word| word.len() + 1).sum());
        for word in words() {
            bytes.extend_from_slice(word);
            bytes.push(0);
        }
        Self(bytes.into())
    }

    /// As it was.
    pub(super) fn environment(&self) -> Environment {
        let mut words = self.0.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
        std::iter::from_fn(|| Some((words.next()?, words.next()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_kept_as_it_is() {
        let env: Vec<(OsString, OsString)> = [("PATH", "/bin:/usr/bin"), ("EMPTY", ""), ("A", "1"), ("A", "2=3")]
            .map(|(n, v)| (n.into(), v.into()))
            .into();
        let kept = Variables::of(&env);
        assert_eq!(*kept.environment(), *env);
        assert!(Variables::of(&[]).environment().is_empty() && Variables::default().environment().is_empty());
    }
}
