//! A set of CA certificates: the value of `caBundle`.

use pem::Pem;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// CA certificates in order, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle(Vec<CertificateDer<'static>>);

impl Bundle {
    /// Reads all certificates of a PEM text: one that was left out would be lost when the bundle is written. As in the API server,
    /// everything else in it is ignored.
    #[must_use]
    pub fn parse(pem: &[u8]) -> Self {
        CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
    }

    /// Returns the certificates as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        let blocks: Vec<Pem> = self.0.iter().map(|der| Pem::new("CERTIFICATE", der.to_vec())).collect();
        pem::encode_many_config(&blocks, pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
    }

    /// Whether it contains a certificate.
    #[must_use]
    pub fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.iter().any(|own| own == certificate)
    }

    /// Whether both contain the same certificates, in any order.
    #[must_use]
    pub fn is_same_set(&self, other: &Self) -> bool {
        self.len() == other.len() && self.0.iter().all(|certificate| other.contains(certificate))
    }

    /// Returns the certificates of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).cloned().collect()
    }

    /// Returns the certificates that the other bundle does not contain.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.0.iter().filter(|certificate| !other.contains(certificate)).cloned().collect()
    }

    /// Returns the certificates, in order.
    pub fn iter(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter()
    }

    /// Returns the number of certificates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it contains no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<CertificateDer<'static>> for Bundle {
    fn from_iter<I: IntoIterator<Item = CertificateDer<'static>>>(certificates: I) -> Self {
        let mut bundle = Self::default();
        for certificate in certificates {
            if !bundle.contains(&certificate) {
                bundle.0.push(certificate);
            }
        }
        bundle
    }
}
