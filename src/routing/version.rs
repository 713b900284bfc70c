//! Versions of a controller, in their order.

use std::fmt;
use std::str::FromStr;

/// A released version: `1.15.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u32, u32, u32);

impl Version {
    /// This version.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self(major, minor, patch)
    }

    /// Whether two versions differ in the last number at most.
    #[must_use]
    pub fn is_of_minor(self, other: Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }

    /// Whether this can still be what reads `networking.k8s.io/v1`, which came with version 1.0.
    #[must_use]
    pub fn reads_ingress_v1(self) -> bool {
        self >= Self(1, 0, 0)
    }
}

/// An error: the text is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    /// `1.15.1` or `v1.15.1`
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.').map(|part| {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| digits).ok_or(NotAVersion)
        });
        let mut next = || parts.next().ok_or(NotAVersion)?;
        let version = Self(next()?, next()?, next()?);
        if parts.next().is_some() { Err(NotAVersion) } else { Ok(version) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_number() {
        let read = |text: &str| text.parse::<Version>();
        assert_eq!(read("v1.15.1"), Ok(Version(1, 15, 1)));
        assert!(read("1.9.6").unwrap() < read("1.10.0").unwrap());
        assert_eq!(read("1.12.0").unwrap().to_string(), "1.12.0");
        for text in ["", "1.12", "1.12.0.1", "1.12.0-beta.0", "newest", "1.+2.0", "1..0"] {
            assert_eq!(read(text), Err(NotAVersion), "{text}");
        }
    }
}
