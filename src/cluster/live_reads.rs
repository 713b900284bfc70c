//! Objects that were fetched by name for one review. They take precedence over the inventory.

use std::fmt;
use std::time::Duration;

use foldhash::HashMap;

use super::Object;
use crate::model::{Key, Kind, Kinds};

/// The time limit of one live read of a review, from the moment it is sent.
pub const ANSWER_TIME: Duration = Duration::from_millis(300);
/// The time limit of all live reads of one review together. It includes the wait until they are sent. The API server waits
/// three seconds for a review by default.
pub const READ_TIME: Duration = Duration::from_millis(1200);

/// The result of fetching one object.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveRead {
    /// The object exists.
    Found(Box<Object>),
    /// The object does not exist.
    Absent,
    /// RBAC forbids reading it.
    Forbidden,
    /// The configuration excludes its namespace, so that it was not asked for.
    Excluded,
    /// It is unknown whether the object exists.
    Failed(ReadFailure),
}

/// The reason why a read has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadFailure {
    /// The API server did not answer within [`ANSWER_TIME`].
    Timeout,
    /// The reads of the review did not end within [`READ_TIME`]: too many others waited.
    Overdue,
    /// The review needs more objects than one review reads, or the list of the namespace has more objects than one page.
    LeftOut,
    /// The API server answered with an error or an object that cannot be parsed, or no object can have this name.
    Error,
}

impl LiveRead {
    /// Every value of [`LiveRead::result`].
    pub const RESULTS: [&str; 7] = ["found", "absent", "forbidden", "timeout", "overdue", "left_out", "error"];

    /// Returns the value of the label `result` in metrics.
    #[must_use]
    pub const fn result(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Absent => "absent",
            Self::Forbidden => "forbidden",
            Self::Excluded => "excluded",
            Self::Failed(ReadFailure::Timeout) => "timeout",
            Self::Failed(ReadFailure::Overdue) => "overdue",
            Self::Failed(ReadFailure::LeftOut) => "left_out",
            Self::Failed(ReadFailure::Error) => "error",
        }
    }
}

impl fmt::Display for ReadFailure {
    /// Writes the reason as messages show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => write!(f, "the API server did not answer within {} ms", ANSWER_TIME.as_millis()),
            Self::Overdue => write!(f, "live reads took longer than {} ms", READ_TIME.as_millis()),
            Self::LeftOut => f.write_str("the Ingress references too many objects to read each"),
            Self::Error => f.write_str("the API server returned an error"),
        }
    }
}

/// The objects that were fetched.
#[derive(Debug, Clone, Default)]
pub struct LiveReads {
    reads: HashMap<(Kind, Key), LiveRead>,
    kinds: Kinds,
}

impl LiveReads {
    /// Returns the result for an object, if it was fetched.
    #[must_use]
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<&LiveRead> {
        // Most reviews fetch nothing: they should not allocate a key for each lookup.
        if self.contains(kind) { self.reads.get(&(kind, Key::new(namespace, name))) } else { None }
    }

    /// Returns whether an object of a kind was fetched.
    #[must_use]
    pub fn contains(&self, kind: Kind) -> bool {
        self.kinds.contains(kind)
    }

    /// Returns every result in the order of kinds and keys.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Key, &LiveRead)> {
        let mut all: Vec<_> = self.reads.iter().map(|((kind, key), fact)| (*kind, key, fact)).collect();
        all.sort_by_key(|(kind, key, _)| (*kind, *key));
        all.into_iter()
    }

    /// Adds a result.
    pub fn insert(&mut self, kind: Kind, key: Key, fact: LiveRead) {
        self.kinds = self.kinds | kind.into();
        self.reads.insert((kind, key), fact);
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

    /// Removes the results of objects that are absent.
    pub fn forget_absent(&mut self) {
        self.reads.retain(|_, read| !matches!(read, LiveRead::Absent));
    }

    /// Removes the results of a kind.
    pub fn forget(&mut self, kind: Kind) {
        self.reads.retain(|(of, _), _| *of != kind);
        self.kinds = self.kinds.iter().filter(|of| *of != kind).collect();
    }

    /// Removes the result for an object.
    pub fn remove(&mut self, kind: Kind, key: &Key) {
        self.reads.remove(&(kind, key.clone()));
    }

    /// Adds other results.
    pub fn merge(&mut self, other: Self) {
        self.kinds = self.kinds | other.kinds;
        self.reads.extend(other.reads);
    }
}

impl Extend<((Kind, Key), LiveRead)> for LiveReads {
    fn extend<T: IntoIterator<Item = ((Kind, Key), LiveRead)>>(&mut self, live_reads: T) {
        for ((kind, key), read) in live_reads {
            self.insert(kind, key, read);
        }
    }
}
