//! How complete an inventory is.

/// The completeness of the inventory for a kind or for one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Complete: an object that it does not contain does not exist.
    Complete,
    /// Partial, such as files that are not the whole cluster: an object that it does not contain may exist.
    Partial,
    /// As [`Coverage::Partial`]: RBAC allows reading one namespace only.
    OneNamespace,
    /// Nothing certain: the first list has not completed.
    NotSynced,
    /// Nothing certain: RBAC forbids reading it.
    Forbidden,
    /// Nothing certain: the configuration disables reading it.
    Disabled,
    /// Nothing certain: only files are read, and objects of this kind are not written in files.
    NotProvided,
    /// Nothing certain: only audits read it, and it was not listed.
    NotWatched,
    /// Objects are fetched by name as Ingresses reference them; others are unknown.
    FetchedByName,
    /// Nothing certain of one object: it cannot be parsed.
    Unreadable,
    /// Nothing certain of one object: the API server did not return it.
    ReadFailed,
    /// Nothing certain: the check has not declared that it reads this kind, which is a bug of the check.
    Undeclared,
}

impl Coverage {
    /// Returns whether what the inventory contains is reliable.
    pub(crate) const fn is_readable(self) -> bool {
        matches!(self, Self::Complete | Self::Partial | Self::OneNamespace)
    }
}
