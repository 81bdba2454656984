//! Tells apart things with the same name and number: the log of a service before and after a restart of its group.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;

/// What tells the lines of one log, or the events of one run of a group, from those with the same numbers of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u32);

impl Epoch {
    /// One of its own, by chance: a clock may be set back.
    pub fn begin() -> Self {
        let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
        Self(u32::from_le_bytes([a, b, c, d]))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u32::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_and_comes_back_as_it_went() {
        let (one, other) = (Epoch::begin(), Epoch::begin());
        assert_ne!(one, other);
        assert_eq!(one.to_string().parse(), Ok(one));
        assert!("".parse::<Epoch>().is_err() && "123456789".parse::<Epoch>().is_err());
    }
}
