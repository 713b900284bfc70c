//! Node: whether it is ready, so that its pods can be reached, and the addresses of its pods.

use serde::Deserialize;

use super::{lax, meta};

/// A Node.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct Node {
    /// The name.
    pub name: Box<str>,
    /// Whether the condition `Ready` is true or absent.
    pub is_ready: bool,
    /// `spec.podCIDRs`; some networks do not use it.
    pub pod_ranges: Box<[Box<str>]>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    spec: WireSpec,
    #[serde(deserialize_with = "lax::null")]
    status: WireStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireSpec {
    #[serde(rename = "podCIDRs", deserialize_with = "lax::null")]
    pod_cidrs: Box<[Box<str>]>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireStatus {
    #[serde(deserialize_with = "lax::null")]
    conditions: Vec<WireCondition>,
}

/// One of `status.conditions`, of a Node as of a Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireCondition {
    #[serde(rename = "type", deserialize_with = "lax::null")]
    pub(super) name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    pub(super) status: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    pub(super) reason: Box<str>,
}

impl From<Wire> for Node {
    fn from(wire: Wire) -> Self {
        let ready = wire.status.conditions.iter().find(|condition| &*condition.name == "Ready");
        let is_ready = ready.is_none_or(|condition| &*condition.status == "True");
        Self { name: wire.metadata.name, is_ready, pod_ranges: wire.spec.pod_cidrs }
    }
}
