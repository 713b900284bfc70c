//! cert-manager's Certificate: it requests a certificate that is issued into a Secret.

use serde::Deserialize;

use super::{Key, lax, meta};

/// A Certificate of cert-manager, reduced to the Secret that it is issued into.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct CertManagerCertificate {
    /// Namespace and name.
    pub key: Key,
    /// `spec.secretName`, in its own namespace.
    pub secret_name: Box<str>,
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
#[serde(default, rename_all = "camelCase")]
struct WireSpec {
    #[serde(deserialize_with = "lax::null")]
    secret_name: Box<str>,
}

impl From<Wire> for CertManagerCertificate {
    fn from(wire: Wire) -> Self {
        let key = Key { namespace: wire.metadata.namespace, name: wire.metadata.name };
        Self { key, secret_name: wire.spec.secret_name }
    }
}
