//! Handshakes, certificates and keys.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ingress_guard::server::{CertificateSource, SelfSigned, TlsOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::client::{Ask, Client, eventually, patiently, review, until_closed};
use super::handler::Echo;
use super::pki::{Authority, Mount};
use super::running::{Running, bind, calm, start, start_as};

#[tokio::test]
async fn tls_1_2_and_1_3_are_served() {
    const ONLY: [&[&SupportedProtocolVersion]; 2] = [&[&TLS12], &[&TLS13]];
    let server = start(calm()).await;
    for (versions, expected) in ONLY.into_iter().zip([ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3]) {
        let client = server.client().speaking(versions);
        let tls = client.raw().await;
        assert_eq!(tls.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(client.send(review("{}")).await.status, 200);
    }
}

#[tokio::test]
async fn http_1_and_http_2_are_served_as_negotiated() {
    let server = start(calm()).await;
    let mut h1 = server.client().h1().await.unwrap();
    let mut h2 = server.client().h2().await.unwrap();
    for body in ["one", "two"] {
        assert_eq!(h1.ask(review(body)).await.unwrap().body, body);
        assert_eq!(h2.ask(review(body)).await.unwrap().body, body);
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_certificate_is_counted() {
    let server = start(calm()).await;
    let stranger = Client::new(server.addr, Authority::new().roots());
    assert!(stranger.tls("http/1.1").await.is_err());
    server.until_counts(r#"ingress_guard_tls_handshake_failures_total{reason="refused"} 1"#).await;
}

#[tokio::test]
async fn only_clients_with_a_certificate_of_the_client_ca_are_served() {
    let theirs = Authority::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("client-ca.crt");
    fs::write(&path, theirs.pem()).unwrap();
    let change = |options| TlsOptions { client_ca: Some(path), ..options };
    let server = start_as(calm(), Echo::default(), change).await;

    let known = server.client().known_as(&theirs.issue());
    assert_eq!(known.send(review("{}")).await.status, 200);
    for unknown in [server.client(), server.client().known_as(&Authority::new().issue())] {
        // In TLS 1.3 the client is done before the server has looked at its certificate.
        if let Ok(mut tls) = unknown.tls("http/1.1").await {
            assert_eq!(until_closed(&mut tls).await, "");
        }
    }
    server.until_counts(r#"ingress_guard_tls_handshake_failures_total{reason="client_certificate"} 2"#).await;
}

#[tokio::test]
async fn a_self_signed_certificate_serves_clients_that_trust_it() {
    let pair = SelfSigned::generate(&["guard.example.com".to_owned(), "localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pair.certificate_pem().as_bytes()).unwrap()).unwrap();
    assert!(!format!("{pair:?}").contains("PRIVATE KEY"));
    let certificate = CertificateSource::Memory(pair);
    let tls = TlsOptions { certificate, client_ca: None, poll: Duration::from_millis(20), dns_name: None };
    let server = bind(tls, calm()).await.unwrap();
    let client = Client::new(server.addr(), roots);
    let stop = CancellationToken::new();
    let end = tokio::spawn(server.run(axum::Router::new(), Arc::new(Echo::default()), stop.clone()));
    for name in ["localhost", "127.0.0.1", "::1", "guard.example.com"] {
        client.tls_to(name, "h2").await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(client.tls_to("other.example.com", "h2").await.is_err());
    stop.cancel();
    patiently(end).await.unwrap();
}

#[test]
fn a_self_signed_certificate_needs_valid_names() {
    assert!(SelfSigned::generate(&["gr\u{fc}n".to_owned()]).is_err());
}

#[tokio::test]
async fn invalid_files_fail_at_start_with_the_name_of_the_file() {
    let authority = Authority::new();
    let (pair, other) = (authority.issue(), authority.issue());
    let encrypted = pair.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let garbled = pair.certificate.replace("MII", "????");
    for (certificate, key, named, said) in [
        ("", pair.key.as_str(), "tls.crt", "no certificate found"),
        (pair.key.as_str(), &pair.key, "tls.crt", "no certificate found"),
        (&garbled, &pair.key, "tls.crt", "not PEM"),
        (&pair.certificate, "", "tls.key", "no private key found"),
        (&pair.certificate, &pair.certificate, "tls.key", "no private key found"),
        (&pair.certificate, &encrypted, "tls.key", "encrypted keys are not supported"),
        (&pair.certificate, &other.key, "tls.key", "does not match the certificate in"),
    ] {
        let mount = Mount::new(&pair);
        mount.swap(certificate, key);
        let error = bind(mount.options(), calm()).await.err().expect(said).to_string();
        assert!(error.contains(mount.path(named).to_str().unwrap()), "{error}");
        assert!(error.contains(said), "{error}");
    }
    let mount = Mount::new(&pair);
    let missing = mount.path("missing.crt");
    let error = bind(TlsOptions { client_ca: Some(missing.clone()), ..mount.options() }, calm()).await.err().unwrap();
    assert!(error.to_string().starts_with(&format!("cannot read {}", missing.display())), "{error}");
}

#[tokio::test]
async fn chains_and_every_kind_of_key_load() {
    let authority = Authority::new();
    let pair = authority.issue();
    let chain = format!("{}{}", pair.certificate, authority.pem());
    let rsa = include_str!("fixtures/rsa.crt");
    for (certificate, key) in [
        (chain.as_str(), pair.key.as_str()),
        (include_str!("fixtures/ec.crt"), include_str!("fixtures/ec-sec1.key")),
        (rsa, include_str!("fixtures/rsa-pkcs8.key")),
        (rsa, include_str!("fixtures/rsa-pkcs1.key")),
    ] {
        let mount = Mount::new(&pair);
        mount.swap(certificate, key);
        let kind = key.lines().next().unwrap();
        bind(mount.options(), calm()).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[tokio::test]
async fn an_expired_certificate_is_served_and_reported_by_readyz() {
    let server = start(calm()).await;
    assert_eq!(server.readyz().await, (200, "ready\n".to_owned()));
    let old = server.authority.issue_until(SystemTime::now() - Duration::from_hours(1));
    server.mount.swap(&old.certificate, &old.key);
    until_reported(&server, "certificate expired at ").await;
    let soon = server.authority.issue_until(SystemTime::now() + Duration::from_hours(6 * 24));
    server.mount.swap(&soon.certificate, &soon.key);
    until_reported(&server, "certificate expires at ").await;
    let later = server.authority.issue_until(SystemTime::now() + Duration::from_hours(8 * 24));
    server.mount.swap(&later.certificate, &later.key);
    let nothing = async || server.readyz().await == (200, "ready\n".to_owned());
    eventually("nothing to report", nothing).await;
    // A certificate with a life of seven days is reported in its last quarter.
    let hours = |hours: u64| Duration::from_hours(hours);
    let now = SystemTime::now();
    let late = server.authority.issue_between(now - hours(6 * 24), now + hours(24));
    server.mount.swap(&late.certificate, &late.key);
    until_reported(&server, "certificate expires at ").await;
    let early = server.authority.issue_between(now - hours(4 * 24), now + hours(3 * 24));
    server.mount.swap(&early.certificate, &early.key);
    eventually("nothing to report", nothing).await;
}

#[tokio::test]
async fn a_certificate_without_the_name_of_the_service_is_reported_by_readyz() {
    for (name, is_reported) in [("localhost", false), ("ingress-guard.ingress-guard.svc", true)] {
        let change = |options| TlsOptions { dns_name: Some(name.to_owned()), ..options };
        let server = start_as(calm(), Echo::default(), change).await;
        let line = format!("certificate not valid for {name}: the API server rejects it\n");
        let expected = if is_reported { format!("ready\n{line}") } else { "ready\n".to_owned() };
        assert_eq!(server.readyz().await, (200, expected));
    }
}

async fn until_reported(server: &Running, problem: &str) {
    eventually(problem, async || {
        let (status, body) = server.readyz().await;
        assert_eq!(status, 200);
        body.contains(problem)
    })
    .await;
}
