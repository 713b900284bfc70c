//! The result of a lookup in the cluster, which may be unknown.

/// A tri-state lookup. `Unknown` never counts as `Absent`: checks report only what is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<T> {
    /// The object exists.
    Found(T),
    /// The object certainly does not exist.
    Absent,
    /// Not watched, not synced, forbidden, undeclared by the check, or outside the given files.
    Unknown,
}

impl<T> Lookup<T> {
    /// Returns whether the object certainly does not exist.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Returns the object, if it was found.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Absent | Self::Unknown => None,
        }
    }
}
