//! The certificates of a CA as a TLS client verifies them.

use std::sync::Arc;
use std::time::Duration;

use ingress_guard::certificates::{Authority, AuthorityError, Bundle};
use jiff::Timestamp;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};

use super::{ca, service, start};

const NAME: &str = "ingress-guard.guard.svc";

fn roots(bundle: &Bundle) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in bundle.iter() {
        roots.add(certificate.clone()).unwrap();
    }
    Arc::new(roots)
}

fn unix(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(time.as_second().cast_unsigned()))
}

/// Verifies a certificate as a client of this name does that trusts the CA.
fn verify(authority: &Authority, chain: &[CertificateDer<'_>], name: &str, now: Timestamp) -> Result<(), Error> {
    let verifier = WebPkiServerVerifier::builder_with_provider(
        roots(&authority.certificates()),
        Arc::new(ring::default_provider()),
    );
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let verifier = verifier.build().unwrap();
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], unix(now)).map(drop)
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// The CA as a thief of its key uses it.
fn stolen(authority: &Authority) -> Issuer<'static, KeyPair> {
    let authorities =
        ingress_guard::certificates::Authorities { current: Some(authority.clone()), ..Default::default() };
    let secret = authorities.to_secret(&k8s_openapi::api::core::v1::Secret::default());
    let key = &secret.data.as_ref().unwrap()["current.key"].0;
    let key = KeyPair::from_pem(str::from_utf8(key).unwrap()).unwrap();
    Issuer::from_ca_cert_pem(&authority.certificate_pem(), key).unwrap()
}

#[test]
fn a_serving_certificate_is_valid_for_the_service_only() {
    let authority = ca(start());
    let leaf = authority.sign(&service(), start(), Duration::from_hours(2)).unwrap();
    let chain = [der(&leaf.pair.certificate)];
    verify(&authority, &chain, NAME, start()).unwrap();
    for other in ["ingress-guard.other.svc", "ingress-guard.guard", "localhost", "127.0.0.1"] {
        assert!(verify(&authority, &chain, other, start()).is_err(), "{other}");
    }
    assert_eq!(
        verify(&ca(start()), &chain, NAME, start()),
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    );
    // A serving certificate is not a client certificate.
    let clients = WebPkiClientVerifier::builder_with_provider(
        roots(&authority.certificates()),
        Arc::new(ring::default_provider()),
    );
    assert!(clients.build().unwrap().verify_client_cert(&chain[0], &[], unix(start())).is_err());
}

#[test]
fn certificates_are_valid_from_one_hour_before_their_creation() {
    let authority = ca(start());
    let leaf = authority.sign(&service(), start(), Duration::from_hours(2)).unwrap();
    let chain = [der(&leaf.pair.certificate)];
    let after = |minutes: i64| start() + jiff::SignedDuration::from_mins(minutes);
    for (minutes, is_valid) in [(-61, false), (-59, true), (119, true), (121, false)] {
        assert_eq!(verify(&authority, &chain, NAME, after(minutes)).is_ok(), is_valid, "{minutes}");
    }
    assert_eq!(authority.created(), start());
    assert_eq!(authority.not_after(), after(24 * 60));
    // A serving certificate does not outlive its CA.
    let late = authority.sign(&service(), after(23 * 60), Duration::from_hours(2)).unwrap();
    assert_eq!(late.not_after, authority.not_after());
}

#[test]
fn a_stolen_ca_signs_for_nothing_else() {
    let authority = ca(start());
    let thief = stolen(&authority);
    for name in ["kubernetes.default.svc", "guard.svc", "x-ingress-guard.guard.svc", "10.0.0.1", "::1"] {
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), &thief).unwrap();
        let result = verify(&authority, &[certificate.der().clone()], name, start());
        assert!(format!("{result:?}").contains("NameConstraintViolation"), "{name}: {result:?}");
    }
    let (_, parsed) = x509_parser::parse_x509_certificate(authority.certificate()).unwrap();
    let constraints = parsed.name_constraints().unwrap().unwrap();
    assert!(constraints.critical, "a verifier that does not know them rejects the CA");
    // No CA can stand between it and a serving certificate.
    let constraints = parsed.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
}

#[test]
fn a_ca_is_read_only_with_its_own_key() {
    let (one, other) = (ca(start()), ca(start()));
    let key = |authority: &Authority| stolen(authority).key().serialize_pem();
    let certificate = one.certificate_pem();
    assert_eq!(Authority::read(certificate.as_bytes(), key(&one).as_bytes()).unwrap(), one);
    let error = |certificate: &str, key: &str| Authority::read(certificate.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(matches!(error(&certificate, &key(&other)), AuthorityError::KeyMismatch));
    assert!(matches!(error(&certificate, "-----"), AuthorityError::NoKey));
    assert!(matches!(error("-----", &key(&one)), AuthorityError::NoCertificate));
    let mut endless = CertificateParams::default();
    endless.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let key_of_it = KeyPair::generate().unwrap();
    let endless = endless.self_signed(&key_of_it).unwrap().pem();
    assert!(matches!(error(&endless, &key_of_it.serialize_pem()), AuthorityError::Validity));
    assert!(!format!("{one:?}").contains(&key(&one)), "keys do not reach the log");
}
