//! cert-manager's Certificate: it requests a certificate that is issued into a Secret.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Key, lax, meta};

/// A Certificate of cert-manager, reduced to the Secret that it is issued into, and to its status.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct CertManagerCertificate {
    /// Namespace and name.
    pub key: Key,
    /// `spec.secretName`, in its own namespace.
    pub secret_name: Box<str>,
    /// `status.notAfter`: the end of the validity of the certificate in the Secret. `None` before the first one is issued.
    pub not_after: Option<Timestamp>,
    /// The condition `Ready`; `None` until cert-manager has set it.
    pub ready: Option<bool>,
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
#[serde(default, rename_all = "camelCase")]
struct WireSpec {
    #[serde(deserialize_with = "lax::null")]
    secret_name: Box<str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireStatus {
    #[serde(deserialize_with = "lax::null")]
    not_after: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    conditions: Vec<WireCondition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCondition {
    #[serde(rename = "type", deserialize_with = "lax::null")]
    kind: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    status: Box<str>,
}

impl From<Wire> for CertManagerCertificate {
    fn from(Wire { metadata, spec, status }: Wire) -> Self {
        let ready = status.conditions.iter().find(|condition| &*condition.kind == "Ready");
        Self {
            key: Key { namespace: metadata.namespace, name: metadata.name },
            secret_name: spec.secret_name,
            not_after: status.not_after.parse().ok(),
            ready: ready.and_then(|condition| match &*condition.status {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            }),
        }
    }
}
