//! The Namespaces and their labels.

use std::collections::BTreeMap;

use crate::cluster::{Coverage, Inventory, Lookup};
use crate::model::{Kind, Namespace};

impl Inventory {
    /// Returns a Namespace.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name).map(|namespace| &**namespace)
    }

    /// Returns the labels of a Namespace.
    #[must_use]
    pub fn namespace_labels(&self, name: &str) -> Lookup<&BTreeMap<Box<str>, Box<str>>> {
        if self.coverage(Kind::Namespace) != Coverage::Complete {
            return Lookup::Unknown;
        }
        self.namespace(name).map_or(Lookup::Absent, |namespace| Lookup::Found(&namespace.labels))
    }

    /// Returns every Namespace, in no particular order.
    pub fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.namespaces.values().map(|namespace| &**namespace)
    }

    /// Returns whether it contains this Namespace, the same in all that is kept.
    pub(super) fn holds_namespace(&self, namespace: &Namespace) -> bool {
        self.namespace(&namespace.name).is_some_and(|stored| stored == namespace)
    }
}
