//! A certificate for a server without files: made in memory, trusted by whoever is shown its PEM.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256};

const DAY: Duration = Duration::from_hours(24);
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A P-256 certificate and its key, valid for a year.
#[derive(Clone)]
pub struct SelfSigned {
    certificate: String,
    key: String,
}

impl SelfSigned {
    /// Make one for localhost, its two addresses and `names` (host names or addresses).
    ///
    /// # Errors
    /// When a name is neither.
    pub fn generate(names: &[String]) -> Result<Self, rcgen::Error> {
        let mut all = LOOPBACK.map(String::from).to_vec();
        all.extend(names.iter().filter(|name| !LOOPBACK.contains(&name.as_str())).cloned());
        let mut params = CertificateParams::new(all)?;
        params.distinguished_name.push(DnType::CommonName, "ingress-guard");
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        // A day back, for clients whose clock is behind.
        let not_before = SystemTime::now() - DAY;
        params.not_before = not_before.into();
        params.not_after = (not_before + 365 * DAY).into();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// What a client must trust; also what goes, in base64, into `caBundle`.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    pub(super) fn key_pem(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
