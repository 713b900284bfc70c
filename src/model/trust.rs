//! Whether a client that trusts a bundle of CAs accepts a serving certificate, as the API server decides about a webhook.

use std::time::Duration;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;

use super::x509::is_valid_at;

/// The reason why a client rejects a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// The bundle contains no certificate.
    #[error("the bundle contains no certificate")]
    NoAuthority,
    /// Every certificate of the bundle has expired or is not valid yet.
    #[error("every CA of the bundle has expired or is not valid yet")]
    AuthorityExpired,
    /// No CA of the bundle has signed the certificate.
    #[error("no CA of the bundle has signed the certificate")]
    UnknownIssuer,
    /// The certificate has expired.
    #[error("the certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate does not cover the name.
    #[error("the certificate is not valid for {0}")]
    OtherName(String),
    /// Another reason, for which clients with other rules may accept the certificate.
    #[error("{0}")]
    Other(String),
}

impl Distrust {
    /// Returns whether every client rejects the certificate.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

/// The CAs that a client trusts: the content of a `caBundle`.
#[derive(Debug)]
pub struct TrustBundle(Vec<CertificateDer<'static>>);

impl TrustBundle {
    /// Parses certificates in PEM. Other content is skipped, as by Go.
    #[must_use]
    pub fn from_pem(pem: &[u8]) -> Self {
        Self(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect())
    }

    /// A bundle that trusts the leaf of a chain (DER), whatever has signed it.
    #[must_use]
    pub fn of_leaf<B: AsRef<[u8]>>(chain: &[B]) -> Self {
        Self(chain.iter().take(1).map(|leaf| CertificateDer::from(leaf.as_ref().to_vec())).collect())
    }

    /// Returns the number of certificates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether it contains no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns why a client that trusts this bundle cannot accept any certificate.
    #[must_use]
    pub fn fault(&self, now: Timestamp) -> Option<Distrust> {
        if self.0.is_empty() {
            return Some(Distrust::NoAuthority);
        }
        let is_any_valid = self.0.iter().any(|authority| is_valid_at(authority, now) != Some(false));
        (!is_any_valid).then_some(Distrust::AuthorityExpired)
    }

    /// Returns why a client that trusts this bundle rejects a chain (DER, leaf first) for a DNS name or an address.
    #[must_use]
    pub fn rejection<B: AsRef<[u8]>>(&self, chain: &[B], name: &str, now: Timestamp) -> Option<Distrust> {
        if let Some(fault) = self.fault(now) {
            return Some(fault);
        }
        let chain: Vec<CertificateDer<'_>> = chain.iter().map(|der| CertificateDer::from(der.as_ref())).collect();
        let (leaf, others) = chain.split_first()?;
        let parsed = match ParsedCertificate::try_from(leaf) {
            Ok(parsed) => parsed,
            Err(error) => return Some(Distrust::Other(error.to_string())),
        };
        self.chain_rejection(leaf, &parsed, others, now).or_else(|| name_rejection(&parsed, name))
    }

    fn chain_rejection(
        &self,
        leaf: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        others: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Option<Distrust> {
        match is_valid_at(leaf, now) {
            // Go trusts a certificate that is itself in the bundle, whether it is a CA or not.
            Some(true) if self.0.iter().any(|authority| authority == leaf) => return None,
            _ => {}
        }
        // The library does not read the validity of trust anchors.
        let valid = self.0.iter().filter(|authority| is_valid_at(authority, now) != Some(false));
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(valid.cloned());
        let seconds = Duration::from_secs(now.as_second().max(0).cast_unsigned());
        let time = UnixTime::since_unix_epoch(seconds);
        let algorithms = ring::default_provider().signature_verification_algorithms.all;
        let verified = verify_server_cert_signed_by_trust_anchor(parsed, &roots, others, time, algorithms);
        Some(match verified.err()? {
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Distrust::UnknownIssuer,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Distrust::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Distrust::NotYetValid,
                other => Distrust::Other(other.to_string()),
            },
            other => Distrust::Other(other.to_string()),
        })
    }
}

fn name_rejection(parsed: &ParsedCertificate<'_>, name: &str) -> Option<Distrust> {
    let Ok(server) = ServerName::try_from(name) else {
        return Some(Distrust::Other(format!("{name} is not a name for a server")));
    };
    verify_server_name(parsed, &server).err().map(|_| Distrust::OtherName(name.to_owned()))
}
