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
    /// The namespaces whose controllers are watched. All of it is optional.
    pub controller_namespaces: Vec<String>,
    /// Returns the ConfigMaps of the controllers that run in a cluster. They are read by name, again and again.
    pub running_config_maps: Option<FindConfigMaps>,
}

/// Finds ConfigMaps in an inventory.
#[derive(Clone)]
pub struct FindConfigMaps(Arc<Find>);

type Find = dyn Fn(&Inventory) -> Vec<Key> + Send + Sync;

impl FindConfigMaps {
    /// Finds them with this function.
    #[must_use]
    pub fn by(find: impl Fn(&Inventory) -> Vec<Key> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(super) fn find(&self, inventory: &Inventory) -> Vec<Key> {
        (self.0)(inventory)
    }
}

impl fmt::Debug for FindConfigMaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FindConfigMaps")
    }
}

impl Wanted {
    /// Returns the kinds and namespaces of the controllers that are watched; the name of each key is empty.
    pub(crate) fn controllers(&self) -> impl Iterator<Item = (Kind, Key)> {
        const KINDS: [Kind; 3] = [Kind::DaemonSet, Kind::Deployment, Kind::Pod];
        let of_kind = |kind| self.controller_namespaces.iter().map(move |namespace| (kind, Key::new(namespace, "")));
        KINDS.into_iter().flat_map(of_kind)
    }
}
