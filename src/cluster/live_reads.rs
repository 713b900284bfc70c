//! What was read live for one review: it goes before what the inventory holds.

use foldhash::HashMap;

use super::Object;
use crate::model::{Key, Kind};

/// The outcome of reading one object.
#[derive(Debug, Clone)]
pub enum LiveRead {
    /// It is there.
    Found(Box<Object>),
    /// It is not.
    Absent,
    /// Nobody lets us look.
    Forbidden,
    /// No answer in time, or none that can be read.
    Failed,
}

/// Objects that were read live.
#[derive(Debug, Clone, Default)]
pub struct LiveReads(HashMap<(Kind, Key), LiveRead>);

impl LiveReads {
    /// What was read of an object, if it was.
    #[must_use]
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&LiveRead> {
        // Most reviews read nothing live: they are not to make a key for each question.
        if self.0.is_empty() { None } else { self.0.get(&(kind, Key::new(namespace, name))) }
    }

    /// Whether an object is certainly there or certainly not.
    #[must_use]
    pub fn is_certain(&self, kind: Kind, key: &Key) -> bool {
        matches!(self.get(kind, &key.namespace, &key.name), Some(LiveRead::Found(_) | LiveRead::Absent))
    }

    /// Everything that was read, in the order of kinds and keys.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Key, &LiveRead)> {
        let mut all: Vec<_> = self.0.iter().map(|((kind, key), fact)| (*kind, key, fact)).collect();
        all.sort_by_key(|(kind, key, _)| (*kind, *key));
        all.into_iter()
    }

    /// Remember what was read.
    pub fn insert(&mut self, kind: Kind, key: Key, fact: LiveRead) {
        self.0.insert((kind, key), fact);
    }
}

impl LiveReads {
    /// Take Secrets and ConfigMaps that are laid over a cluster for what was read of them.
    pub fn overlay(&mut self, objects: impl IntoIterator<Item = Object>) {
        let is_read_so = |object: &Object| matches!(object, Object::ConfigMap(_) | Object::Secret(_));
        for object in objects.into_iter().filter(is_read_so) {
            self.insert(object.kind(), object.key(), LiveRead::Found(Box::new(object)));
        }
    }

    /// Forget what was read of a kind.
    pub fn forget(&mut self, kind: Kind) {
        self.0.retain(|(of, _), _| *of != kind);
    }

    /// Take what else was read.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Extend<((Kind, Key), LiveRead)> for LiveReads {
    fn extend<T: IntoIterator<Item = ((Kind, Key), LiveRead)>>(&mut self, live_reads: T) {
        self.0.extend(live_reads);
    }
}
