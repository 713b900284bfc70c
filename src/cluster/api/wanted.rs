//! The objects that a process needs from the API server.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::access_review::{Right, Verb};
use crate::cluster::Inventory;
use crate::model::{Key, Kind, Kinds};

/// The objects to watch and to read.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The kinds that checks require.
    pub needs: Kinds,
    /// The kinds that are optional: they only improve messages.
    pub hints: Kinds,
    /// Single ConfigMaps.
    pub config_maps: Vec<Key>,
    /// The kinds that are not watched: their objects are read by name.
    pub on_demand: Kinds,
    /// The namespaces in which they are read.
    pub readable: ReadableNamespaces,
    /// The places whose controllers are watched. All of it is optional.
    pub controllers: Vec<ControllerPlace>,
    /// Returns further such places, which change with the IngressClasses.
    pub controllers_of_classes: Option<FindIn<ControllerPlace>>,
    /// Returns the ConfigMaps of the controllers that run in a cluster. They are read by name, again and again.
    pub running_config_maps: Option<FindIn<Key>>,
}

impl Wanted {
    /// Returns the kinds that a cluster may deny on purpose.
    #[must_use]
    pub fn optional(&self) -> Kinds {
        self.hints.iter().filter(|kind| !self.needs.contains(*kind)).collect()
    }

    /// Returns the rights that watches and reads of these objects need.
    #[must_use]
    pub fn rights(&self) -> Vec<Right> {
        let right = |kind, only, verb| Right { kind, only, verb };
        let watched = (self.needs | self.hints).iter().map(|kind| (kind, None));
        let watched = watched.chain(self.config_maps.iter().map(|key| (Kind::ConfigMap, Some(key.clone()))));
        let controllers = self.controllers.iter().flat_map(ControllerPlace::watched);
        let watched = watched.chain(controllers.map(|(kind, key)| (kind, Some(key))));
        let watched = watched.flat_map(|(kind, only)| Verb::OF_WATCHES.map(|verb| right(kind, only.clone(), verb)));
        let scopes = self.readable.scopes();
        let read = self.on_demand.iter();
        let read = read.flat_map(|kind| scopes.iter().map(move |only| right(kind, only.clone(), Verb::Get)));
        watched.chain(read).collect()
    }
}

/// The namespaces whose objects are read by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadableNamespaces(BTreeSet<String>);

impl ReadableNamespaces {
    /// Creates the set of these namespaces; of all if there are none.
    #[must_use]
    pub fn of(namespaces: impl IntoIterator<Item = String>) -> Self {
        Self(namespaces.into_iter().collect())
    }

    /// Returns whether the objects of a namespace are read.
    #[must_use]
    pub fn contains(&self, namespace: &str) -> bool {
        self.0.is_empty() || self.0.contains(namespace)
    }

    /// Returns the scopes of the rights to read objects: an empty name stands for every object of a namespace, `None` for all.
    pub(crate) fn scopes(&self) -> Vec<Option<Key>> {
        if self.0.is_empty() {
            return vec![None];
        }
        self.0.iter().map(|namespace| Some(Key::new(namespace, ""))).collect()
    }
}

/// The workloads and pods of one namespace that may run a controller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ControllerPlace {
    /// The namespace.
    pub namespace: String,
    /// The label selector.
    pub labels: String,
}

impl ControllerPlace {
    /// The kinds that are watched in it.
    const KINDS: [Kind; 3] = [Kind::DaemonSet, Kind::Deployment, Kind::Pod];

    /// Returns what is watched in it: the name of each key is empty.
    pub(crate) fn watched(&self) -> [(Kind, Key); 3] {
        Self::KINDS.map(|kind| (kind, Key::new(&self.namespace, "")))
    }
}

/// Finds objects by the state of an inventory.
pub struct FindIn<T>(Arc<Find<T>>);

type Find<T> = dyn Fn(&Inventory) -> Vec<T> + Send + Sync;

impl<T> FindIn<T> {
    /// Finds them with this function.
    #[must_use]
    pub fn by(find: impl Fn(&Inventory) -> Vec<T> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(super) fn find(&self, inventory: &Inventory) -> Vec<T> {
        (self.0)(inventory)
    }
}

impl<T> Clone for FindIn<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for FindIn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FindIn")
    }
}
