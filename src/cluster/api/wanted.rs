//! The objects that a process needs from the API server.

use crate::model::{Key, Kinds};

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
}
