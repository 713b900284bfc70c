//! A CA that signs serving certificates for one Service, and nothing else.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::bundle::Bundle;
use super::lifetimes::BACKDATED;
use super::service::ServiceName;

/// A CA and its key (ECDSA P-256).
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    certificate: CertificateDer<'static>,
    /// PEM.
    key: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// A serving certificate in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The certificate and its key.
    pub pair: Pair,
    /// The certificate of the CA that signed it.
    pub authority: CertificateDer<'static>,
    /// The time of its creation.
    pub created: Timestamp,
    /// Its `notAfter`.
    pub not_after: Timestamp,
}

/// A certificate and its private key, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

/// The reason why a CA cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate cannot be read.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// The key cannot be read.
    #[error("no private key in PEM")]
    NoKey,
    /// The key does not belong to the certificate.
    #[error("the key does not belong to the certificate")]
    KeyMismatch,
    /// Its dates are centuries away.
    #[error("the validity is out of range")]
    Validity,
    /// It cannot sign.
    #[error("cannot create a certificate: {0}")]
    Signing(#[from] rcgen::Error),
}

impl Authority {
    /// Creates a CA that is valid from one hour before `now` until `life` after it. Critical name constraints limit it to the DNS
    /// name of the Service, and its path length to certificates of servers.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn generate(service: &ServiceName, now: Timestamp, life: Duration) -> Result<Self, AuthorityError> {
        let mut params = CertificateParams::default();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        // Verifiers select among the CAs of a bundle by subject, so it must be unique.
        let id = params.key_identifier(&key).iter().take(8).fold(0, |id, byte| (id << 8) | u64::from(*byte));
        params.distinguished_name.push(DnType::CommonName, format!("ingress-guard CA {id:016x}"));
        params.distinguished_name.push(DnType::OrganizationName, service.to_string());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(service.dns_name())],
            // A constraint applies to its own type of name only: without these, certificates for addresses would be valid.
            excluded_subtrees: vec![
                GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
                GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
            ],
        });
        set_validity(&mut params, now, now + life);
        let certificate = params.self_signed(&key)?;
        Self::read(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())
    }

    /// Reads a CA from PEM.
    ///
    /// # Errors
    /// If certificate or key cannot be read, or do not belong together.
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, AuthorityError> {
        let certificate = CertificateDer::from_pem_slice(certificate).map_err(|_| AuthorityError::NoCertificate)?;
        let key = str::from_utf8(key).map_err(|_| AuthorityError::NoKey)?.to_owned();
        let pair = KeyPair::from_pem(&key).map_err(|_| AuthorityError::NoKey)?;
        let (_, parsed) =
            x509_parser::parse_x509_certificate(&certificate).map_err(|_| AuthorityError::NoCertificate)?;
        if *parsed.public_key().subject_public_key.data != *pair.public_key_raw() {
            return Err(AuthorityError::KeyMismatch);
        }
        let time = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).ok().filter(is_calculable).ok_or(AuthorityError::Validity)
        };
        let (not_before, not_after) = (time(parsed.validity().not_before)?, time(parsed.validity().not_after)?);
        Ok(Self { certificate, key, not_before, not_after })
    }

    /// Signs a certificate for the DNS name of the Service with a new key, valid from one hour before `now` until `life` after it.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn sign(&self, service: &ServiceName, now: Timestamp, life: Duration) -> Result<Leaf, AuthorityError> {
        let mut params = CertificateParams::new([service.dns_name()])?;
        params.distinguished_name.push(DnType::CommonName, "ingress-guard");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let not_after = (now + life).min(self.not_after);
        set_validity(&mut params, now, not_after);
        let issuer = Issuer::from_ca_cert_der(&self.certificate, KeyPair::from_pem(&self.key)?)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let pair = Pair { certificate: params.signed_by(&key, &issuer)?.pem(), key: key.serialize_pem() };
        Ok(Leaf { pair, authority: self.certificate.clone(), created: now, not_after })
    }

    /// Returns the certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Returns the certificate as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.certificates().pem()
    }

    /// Returns the key as PEM.
    pub(super) fn key_pem(&self) -> &str {
        &self.key
    }

    /// Returns the certificate as a bundle.
    #[must_use]
    pub fn certificates(&self) -> Bundle {
        std::iter::once(self.certificate.clone()).collect()
    }

    /// Returns the time of its creation.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.not_before + BACKDATED
    }

    /// Returns its `notAfter`.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// Whether durations can be added to a time without an overflow.
pub(super) fn is_calculable(time: &Timestamp) -> bool {
    const CENTURIES: i64 = 20_000_000_000;
    (0..CENTURIES).contains(&time.as_second())
}

fn set_validity(params: &mut CertificateParams, created: Timestamp, not_after: Timestamp) {
    params.not_before = SystemTime::from(created - BACKDATED).into();
    params.not_after = SystemTime::from(not_after).into();
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf").field("created", &self.created).finish_non_exhaustive()
    }
}
