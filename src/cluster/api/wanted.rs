//! The objects that a process needs from the API server.

use std::fmt;
use std::sync::Arc;

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
    /// The places whose controllers are watched. All of it is optional.
    pub controllers: Vec<ControllerPlace>,
    /// Returns further such places, which change with the IngressClasses.
    pub controllers_of_classes: Option<FindIn<ControllerPlace>>,
    /// Returns the ConfigMaps of the controllers that run in a cluster. They are read by name, again and again.
    pub running_config_maps: Option<FindIn<Key>>,
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
