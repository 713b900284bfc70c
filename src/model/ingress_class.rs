//! IngressClass.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Key, Meta, lax};

/// An IngressClass, which selects the controller of the Ingresses with this class.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct IngressClass {
    /// Identity and age.
    pub meta: Meta,
    /// `spec.controller`, e.g. `k8s.io/ingress-nginx`.
    pub controller: Box<str>,
    /// Annotated as the cluster's default: `ingressclass.kubernetes.io/is-default-class: "true"`.
    pub is_default: bool,
    /// The label `app.kubernetes.io/version`. Helm writes the version of the chart's image there; the image may differ.
    pub version_label: Option<Box<str>>,
    /// The annotation `meta.helm.sh/release-namespace`: the namespace of the controller's Helm release.
    pub release_namespace: Option<Box<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: WireMeta,
    #[serde(deserialize_with = "lax::null")]
    spec: WireSpec,
}

/// Metadata with every annotation: few classes exist, so none needs to be dropped while it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireMeta {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    labels: BTreeMap<Box<str>, Option<Box<str>>>,
    #[serde(deserialize_with = "lax::null")]
    annotations: BTreeMap<Box<str>, Option<Box<str>>>,
    creation_timestamp: Option<Timestamp>,
    deletion_timestamp: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    #[serde(deserialize_with = "lax::null")]
    controller: Box<str>,
}

impl From<Wire> for IngressClass {
    fn from(wire: Wire) -> Self {
        let WireMeta { name, mut labels, mut annotations, creation_timestamp, deletion_timestamp } = wire.metadata;
        let release_namespace = annotations.remove("meta.helm.sh/release-namespace").flatten();
        let kept = annotations.iter().map(|(key, value)| (&**key, value.as_deref().unwrap_or_default()));
        let meta = Meta {
            key: Key { namespace: Box::default(), name },
            annotations: kept.collect(),
            created: creation_timestamp,
            deleting: deletion_timestamp.is_some(),
        };
        let is_default = meta.annotations.get("ingressclass.kubernetes.io/is-default-class") == Some("true");
        let version_label = labels.remove("app.kubernetes.io/version").flatten();
        Self { meta, controller: wire.spec.controller, is_default, version_label, release_namespace }
    }
}
