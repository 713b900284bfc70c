//! EndpointSlice: the number of endpoints of a Service, and their ports.

use std::sync::Arc;

use serde::Deserialize;

use super::service::Protocol;
use super::{Key, lax, meta};

/// An EndpointSlice, reduced to counts: a cluster has tens of thousands, with a hundred endpoints each.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct EndpointSlice {
    /// Namespace and name.
    pub key: Key,
    /// The Service (label `kubernetes.io/service-name`); empty if it has none.
    pub service: Box<str>,
    /// The type of its addresses.
    pub address_type: AddressType,
    /// The ports, each of every endpoint of the slice. The store shares them among the slices of a Service.
    pub ports: Arc<[SlicePort]>,
    /// Number of ready endpoints: `conditions.ready` is true or absent.
    pub ready: u32,
    /// Number of endpoints that are not ready.
    pub not_ready: u32,
}

/// `addressType`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressType {
    /// `IPv4`
    Ipv4,
    /// `IPv6`
    Ipv6,
    /// `FQDN`, deprecated.
    Fqdn,
}

/// One of `ports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlicePort {
    /// The name of the Service port; empty if that port has no name.
    pub name: Box<str>,
    /// The number on the endpoints; `None` if the slice does not set it.
    pub number: Option<i32>,
    /// `protocol`
    pub protocol: Protocol,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(deserialize_with = "lax::null")]
    address_type: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    endpoints: Vec<WireEndpoint>,
    #[serde(deserialize_with = "lax::null")]
    ports: Vec<WirePort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireEndpoint {
    #[serde(deserialize_with = "lax::null")]
    conditions: WireConditions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireConditions {
    ready: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WirePort {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    port: Option<i32>,
    #[serde(deserialize_with = "lax::null")]
    protocol: Box<str>,
}

impl From<Wire> for EndpointSlice {
    fn from(mut wire: Wire) -> Self {
        let service = wire.metadata.labels().remove("kubernetes.io/service-name").unwrap_or_default();
        let address_type = match &*wire.address_type {
            "IPv6" => AddressType::Ipv6,
            "FQDN" => AddressType::Fqdn,
            _ => AddressType::Ipv4,
        };
        // A missing condition counts as ready (discovery.k8s.io/v1 EndpointConditions).
        let is_ready = |endpoint: &&WireEndpoint| endpoint.conditions.ready != Some(false);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let ready = wire.endpoints.iter().filter(is_ready).count();
        Self {
            key: Key { namespace: wire.metadata.namespace, name: wire.metadata.name },
            service,
            address_type,
            ports: wire.ports.into_iter().map(SlicePort::from).collect(),
            ready: count(ready),
            not_ready: count(wire.endpoints.len() - ready),
        }
    }
}

impl From<WirePort> for SlicePort {
    fn from(wire: WirePort) -> Self {
        Self { name: wire.name, number: wire.port, protocol: Protocol::parse(&wire.protocol) }
    }
}
