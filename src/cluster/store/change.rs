//! A change to the inventory, as a watch receives it.

use super::{Coverage, Inventory, Object};
use crate::model::{Key, Kind};

/// A change to the objects of one kind.
#[derive(Debug)]
pub(crate) enum Change {
    /// Adds or replaces an object.
    Apply(Object),
    /// Records an object that exists and cannot be parsed.
    Unreadable(Key),
    /// Removes an object.
    Delete(Key),
    /// Sets the coverage of the kind, or of this object.
    Cover(Option<Key>, Coverage),
}

impl Change {
    /// Returns the key of the object that changes.
    pub(crate) fn key(&self) -> Option<Key> {
        match self {
            Self::Apply(object) => Some(object.key()),
            Self::Unreadable(key) | Self::Delete(key) => Some(key.clone()),
            Self::Cover(key, _) => key.clone(),
        }
    }
}

impl Inventory {
    /// Makes a change to a kind.
    pub(crate) fn change(&mut self, kind: Kind, change: Change) {
        match change {
            Change::Apply(object) => self.apply(object),
            Change::Unreadable(key) => self.apply_unreadable(kind, key),
            Change::Delete(key) => self.delete(kind, &key),
            Change::Cover(None, coverage) => self.cover(kind, coverage),
            Change::Cover(Some(key), coverage) => self.cover_one(kind, &key, coverage),
        }
    }
}
