//! A self-signed certificate in memory, for a server without certificate files.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256};

const DAY: Duration = Duration::from_hours(24);
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A P-256 certificate and its key, valid for 365 days.
#[derive(Clone)]
pub struct SelfSigned {
    certificate: String,
    key: String,
}

impl SelfSigned {
    /// Generates a certificate for localhost, its two addresses and `names` (host names or addresses).
    ///
    /// # Errors
    /// If a name is neither a host name nor an address.
    pub fn generate(names: &[String]) -> Result<Self, rcgen::Error> {
        let mut all = LOOPBACK.map(String::from).to_vec();
        all.extend(names.iter().filter(|name| !LOOPBACK.contains(&name.as_str())).cloned());
        let mut params = CertificateParams::new(all)?;
        params.distinguished_name.push(DnType::CommonName, "ingress-guard");
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        // One day earlier, for clients whose clock is behind.
        let not_before = SystemTime::now() - DAY;
        params.not_before = not_before.into();
        params.not_after = (not_before + 365 * DAY).into();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Returns the certificate that clients must trust. Base64-encoded it is the value of `caBundle`.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    pub(crate) fn key_pem(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
