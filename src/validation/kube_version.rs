//! The version of Kubernetes that a manifest is applied to.

use std::fmt;
use std::str::FromStr;

/// A minor version of Kubernetes, such as 1.36.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubeVersion {
    major: u16,
    minor: u16,
}

impl KubeVersion {
    /// The newest version whose validation is known here.
    pub const NEWEST: Self = Self::new(36);

    /// Creates version `1.minor`.
    #[must_use]
    pub const fn new(minor: u16) -> Self {
        Self { major: 1, minor }
    }
}

impl Default for KubeVersion {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl FromStr for KubeVersion {
    type Err = String;
    /// Reads `1.30`, and what servers report: `v1.30.2`, `1.30+`, `v1.30.2-gke.100`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut number = || {
            let part = parts.next()?;
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse().ok()
        };
        match (number(), number()) {
            (Some(major @ 1..), Some(minor)) => Ok(Self { major, minor }),
            _ => Err("expected a version of Kubernetes such as 1.30".to_owned()),
        }
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_report_them() {
        for text in ["1.30", "v1.30", "1.30.2", "v1.30.2-gke.100", "1.30+"] {
            assert_eq!(text.parse(), Ok(KubeVersion::new(30)), "{text}");
        }
        for text in ["", "1", "30", "latest", "0.9", "v1.x"] {
            assert!(text.parse::<KubeVersion>().is_err(), "{text}");
        }
        assert!(KubeVersion::new(9) < KubeVersion::new(18));
        assert_eq!(KubeVersion::NEWEST.to_string(), "1.36");
    }
}
