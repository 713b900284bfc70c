//! Webhook configurations and APIServices: the Services that the API server calls.

use serde::Deserialize;

use super::{Key, lax, meta};

/// A `ValidatingWebhookConfiguration`, `MutatingWebhookConfiguration` or APIService, reduced to the Services that it
/// makes the API server call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct ApiCaller {
    /// The name; it is cluster-scoped.
    pub key: Key,
    /// The Services; empty if it calls a URL or the API server itself.
    pub services: Box<[CalledService]>,
}

/// A port of a Service that the API server calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalledService {
    /// Namespace and name of the Service.
    pub key: Key,
    /// The number of its port.
    pub port: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    /// Parses a webhook configuration.
    #[serde(deserialize_with = "lax::null")]
    webhooks: Vec<WireWebhook>,
    /// Parses an APIService.
    #[serde(deserialize_with = "lax::null")]
    spec: WireTarget,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireWebhook {
    #[serde(deserialize_with = "lax::null")]
    client_config: WireTarget,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireTarget {
    service: Option<WireService>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireService {
    #[serde(deserialize_with = "lax::null")]
    namespace: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    port: Option<i32>,
}

impl From<Wire> for ApiCaller {
    fn from(wire: Wire) -> Self {
        let targets = wire.webhooks.into_iter().map(|webhook| webhook.client_config).chain([wire.spec]);
        Self {
            key: Key { namespace: Box::default(), name: wire.metadata.name },
            services: targets.filter_map(|target| target.service).map(CalledService::from).collect(),
        }
    }
}

impl From<WireService> for CalledService {
    fn from(wire: WireService) -> Self {
        // The API server fills in 443 in all three kinds.
        Self { key: Key { namespace: wire.namespace, name: wire.name }, port: wire.port.unwrap_or(443) }
    }
}
