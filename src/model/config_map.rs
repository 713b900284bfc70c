//! ConfigMap: its existence, and the settings of a controller.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Key, lax, meta};

/// The data keys that are kept; every other is dropped when an object is read. They are those of ingress-nginx'
/// configuration that its answers depend on (section 7.2).
const KEPT: [&str; 6] = [
    "allow-cross-namespace-resources",
    "allow-snippet-annotations",
    "annotations-risk-level",
    "global-allowed-response-headers",
    "ssl-redirect",
    "strict-validate-path-type",
];

/// A ConfigMap, reduced to what a controller's answers depend on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct ConfigMap {
    /// Namespace and name.
    pub key: Key,
    data: Box<[(&'static str, Box<str>)]>,
}

impl ConfigMap {
    /// The value of a data key that is kept.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        debug_assert!(KEPT.contains(&key), "{key} is never kept: see KEPT");
        self.data.iter().find(|(have, _)| *have == key).map(|(_, value)| &**value)
    }

    /// The data keys that are kept, each with its value.
    pub fn data(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.data.iter().map(|(key, value)| (*key, &**value))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    data: BTreeMap<Box<str>, Option<Box<str>>>,
}

impl From<Wire> for ConfigMap {
    fn from(mut wire: Wire) -> Self {
        let key = Key { namespace: wire.metadata.namespace, name: wire.metadata.name };
        let kept = KEPT.into_iter().filter_map(|key| Some((key, wire.data.remove(key)?.unwrap_or_default())));
        Self { key, data: kept.collect() }
    }
}
