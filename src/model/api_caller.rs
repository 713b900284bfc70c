//! Webhook configurations and APIServices: the Services that the API server calls.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::{Key, LabelSelector, label_selector, lax, meta};

/// The label of every object of the chart: key and value.
pub const CHART_LABEL: (&str, &str) = ("app.kubernetes.io/name", "ingress-guard");

/// The path of reviews.
pub const REVIEW_PATH: &str = "/validate";

/// The match conditions of the chart, with single spaces.
const CONDITIONS: [(&str, &str); 2] = [
    (
        "not-removed",
        "object.metadata.?deletionTimestamp.orValue(null) == null || object.metadata.?finalizers.orValue([]).size() > 0",
    ),
    (
        "created-or-changed",
        "oldObject == null || object.?spec != oldObject.?spec || \
         object.metadata.?annotations != oldObject.metadata.?annotations",
    ),
];

/// Returns whether a match condition is one of the chart. Those exclude no write that creates or changes an Ingress.
#[must_use]
pub fn is_condition_of_chart(name: &str, expression: &str) -> bool {
    let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    CONDITIONS.contains(&(name, &*expression))
}

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
    /// The path at this Service.
    pub path: Box<str>,
    /// The CAs that the API server trusts (PEM); empty: those of its machine.
    pub ca_bundle: Box<[u8]>,
    /// The namespaces whose Ingresses it gets; `None`: the selector cannot be read.
    pub namespaces: Option<LabelSelector>,
    /// Whether it selects Ingresses by their labels.
    pub selects_labels: bool,
    /// The names of its match conditions besides those of the chart.
    pub conditions: Box<[Box<str>]>,
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
    #[serde(deserialize_with = "lax::null")]
    namespace_selector: label_selector::Wire,
    #[serde(deserialize_with = "lax::null")]
    object_selector: label_selector::Wire,
    #[serde(deserialize_with = "lax::null")]
    match_conditions: Vec<WireCondition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCondition {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    expression: Box<str>,
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
    #[serde(deserialize_with = "lax::null")]
    scope: Box<str>,
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
    #[serde(deserialize_with = "lax::null")]
    path: Box<str>,
}

impl From<Wire> for ApiCaller {
    fn from(mut wire: Wire) -> Self {
        let is_of_chart = wire.metadata.labels().get(CHART_LABEL.0).is_some_and(|value| **value == *CHART_LABEL.1);
        let (mut services, mut ingress_webhooks) = (Vec::new(), Vec::new());
        for webhook in wire.webhooks {
            let is_of_ingresses = webhook.selects_ingresses();
            let webhook = IngressWebhook::from(webhook);
            services.extend(webhook.service.clone());
            if is_of_ingresses {
                ingress_webhooks.push(webhook);
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

impl WireWebhook {
    /// Whether its rules select the creation and the change of Ingresses.
    fn selects_ingresses(&self) -> bool {
        let selects = |operation: &&str| self.rules.iter().any(|rule| rule.selects_ingresses(operation));
        ["CREATE", "UPDATE"].iter().all(selects)
    }
}

impl From<WireWebhook> for IngressWebhook {
    fn from(wire: WireWebhook) -> Self {
        let WireTarget { service, ca_bundle } = wire.client_config;
        let path = service.as_ref().map(|service| service.path.clone()).unwrap_or_default();
        let others = wire.match_conditions.into_iter();
        let others = others.filter(|condition| !is_condition_of_chart(&condition.name, &condition.expression));
        Self {
            service: service.map(CalledService::from),
            path,
            ca_bundle: BASE64_STANDARD.decode(&*ca_bundle).unwrap_or_default().into(),
            namespaces: LabelSelector::read(&wire.namespace_selector),
            selects_labels: LabelSelector::read(&wire.object_selector).as_ref() != LabelSelector::parse("").as_ref(),
            conditions: others.map(|condition| condition.name).collect(),
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
            && *self.scope != *"Cluster"
    }
}

impl From<WireService> for CalledService {
    fn from(wire: WireService) -> Self {
        // The API server fills in 443 in all three kinds.
        Self { key: Key { namespace: wire.namespace, name: wire.name }, port: wire.port.unwrap_or(443) }
    }
}
