//! An HTTPS client without a proxy, retries or connection reuse: it returns the response as received.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::certificates::Pair;

/// A server on the loopback interface, and the authorities that it is verified with.
#[derive(Clone)]
pub(crate) struct Https {
    port: u16,
    config: Arc<ClientConfig>,
    name: &'static str,
    user_agent: &'static str,
}

impl Https {
    /// Trusts the authorities in `trusted` (PEM); authenticates with `identity`, if given.
    pub(crate) fn new(port: u16, trusted: &str, identity: Option<&Pair>) -> Self {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
            roots.add(authority.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Pair { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        };
        // A resumed session would skip the check of the certificate.
        config.resumption = Resumption::disabled();
        Self { port, config: Arc::new(config), name: "localhost", user_agent: "" }
    }

    /// Expects another name in the certificate of the server.
    pub(crate) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Sends this user agent with each request.
    pub(crate) fn with_user_agent(self, user_agent: &'static str) -> Self {
        Self { user_agent, ..self }
    }

    /// Sends a POST request with JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> io::Result<(u16, Value)> {
        self.send("POST", path, "application/json", &body.to_string())
    }

    /// Returns the HTTP status, and the body as JSON.
    pub(crate) fn send(&self, method: &str, path: &str, media: &str, body: &str) -> io::Result<(u16, Value)> {
        let mut stream = self.connect()?;
        // With HTTP/1.0 the response ends with the connection and is not chunked.
        let agent = match self.user_agent {
            "" => String::new(),
            name => format!("User-Agent: {name}\r\n"),
        };
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: {media}\r\n\
             {agent}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, answer.clone());
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(malformed)?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(malformed)?;
        Ok((status, serde_json::from_str(body).map_err(|_| malformed())?))
    }

    /// Returns the certificate that the server presents (DER).
    pub(crate) fn certificate(&self) -> io::Result<Vec<u8>> {
        let stream = self.connect()?;
        Ok(stream.conn.peer_certificates().unwrap_or_default()[0].to_vec())
    }

    fn connect(&self) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let tcp = TcpStream::connect(("127.0.0.1", self.port))?;
        tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
        let name = ServerName::try_from(self.name).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, tcp);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(stream)
    }
}

/// The review that kube-apiserver sends when an Ingress is created.
pub(crate) fn review(namespace: &str, ingress: &Value) -> Value {
    let mut object = ingress.clone();
    object["metadata"]["namespace"] = json!(namespace);
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "5f6a1c0e-0d3b-4a43-9d5d-0d2b7f4f9a10",
        "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"},
        "resource": {"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"},
        "name": object["metadata"]["name"],
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:masters"]},
        "object": object,
        "oldObject": null,
        "dryRun": false,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }})
}
