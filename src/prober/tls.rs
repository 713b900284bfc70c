//! TLS connections whose certificate is recorded, not verified: the reader of the record does that.

use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The configuration of every connection. It resumes no session, because a resumed one has no certificate.
static CONFIG: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Unverified(Arc::clone(&provider)));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
});

/// Connects with TLS, and returns the chain of the server (DER). Nothing is sent over the connection.
///
/// # Errors
/// If the name is not valid, or the handshake fails.
pub async fn peer_chain(name: &str, stream: TcpStream) -> std::io::Result<Vec<Vec<u8>>> {
    Ok(chain(&handshake(name, stream).await?))
}

pub(super) async fn handshake(name: &str, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(name.to_owned()).map_err(std::io::Error::other)?;
    let config = CONFIG.as_ref().map_err(std::io::Error::other)?;
    TlsConnector::from(Arc::clone(config)).connect(name, stream).await
}

pub(super) fn chain(stream: &TlsStream<TcpStream>) -> Vec<Vec<u8>> {
    let (_, connection) = stream.get_ref();
    connection.peer_certificates().unwrap_or_default().iter().map(|der| der.to_vec()).collect()
}

/// Accepts every certificate. No credentials are sent over the connection.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
