//! The Secret and the webhook configuration that hold the certificates.

use ingress_guard::certificates::{Authorities, Bundle, FIELD_MANAGER, Registration};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use super::{ca, service, start};

fn secret() -> Secret {
    let object =
        json!({"metadata": {"name": "ca", "resourceVersion": "7", "labels": {"team": "edge"}}, "type": "Opaque"});
    serde_json::from_value(object).unwrap()
}

fn registration(object: Value) -> Registration {
    let object: ValidatingWebhookConfiguration = serde_json::from_value(object).unwrap();
    Registration::read(&object, &service())
}

fn webhook(name: &str, service: &str, bundle: &str) -> Value {
    json!({"name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"],
           "clientConfig": {"service": {"name": service, "namespace": "guard"}, "caBundle": bundle}})
}

#[test]
fn a_secret_holds_what_was_stored_in_it() {
    let all = Authorities {
        current: Some(ca(start())),
        next: Some(ca(start())),
        previous: ca(start()).certificates().union(&ca(start()).certificates()),
        previous_since: start(),
        retired: ca(start()).certificates(),
    };
    let stored = all.to_secret(&secret());
    assert_eq!(Authorities::from_secret(&stored).unwrap(), all);
    assert_eq!(stored.metadata.resource_version.as_deref(), Some("7"), "a concurrent change is noticed");
    assert_eq!(stored.metadata.labels, secret().metadata.labels);
    // Emptied: no key remains of what was removed.
    let emptied = Authorities::default().to_secret(&stored);
    assert!(emptied.data.unwrap().is_empty());
    assert_eq!(Authorities::from_secret(&secret()).unwrap(), Authorities::default());
}

#[test]
fn a_secret_with_other_content_is_not_overwritten() {
    let stored = Authorities { current: Some(ca(start())), ..Authorities::default() }.to_secret(&secret());
    let with = |key: &str, value: &str| {
        let mut changed = stored.clone();
        changed.data.as_mut().unwrap().insert(key.to_owned(), k8s_openapi::ByteString(value.as_bytes().to_vec()));
        Authorities::from_secret(&changed).map_err(|error| error.to_string())
    };
    assert_eq!(with("current.crt", "junk").unwrap_err(), "current.crt: no certificate in PEM");
    assert_eq!(with("current.key", "junk").unwrap_err(), "current.crt: no private key in PEM");
    assert_eq!(with("previous.since", "junk").unwrap_err(), "previous.since: not a timestamp");
    assert_eq!(with("previous.since", "9999-12-30T00:00:00Z").unwrap_err(), "previous.since: not a timestamp");
    with("notes", "junk").unwrap();
    let without = |key: &str| {
        let mut changed = stored.clone();
        changed.data.as_mut().unwrap().remove(key);
        Authorities::from_secret(&changed).map_err(|error| error.to_string())
    };
    assert_eq!(without("current.key").unwrap_err(), "current.crt: its certificate or its key is missing");
    let mut foreign = secret();
    foreign.data = Some([("tls.crt".to_owned(), k8s_openapi::ByteString(b"junk".to_vec()))].into());
    let error = Authorities::from_secret(&foreign).unwrap_err().to_string();
    assert_eq!(error, "current.crt: missing, although the Secret has other data");
}

#[test]
fn every_entry_of_the_service_gets_the_bundle_and_no_other_field() {
    let read = registration(json!({
        "metadata": {"name": "guard", "resourceVersion": "9"},
        "webhooks": [
            webhook("a.example.com", "ingress-guard", ""),
            webhook("b.example.com", "another", ""),
            webhook("c.example.com", "ingress-guard", "bm90IGEgY2VydGlmaWNhdGU="),
            {"name": "impact.ingress-guard.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
             "clientConfig": {"service": {"name": "ingress-guard", "namespace": "guard", "path": "/impact"}}},
            {"name": "d.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
             "clientConfig": {"url": "https://ingress-guard.guard.svc/validate"}},
        ],
    }));
    assert_eq!(read.bundles(), [Bundle::default(), Bundle::default(), Bundle::default()]);
    let bundle = ca(start()).certificates();
    let written = read.with_bundle("guard", &bundle);
    let pem = serde_json::to_value(k8s_openapi::ByteString(bundle.pem().into_bytes())).unwrap();
    assert_eq!(
        written,
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "guard", "resourceVersion": "9"},
            "webhooks": [
                {"name": "a.example.com", "clientConfig": {"caBundle": pem}},
                {"name": "c.example.com", "clientConfig": {"caBundle": pem}},
                {"name": "impact.ingress-guard.io", "clientConfig": {"caBundle": pem}},
            ],
        })
    );
}

#[test]
fn the_other_manager_of_the_bundle_is_named() {
    let managed = |manager: &str, time: &str, fields: Value| json!({"manager": manager, "operation": "Update", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields});
    let of = |fields: Vec<Value>| registration(json!({"metadata": {"managedFields": fields}})).other_manager;
    let bundle = json!({"f:webhooks": {"k:{\"name\":\"a\"}": {"f:clientConfig": {"f:caBundle": {}}}}});
    let labels = json!({"f:metadata": {"f:labels": {}}});
    let (early, late) = ("2026-11-26T12:00:00Z", "2026-11-26T13:00:00Z");
    let own = managed(FIELD_MANAGER, late, bundle.clone());
    assert_eq!(
        of(vec![managed("argocd", early, bundle), managed("kubectl", late, labels.clone()), own.clone()]).as_deref(),
        Some("argocd")
    );
    assert_eq!(
        of(vec![managed("helm", late, labels.clone()), managed("kubectl", early, labels), own.clone()]).as_deref(),
        Some("helm")
    );
    assert_eq!(of(vec![own]), None);
}

#[test]
fn the_annotations_of_other_injectors_claim_the_bundle() {
    let claim = |annotation: &str| registration(json!({"metadata": {"annotations": {annotation: "guard/tls"}}})).claim;
    for annotation in [
        "cert-manager.io/inject-ca-from",
        "cert-manager.io/inject-ca-from-secret",
        "service.beta.openshift.io/inject-cabundle",
    ] {
        assert_eq!(claim(annotation).as_deref(), Some(annotation));
    }
    assert_eq!(claim("cert-manager.io/cluster-issuer"), None);
}

#[test]
fn a_bundle_keeps_each_certificate_once_and_ignores_other_text() {
    let (one, other) = (ca(start()).certificates(), ca(start()).certificates());
    let both = one.union(&other);
    let text = format!(
        "# CA of the platform\n{}-----BEGIN JUNK-----\nAAAA\n-----END JUNK-----\n{}{}",
        one.pem(),
        other.pem(),
        one.pem()
    );
    assert_eq!(Bundle::parse(text.as_bytes()), both);
    assert_eq!(Bundle::parse(both.pem().as_bytes()), both);
    let many = (0..80).fold(Bundle::default(), |all, _| all.union(&ca(start()).certificates()));
    assert_eq!(Bundle::parse(many.pem().as_bytes()), many, "what is not read would be lost at the next write");
    assert_eq!(both.without(&one), other);
    assert!(both.is_same_set(&other.union(&one)) && !both.is_same_set(&one));
}
