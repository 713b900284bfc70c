//! Ingresses with `metadata.generateName`. Each gets a name of its own from the API server, also those with the same prefix.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::cluster::Object;
use crate::model::Key;

/// The place of an object: its file, the start of its document, and the indexes in lists.
pub(super) type Place = (PathBuf, usize, Vec<usize>);

/// The names that were given, with the places of the objects. A file may be read several times, as a part of several roots.
#[derive(Debug, Default)]
pub(super) struct GeneratedNames(HashMap<Key, Vec<Place>>);

impl GeneratedNames {
    /// Makes the name of an object unique, if the API server completes it.
    pub(super) fn number(&mut self, object: &mut Object, place: impl FnOnce() -> Place) {
        let is_generated = object.ingress().is_some_and(|ingress| ingress.meta.key.name.ends_with('*'));
        if !is_generated {
            return;
        }
        let (places, place) = (self.0.entry(object.key()).or_default(), place());
        let at = places.iter().position(|other| *other == place).unwrap_or_else(|| {
            places.push(place);
            places.len() - 1
        });
        if at > 0 {
            object.number_name(at + 1);
        }
    }
}
