//! The certificate that a server sends, and whether browsers accept it. The chain is not compared with trust stores: a private CA is
//! a choice of the operator.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Certificate, Host};

/// The common name of the certificate that ingress-nginx creates for hosts without one (`getFakeSSLCert`).
const FAKE: &str = concat!("Kubernetes Ingress Controller Fake", " Certificate");
/// The beginning of that of Traefik (`generate.DefaultCertificate`).
const DEFAULT_OF_TRAEFIK: &str = "TRAEFIK DEFAULT CERT";

/// The certificate of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCertificate {
    /// The leaf (DER).
    pub leaf: Vec<u8>,
    /// Its facts; `None` if it cannot be parsed.
    pub facts: Option<Certificate>,
    /// Whether a controller has created it itself, for lack of another.
    pub is_fake: bool,
}

/// A certificate in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CertificateEntry {
    names: Vec<String>,
    not_after: Option<Timestamp>,
    /// Whether a controller has created it itself.
    is_default: bool,
}

impl SeenCertificate {
    /// Reads the chain that a server sends.
    #[must_use]
    pub fn of_chain(chain: &[Vec<u8>]) -> Option<Self> {
        let leaf = chain.first()?.clone();
        let name = Certificate::common_name(&leaf).unwrap_or_default();
        Some(Self { is_fake: is_fake(&name), facts: Certificate::from_chain(chain), leaf })
    }

    /// Returns the reason why browsers reject the certificate for a host, apart from its chain.
    #[must_use]
    pub fn problem(&self, host: &Host, now: Timestamp) -> Option<String> {
        let Some(facts) = &self.facts else { return Some("cannot be parsed".to_owned()) };
        let names: Vec<String> = facts.names.iter().take(3).map(Host::to_string).collect();
        match () {
            () if !facts.covers(host) && names.is_empty() => Some("has no name".to_owned()),
            () if !facts.covers(host) => Some(format!("is valid for {}, not for {host}", names.join(", "))),
            () if now > facts.not_after => Some(format!("expired on {}", facts.not_after.strftime("%F"))),
            () if now < facts.not_before => Some(format!("is not valid before {}", facts.not_before.strftime("%F"))),
            () if facts.by_common_name => Some("has a common name, but no subject alternative name".to_owned()),
            () => None,
        }
    }

    pub(super) fn entry(&self) -> CertificateEntry {
        let facts = self.facts.as_ref();
        CertificateEntry {
            names: facts.iter().flat_map(|facts| &facts.names).map(Host::to_string).collect(),
            not_after: facts.map(|facts| facts.not_after),
            is_default: self.is_fake,
        }
    }
}

/// Returns whether this is the common name of a certificate that a controller has created itself.
#[must_use]
pub fn is_fake(common_name: &str) -> bool {
    common_name == FAKE || common_name.starts_with(DEFAULT_OF_TRAEFIK)
}
