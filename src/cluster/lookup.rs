//! The answer to a question about the cluster, which may be that nobody can tell.

/// A three-valued answer. `Unknown` is never `Absent`: a check accuses only on what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<T> {
    /// It is there.
    Found(T),
    /// It is certainly not there.
    Absent,
    /// Not watched, not synced, forbidden, undeclared by the check, or outside the given files.
    Unknown,
}

impl<T> Lookup<T> {
    /// Whether it is certainly not there: the only answer that a check may accuse on.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// What was found.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Absent | Self::Unknown => None,
        }
    }
}
