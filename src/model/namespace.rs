//! Namespace: its labels, which namespace rules of the configuration select, and whether it is being deleted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{lax, meta};

/// A Namespace.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct Namespace {
    /// The name.
    pub name: Box<str>,
    /// The labels.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// Whether it is being deleted: nothing can be created in it.
    pub deleting: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
}

impl From<Wire> for Namespace {
    fn from(mut wire: Wire) -> Self {
        let deleting = wire.metadata.is_deleted();
        let mut labels = wire.metadata.labels();
        let name = wire.metadata.name;
        // The API server puts it on every Namespace (Kubernetes 1.21 and later); manifests need not.
        labels.entry("kubernetes.io/metadata.name".into()).or_insert_with(|| name.clone());
        Self { name, labels, deleting }
    }
}
