//! IngressClass.

use serde::Deserialize;

use super::{Meta, lax, meta};

/// An IngressClass, which selects the controller of the Ingresses with this class.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Wire")]
pub struct IngressClass {
    /// Identity and age.
    pub meta: Meta,
    /// `spec.controller`, e.g. `k8s.io/ingress-nginx`.
    pub controller: Box<str>,
    /// Annotated as the cluster's default: `ingressclass.kubernetes.io/is-default-class: "true"`.
    pub is_default: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    spec: WireSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    #[serde(deserialize_with = "lax::null")]
    controller: Box<str>,
}

impl From<Wire> for IngressClass {
    fn from(wire: Wire) -> Self {
        let meta = Meta::from(wire.metadata);
        let is_default = meta.annotations.get("ingressclass.kubernetes.io/is-default-class") == Some("true");
        Self { meta, controller: wire.spec.controller, is_default }
    }
}
