//! The releases in which checks appeared and their levels were raised.

use std::fmt;
use std::str::FromStr;

use super::Check;
use crate::finding::Levels;

/// A release of ingress-guard, `major.minor`. Patch releases add no check and raise no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(pub u16, pub u16);

/// A raise of the levels of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raise {
    /// The release with the higher levels.
    pub release: Release,
    /// The levels before it.
    pub before: Levels,
}

/// The reason why a text is not a release of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a release that this program has the rules of; use \"latest\" or a release from \"{}\" to \"{}\"",
    Release::FIRST,
    Release::CURRENT
)]
pub struct UnknownRelease;

impl Release {
    /// The first release.
    pub const FIRST: Self = Self(0, 1);
    /// The release of this program.
    pub const CURRENT: Self = Self(number(env!("CARGO_PKG_VERSION_MAJOR")), number(env!("CARGO_PKG_VERSION_MINOR")));
}

const fn number(text: &str) -> u16 {
    match u16::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("Cargo.toml has a version of numbers"),
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, UnknownRelease> {
        let (major, minor) = text.split_once('.').ok_or(UnknownRelease)?;
        let number = |text: &str| text.parse().map_err(|_| UnknownRelease);
        let release = Self(number(major)?, number(minor)?);
        if (Self::FIRST..=Self::CURRENT).contains(&release) { Ok(release) } else { Err(UnknownRelease) }
    }
}

impl Check {
    /// Returns the levels that the check had in a release; `None` if it is newer.
    #[must_use]
    pub fn levels_in(&self, release: Release) -> Option<Levels> {
        if self.since > release {
            return None;
        }
        let later = self.raised.iter().filter(|raise| raise.release > release);
        Some(later.min_by_key(|raise| raise.release).map_or(self.levels, |raise| raise.before))
    }
}
