//! The facts from which links are derived, as far as the user may read them.

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhook};
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::NetworkPolicy;

use crate::cluster::Right;
use crate::model::Key;

/// A fact, or the reason why it is unknown: a missing right of the user, or an error.
pub type Fact<T> = Result<T, String>;

/// Everything that was collected.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The time of the collection.
    pub now: Timestamp,
    /// The registration of the webhook; `None`: none was found.
    pub registration: Fact<Option<Registration>>,
    /// Where the API server, or without a registration a Service, calls the webhook.
    pub endpoint: Option<Endpoint>,
    /// All namespaces.
    pub namespaces: Fact<Vec<Namespace>>,
    /// The Service of the webhook; `None`: it does not exist.
    pub service: Fact<Option<Service>>,
    /// The EndpointSlices of the Service.
    pub slices: Fact<Vec<EndpointSlice>>,
    /// The pods that the Service selects.
    pub pods: Fact<Vec<Pod>>,
    /// The network policies in the namespace of the Service.
    pub policies: Fact<Vec<NetworkPolicy>>,
    /// The EndpointSlices of the API server.
    pub api_server: Fact<Vec<EndpointSlice>>,
    /// A connection to the webhook from where the command runs.
    pub connection: Connection,
    /// The dry runs; the reason why there are none.
    pub dry_runs: Fact<DryRuns>,
    /// The rights that the account needs, and whether it has each; `None`: the API server cannot decide.
    pub rights: Fact<Vec<(Right, Option<bool>)>>,
    /// The optional rights that the account does not have.
    pub declined: Vec<Right>,
    /// The service account of the webhook as a user name; empty if it is unknown.
    pub account: String,
    /// The replicas behind the Service.
    pub replicas: Fact<Vec<Replica>>,
    /// The registrations of webhooks that change objects.
    pub mutating: Fact<Vec<MutatingWebhookConfiguration>>,
}

/// The webhook of ingress-guard in a `ValidatingWebhookConfiguration`.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// The name of the configuration.
    pub name: String,
    /// The annotation `cert-manager.io/inject-ca-from` or a similar one: another program writes the `caBundle`.
    pub has_injected_ca: bool,
    /// The position of its entry for Ingresses in `webhooks`.
    pub position: usize,
    /// That entry.
    pub webhook: ValidatingWebhook,
    /// The entry for writes of other objects, with its position.
    pub impact: Option<(usize, ValidatingWebhook)>,
}

/// The place that the API server calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A port of a Service.
    Service(Key, i32),
    /// A URL.
    Url(String),
}

/// The result of a connection from where the command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// No attempt, for this reason.
    NotTried(String),
    /// No TCP connection.
    Refused {
        /// The address.
        address: String,
        /// The error.
        reason: String,
        /// Whether the command runs in the cluster, from where the Service must be reachable.
        is_inside: bool,
    },
    /// A TCP connection without a TLS handshake.
    Plain {
        /// The address.
        address: String,
        /// The error.
        reason: String,
    },
    /// A TLS connection.
    Tls {
        /// The address.
        address: String,
        /// The chain of the server (DER), leaf first. It is not verified.
        chain: Vec<Vec<u8>>,
    },
}

/// Two Ingresses that were created as dry runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRuns {
    /// Their namespace.
    pub namespace: String,
    /// The token in their annotation.
    pub token: String,
    /// The answer for an Ingress without a known problem.
    pub good: Fact<Answer>,
    /// The answer for an Ingress whose Service does not exist.
    pub bad: Fact<Answer>,
}

/// The answer of the API server to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `message` of the Status; empty for a success.
    pub message: String,
    /// The warnings.
    pub warnings: Vec<String>,
}

/// One pod of the webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// The name of the pod, or its address.
    pub name: String,
    /// The status and the body of `/readyz`.
    pub readiness: Fact<(u16, String)>,
    /// The body of `/metrics`.
    pub metrics: Fact<String>,
}

impl Endpoint {
    /// Returns the name that the serving certificate has to cover.
    #[must_use]
    pub fn server_name(&self) -> String {
        match self {
            Self::Service(key, _) => key.service_dns_name(),
            Self::Url(url) => url::Url::parse(url)
                .ok()
                .and_then(|url| url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()))
                .unwrap_or_default(),
        }
    }

    /// Returns the Service, if it is one.
    #[must_use]
    pub fn service(&self) -> Option<&Key> {
        match self {
            Self::Service(key, _) => Some(key),
            Self::Url(_) => None,
        }
    }
}

impl Facts {
    /// Whether a dry run was answered by this webhook. The API server has then reached it with all that this needs.
    pub(super) fn is_answered(&self) -> bool {
        let Ok(DryRuns { token, good, bad, .. }) = &self.dry_runs else { return false };
        [good, bad].into_iter().flatten().any(|answer| answer.is_ours(token))
    }
}
