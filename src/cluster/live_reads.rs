//! Objects that were fetched by name for one review. They take precedence over the inventory.

use foldhash::HashMap;

use super::Object;
use crate::model::{Key, Kind};

/// The result of fetching one object.
#[derive(Debug, Clone)]
pub enum LiveRead {
    /// The object exists.
    Found(Box<Object>),
    /// The object does not exist.
    Absent,
    /// RBAC forbids reading it.
    Forbidden,
    /// The request timed out, or the response cannot be parsed.
    Failed,
}

/// The objects that were fetched.
#[derive(Debug, Clone, Default)]
pub struct LiveReads(HashMap<(Kind, Key), LiveRead>);

impl LiveReads {
    /// Returns the result for an object, if it was fetched.
    #[must_use]
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&LiveRead> {
        // Most reviews fetch nothing: they should not allocate a key for each lookup.
        if self.0.is_empty() { None } else { self.0.get(&(kind, Key::new(namespace, name))) }
    }

    /// Returns whether an object certainly exists or certainly does not.
    #[must_use]
    pub fn is_certain(&self, kind: Kind, key: &Key) -> bool {
        matches!(self.get(kind, &key.namespace, &key.name), Some(LiveRead::Found(_) | LiveRead::Absent))
    }

    /// Returns every result in the order of kinds and keys.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Key, &LiveRead)> {
        let mut all: Vec<_> = self.0.iter().map(|((kind, key), fact)| (*kind, key, fact)).collect();
        all.sort_by_key(|(kind, key, _)| (*kind, *key));
        all.into_iter()
    }

    /// Adds a result.
    pub fn insert(&mut self, kind: Kind, key: Key, fact: LiveRead) {
        self.0.insert((kind, key), fact);
    }
}

impl LiveReads {
    /// Adds the Secrets and ConfigMaps of an overlay as results.
    pub fn overlay(&mut self, objects: impl IntoIterator<Item = Object>) {
        let is_read_so = |object: &Object| matches!(object, Object::ConfigMap(_) | Object::Secret(_));
        for object in objects.into_iter().filter(is_read_so) {
            self.insert(object.kind(), object.key(), LiveRead::Found(Box::new(object)));
        }
    }

    /// Removes the results of a kind.
    pub fn forget(&mut self, kind: Kind) {
        self.0.retain(|(of, _), _| *of != kind);
    }

    /// Adds other results.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Extend<((Kind, Key), LiveRead)> for LiveReads {
    fn extend<T: IntoIterator<Item = ((Kind, Key), LiveRead)>>(&mut self, live_reads: T) {
        self.0.extend(live_reads);
    }
}
