//! Secret: whether its TLS certificate and key are usable. Contents are reduced to facts here and dropped; no key is kept.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::Deserialize;

use super::x509::all_readable;
use super::{Certificate, Meta, lax, meta};

/// A Secret, reduced to the facts that TLS and basic authentication depend on.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Wire")]
pub struct Secret {
    /// Identity and age.
    pub meta: Meta,
    /// The facts about its `tls.crt`, `tls.key` and `ca.crt`.
    pub tls: TlsFacts,
    /// Whether the type is `kubernetes.io/tls`.
    pub is_of_tls_type: bool,
    /// It has the data key `auth` (an htpasswd file).
    pub has_auth: bool,
    /// Whether `ca.crt` contains readable certificates.
    pub has_ca: bool,
}

/// The facts about a Secret as a serving certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFacts {
    /// A certificate and key that a controller can load.
    Pair {
        /// The certificate's facts.
        certificate: Certificate,
        /// Whether the key belongs to the certificate.
        key: KeyFit,
        /// `ca.crt` is absent or readable. An unreadable one makes ingress-nginx reject the whole Secret.
        ca_readable: bool,
    },
    /// No usable certificate and key.
    Unusable(TlsFault),
}

/// Whether a private key belongs to a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFit {
    /// It belongs to the certificate.
    Fits,
    /// A kind of key that cannot be verified here, e.g. P-521.
    Unknown,
}

/// The reason why a Secret has no usable certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// Some data keys are absent.
    KeysMissing(&'static str),
    /// The data key is there, but empty, as cert-manager leaves it until the certificate is issued.
    Empty(&'static str),
    /// `tls.crt` contains no readable PEM certificate.
    BadCertificate,
    /// `tls.key` contains no PEM private key.
    BadKey,
    /// The key belongs to another certificate.
    KeyMismatch,
    /// The key belongs to a later certificate of the chain.
    LeafNotFirst,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeysMissing(keys) => write!(f, "has no {keys}"),
            Self::Empty(key) => write!(f, "has an empty {key}"),
            Self::BadCertificate => f.write_str("has no readable PEM certificate in tls.crt"),
            Self::BadKey => f.write_str("has no readable PEM private key in tls.key"),
            Self::KeyMismatch => f.write_str("has a tls.key that does not match its tls.crt"),
            Self::LeafNotFirst => f.write_str("has another certificate before the server certificate in tls.crt"),
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Wire {
    #[serde(deserialize_with = "lax::null")]
    metadata: meta::Wire,
    #[serde(rename = "type", deserialize_with = "lax::null")]
    of_type: Box<str>,
    #[serde(deserialize_with = "lax::null")]
    data: BTreeMap<Box<str>, Option<Box<str>>>,
    /// `stringData`, which only manifests have: the API server turns it into `data`.
    #[serde(rename = "stringData", deserialize_with = "lax::null")]
    string_data: BTreeMap<Box<str>, Option<Box<str>>>,
}

impl From<Wire> for Secret {
    fn from(mut wire: Wire) -> Self {
        let mut take = |name: &str| -> Option<Vec<u8>> {
            if let Some(text) = wire.string_data.remove(name) {
                return Some(text.unwrap_or_default().as_bytes().to_vec());
            }
            let encoded: String = wire.data.remove(name)?.unwrap_or_default().split_ascii_whitespace().collect();
            // Text that is not valid base64 is treated as invalid PEM.
            Some(BASE64_STANDARD.decode(&encoded).unwrap_or_else(|_| encoded.into_bytes()))
        };
        let (certificate, key, ca) = (take("tls.crt"), take("tls.key"), take("ca.crt"));
        let tls = facts(certificate.as_deref(), key.as_deref(), ca.as_deref());
        let has_auth = take("auth").is_some();
        let has_ca = ca.is_some_and(|ca| !ca.trim_ascii().is_empty() && readable(&ca));
        Self {
            meta: Meta::from(wire.metadata),
            tls,
            is_of_tls_type: *wire.of_type == *"kubernetes.io/tls",
            has_auth,
            has_ca,
        }
    }
}

fn facts(certificate: Option<&[u8]>, key: Option<&[u8]>, ca: Option<&[u8]>) -> TlsFacts {
    match pair(certificate, key) {
        Ok((certificate, key)) => TlsFacts::Pair { certificate, key, ca_readable: ca.is_none_or(readable) },
        Err(fault) => TlsFacts::Unusable(fault),
    }
}

/// Checks a pair as Go's `tls.X509KeyPair` does (ingress-nginx `ssl.CreateSSLCert`).
fn pair(certificate: Option<&[u8]>, key: Option<&[u8]>) -> Result<(Certificate, KeyFit), TlsFault> {
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, Some(_)) => return Err(TlsFault::KeysMissing("tls.crt")),
        (Some(_), None) => return Err(TlsFault::KeysMissing("tls.key")),
        (None, None) => return Err(TlsFault::KeysMissing("tls.crt and tls.key")),
    };
    if certificate.trim_ascii().is_empty() {
        return Err(TlsFault::Empty("tls.crt"));
    }
    if key.trim_ascii().is_empty() {
        return Err(TlsFault::Empty("tls.key"));
    }
    // PEM blocks of other types are skipped, as in Go.
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).filter_map(Result::ok).collect();
    let facts = Certificate::from_chain(&chain).ok_or(TlsFault::BadCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsFault::BadKey)?;
    Ok((facts, key_fit(chain, &key)?))
}

fn key_fit(chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'_>) -> Result<KeyFit, TlsFault> {
    use rustls::{Error, InconsistentKeys::KeyMismatch};
    let Ok(signer) = rustls::crypto::ring::sign::any_supported_type(key) else { return Ok(KeyFit::Unknown) };
    for (position, certificate) in chain.into_iter().enumerate() {
        match (CertifiedKey::new(vec![certificate], signer.clone()).keys_match(), position) {
            (Ok(()), 0) => return Ok(KeyFit::Fits),
            (Ok(()), _) => return Err(TlsFault::LeafNotFirst),
            (Err(Error::InconsistentKeys(KeyMismatch)), _) => {}
            (Err(_), _) => return Ok(KeyFit::Unknown),
        }
    }
    Err(TlsFault::KeyMismatch)
}

fn readable(ca: &[u8]) -> bool {
    let chain = CertificateDer::pem_slice_iter(ca).collect::<Result<Vec<_>, _>>();
    ca.trim_ascii().is_empty() || chain.is_ok_and(|chain| all_readable(&chain))
}
