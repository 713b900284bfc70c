//! Webhook configurations and APIServices: the Services that the API server calls.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::{Key, lax, meta};

/// The label of every object of the chart: key and value.
pub const CHART_LABEL: (&str, &str) = ("app.kubernetes.io/name", "ingress-guard");

/// The beginnings of the annotations that make another program write the `caBundle` of a webhook configuration: the CA injector of
/// cert-manager, and the service CA operator of `OpenShift`.
const CA_INJECTORS: [&str; 2] = ["cert-manager.io/inject-", "service.beta.openshift.io/inject-cabundle"];

/// Returns whether an annotation of a webhook configuration makes another program write its `caBundle`.
#[must_use]
pub fn injects_ca(annotation: &str) -> bool {
    CA_INJECTORS.iter().any(|injector| annotation.starts_with(injector))
}

/// A `ValidatingWebhookConfiguration`, `MutatingWebhookConfiguration` or APIService, reduced to the Services that it
/// makes the API server call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct ApiCaller {
    /// The name; it is cluster-scoped.
    pub key: Key,
    /// The Services; empty if it calls a URL or the API server itself.
    pub services: Box<[CalledService]>,
    /// Whether it has the label of the chart of ingress-guard.
    pub is_of_chart: bool,
    /// The webhooks that get writes of Ingresses; snapshots do not contain them.
    pub ingress_webhooks: Box<[IngressWebhook]>,
}

/// A webhook whose rules select writes of Ingresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressWebhook {
    /// The Service; `None`: it calls a URL.
    pub service: Option<CalledService>,
    /// The CAs that the API server trusts (PEM); empty: those of its machine.
    pub ca_bundle: Box<[u8]>,
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
    #[serde(deserialize_with = "lax::null")]
    rules: Vec<WireRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireRule {
    #[serde(deserialize_with = "lax::null")]
    api_groups: Vec<Box<str>>,
    #[serde(deserialize_with = "lax::null")]
    api_versions: Vec<Box<str>>,
    #[serde(deserialize_with = "lax::null")]
    operations: Vec<Box<str>>,
    #[serde(deserialize_with = "lax::null")]
    resources: Vec<Box<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireTarget {
    service: Option<WireService>,
    #[serde(deserialize_with = "lax::null")]
    ca_bundle: Box<str>,
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
    fn from(mut wire: Wire) -> Self {
        let is_of_chart = wire.metadata.labels().get(CHART_LABEL.0).is_some_and(|value| **value == *CHART_LABEL.1);
        let (mut services, mut ingress_webhooks) = (Vec::new(), Vec::new());
        for WireWebhook { client_config, rules } in wire.webhooks {
            let WireTarget { service, ca_bundle } = client_config;
            let service = service.map(CalledService::from);
            services.extend(service.clone());
            if ["CREATE", "UPDATE"].iter().all(|operation| rules.iter().any(|rule| rule.selects_ingresses(operation))) {
                let ca_bundle = BASE64_STANDARD.decode(&*ca_bundle).unwrap_or_default().into();
                ingress_webhooks.push(IngressWebhook { service, ca_bundle });
            }
        }
        services.extend(wire.spec.service.map(CalledService::from));
        Self {
            key: Key { namespace: Box::default(), name: wire.metadata.name },
            services: services.into(),
            is_of_chart,
            ingress_webhooks: ingress_webhooks.into(),
        }
    }
}

impl WireRule {
    /// Whether it selects this operation on Ingresses.
    fn selects_ingresses(&self, operation: &str) -> bool {
        let has = |list: &[Box<str>], wanted: &[&str]| list.iter().any(|item| wanted.contains(&&**item));
        has(&self.api_groups, &["networking.k8s.io", "*"])
            && has(&self.api_versions, &["v1", "*"])
            && has(&self.operations, &[operation, "*"])
            && has(&self.resources, &["ingresses", "*", "*/*"])
    }
}

impl From<WireService> for CalledService {
    fn from(wire: WireService) -> Self {
        // The API server fills in 443 in all three kinds.
        Self { key: Key { namespace: wire.namespace, name: wire.name }, port: wire.port.unwrap_or(443) }
    }
}
