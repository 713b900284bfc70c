//! The TLS configuration from certificate files, and the errors in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};

use super::self_signed::SelfSigned;
use crate::certificates::ServingCertificate;
use crate::file;

/// The most bytes of a file with certificates or a key: the CAs of an operating system have a quarter of a MB.
const LARGEST: u64 = 4 << 20;

/// The source of the serving certificate.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// Two PEM files, or one that contains both, reloaded when they change.
    Files {
        /// The chain, leaf first.
        certificate: PathBuf,
        /// The key: PKCS#8, SEC1 or PKCS#1.
        key: PathBuf,
    },
    /// A certificate that is issued in this process, and replaced from time to time.
    Issued(ServingCertificate),
    /// A certificate in memory.
    Memory(SelfSigned),
}

/// The TLS options of the webhook port.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// The serving certificate.
    pub certificate: CertificateSource,
    /// CAs of client certificates. If set, a client certificate is required.
    pub client_ca: Option<PathBuf>,
    /// The interval at which the files are read again.
    pub poll: Duration,
    /// The DNS name under which the API server calls the webhook. If set, a certificate without this name is reported.
    pub dns_name: Option<String>,
}

/// The reason why there is no TLS configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        reason: String,
    },
    /// The content of the file is invalid.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The error in it.
        reason: String,
    },
    /// The key does not belong to the certificate.
    #[error("the key in {} does not match the certificate in {}", key.display(), certificate.display())]
    KeyMismatch {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
    },
}

/// The bytes of one file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Part {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// The bytes of a configuration and the expected name: equal bytes result in an equal configuration. It has no `Debug`, because it contains the key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Material {
    certificate: Part,
    key: Part,
    client_ca: Option<Part>,
    dns_name: Option<String>,
}

/// A configuration and its certificate.
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    pub(super) leaf: Leaf,
}

/// The facts of a served certificate that decide whether the API server accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The chain that begins with it (DER).
    pub(super) chain: Vec<Vec<u8>>,
    /// Seconds since 1970.
    pub(super) not_before: i64,
    /// Seconds since 1970.
    pub(super) not_after: i64,
    /// The expected DNS name, if the certificate is not valid for it.
    pub(super) missing_name: Option<String>,
}

impl Part {
    fn read(path: &Path) -> Result<Self, TlsError> {
        match file::read(path, LARGEST) {
            Ok(bytes) => Ok(Self { path: path.to_owned(), bytes }),
            Err(error) => Err(TlsError::Unreadable { path: path.to_owned(), reason: error.to_string() }),
        }
    }

    fn in_memory(pem: &str) -> Self {
        Self { path: PathBuf::from("(in memory)"), bytes: pem.as_bytes().to_vec() }
    }

    fn unusable(&self, reason: impl Into<String>) -> TlsError {
        TlsError::Unusable { path: self.path.clone(), reason: reason.into() }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| self.unusable(format!("not PEM: {error}")))?;
        if chain.is_empty() { Err(self.unusable("no certificate found")) } else { Ok(chain) }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        use rustls::pki_types::pem::Error;

        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| match error {
            Error::NoItemsFound => self.unusable("no private key found (encrypted keys are not supported)"),
            error => self.unusable(format!("not PEM: {error}")),
        })
    }
}

impl TlsOptions {
    /// Reads all files until two rounds are equal, at most four times. A projected Secret is replaced by renaming a symlink, which
    /// can happen between two reads.
    pub(super) fn read(&self) -> Result<Material, TlsError> {
        const ROUNDS: usize = 4;
        let mut material = self.read_once();
        for _ in 0..ROUNDS {
            let again = self.read_once();
            if again == material {
                break;
            }
            material = again;
        }
        material
    }

    fn read_once(&self) -> Result<Material, TlsError> {
        let (certificate, key) = match &self.certificate {
            CertificateSource::Files { certificate, key } => (Part::read(certificate)?, Part::read(key)?),
            CertificateSource::Issued(pair) => {
                let pair = pair.load();
                (Part::in_memory(&pair.certificate), Part::in_memory(&pair.key))
            }
            CertificateSource::Memory(pair) => {
                (Part::in_memory(pair.certificate_pem()), Part::in_memory(pair.key_pem()))
            }
        };
        let client_ca = self.client_ca.as_deref().map(Part::read).transpose()?;
        Ok(Material { certificate, key, client_ca, dns_name: self.dns_name.clone() })
    }
}

impl Material {
    /// Builds the configuration: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, one certificate for every server name.
    pub(super) fn load(&self) -> Result<Loaded, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let chain = self.certificate.certificates()?;
        let leaf = leaf(&chain, self.dns_name.as_deref()).map_err(|reason| self.certificate.unusable(reason))?;
        let pair = CertifiedKey::from_der(chain, self.key.key()?, &provider).map_err(|error| self.explain(&error))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring supports TLS 1.2 and 1.3");
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(part) => builder.with_client_cert_verifier(client_verifier(part, provider)?),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Loaded { config: Arc::new(config), leaf })
    }

    fn explain(&self, error: &rustls::Error) -> TlsError {
        match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::KeyMismatch { certificate: self.certificate.path.clone(), key: self.key.path.clone() }
            }
            rustls::Error::InvalidCertificate(_) => self.certificate.unusable(error.to_string()),
            _ => self.key.unusable(error.to_string()),
        }
    }
}

fn client_verifier(part: &Part, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in part.certificates()? {
        roots.add(certificate).map_err(|error| part.unusable(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| part.unusable(error.to_string()))
}

fn leaf(chain: &[CertificateDer<'_>], dns_name: Option<&str>) -> Result<Leaf, String> {
    let leaf = &chain[0];
    let (_, certificate) =
        x509_parser::parse_x509_certificate(leaf).map_err(|error| format!("not an X.509 certificate: {error}"))?;
    let validity = certificate.validity();
    Ok(Leaf {
        chain: chain.iter().map(|der| der.to_vec()).collect(),
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
        missing_name: dns_name.filter(|name| !is_valid_for(leaf, name)).map(str::to_owned),
    })
}

/// Whether a certificate is valid for a DNS name. As in Go, only subject alternative names count.
fn is_valid_for(leaf: &CertificateDer<'_>, name: &str) -> bool {
    let (Ok(certificate), Ok(name)) = (ParsedCertificate::try_from(leaf), ServerName::try_from(name)) else {
        return false;
    };
    verify_server_name(&certificate, &name).is_ok()
}
