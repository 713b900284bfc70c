//! `certificate.mode`: the objects and arguments of each source of the serving certificate.

use serde_json::{Value, json};

use super::{Helm, Objects};

fn arguments(objects: &Objects) -> String {
    objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0]["args"].to_string()
}

fn volumes(objects: &Objects) -> String {
    objects.one("Deployment")["spec"]["template"]["spec"]["volumes"].to_string()
}

fn client(objects: &Objects) -> &Value {
    &objects.one("ValidatingWebhookConfiguration")["webhooks"][0]["clientConfig"]
}

#[test]
fn by_default_the_pods_manage_the_certificate_and_nothing_else_writes_it() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(&json!({}));
    let secret = objects.one("Secret");
    assert_eq!(secret["type"], "Opaque");
    // Not even empty ones: `kubectl apply` would reset what the pods have written.
    for field in ["data", "stringData"] {
        assert!(secret[field].is_null(), "{field}");
    }
    assert!(client(&objects)["caBundle"].is_null());
    let arguments = arguments(&objects);
    for argument in [
        "--ca-secret=ingress-guard-webhook-ca",
        "--webhook-configuration=ingress-guard",
        "--service=ingress-guard.ingress-guard",
    ] {
        assert!(arguments.contains(&format!("\"{argument}\"")), "{argument}: {arguments}");
    }
    assert!(!arguments.contains("--tls-cert") && !volumes(&objects).contains("tls"));
    let rules = |object: &str| objects.one(object)["rules"].clone();
    assert_eq!(
        rules("Role/ingress-guard-webhook-ca"),
        json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["ingress-guard-webhook-ca"], "verbs": ["get", "update"]}])
    );
    assert_eq!(
        rules("ClusterRole/ingress-guard-webhook-ca"),
        json!([{"apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingwebhookconfigurations"],
                "resourceNames": ["ingress-guard"], "verbs": ["get", "patch"]}])
    );
    let other = helm.template(&json!({"namespaceOverride": "elsewhere"}));
    let name = other.one("ValidatingWebhookConfiguration")["metadata"]["name"].as_str().unwrap();
    assert_eq!(other.one("ClusterRole/ingress-guard.elsewhere-webhook-ca")["rules"][0]["resourceNames"], json!([name]));
}

#[test]
fn the_other_modes_need_no_write_permission() {
    let Some(helm) = Helm::find() else { return };
    let existing = json!({"mode": "existingSecret", "existingSecret": "serving", "caBundle": "QQ=="});
    for certificate in [json!({"mode": "certManager"}), existing] {
        let background = json!({"background": {"enabled": false}});
        let objects = helm.template(&json!({"certificate": certificate, "config": background}));
        assert_eq!(objects.of("ValidatingAdmissionPolicy").count(), 0, "there is nothing to limit");
        assert!(arguments(&objects).contains("--tls-cert=/etc/ingress-guard/tls/tls.crt"));
        assert!(!arguments(&objects).contains("--ca-secret"));
        assert_eq!(objects.of("Secret").count(), 0);
        assert!(objects.0.iter().all(|object| !object["rules"].to_string().contains("\"patch\"")));
    }
    let issued = helm.template(&json!({"certificate": {"mode": "certManager"}}));
    let annotations =
        |objects: &Objects| objects.one("ValidatingWebhookConfiguration")["metadata"]["annotations"].to_string();
    assert!(annotations(&issued).contains("\"cert-manager.io/inject-ca-from\":\"ingress-guard/ingress-guard\""));
    assert!(client(&issued)["caBundle"].is_null());
    // The second step of a change from self-managed certificates.
    let untouched = helm.template(&json!({"certificate": {"mode": "certManager", "certManager": {"injectCA": false}}}));
    assert!(!annotations(&untouched).contains("inject-ca"));
    assert!(client(&untouched)["caBundle"].is_null());
}

#[test]
fn cert_manager_issues_a_certificate_for_the_name_that_the_api_server_calls() {
    let Some(helm) = Helm::find() else { return };
    let issued = |values: Value| helm.template(&values).one("Certificate/ingress-guard")["spec"].clone();
    let platform = json!({"name": "platform-ca", "kind": "ClusterIssuer"});
    let own = json!({"issuerRef": platform, "duration": "48h", "renewBefore": "12h"});
    let spec = issued(json!({"certificate": {"mode": "certManager", "certManager": own}}));
    assert_eq!(spec["dnsNames"], json!(["ingress-guard.ingress-guard.svc"]));
    assert_eq!((&spec["secretName"], &spec["issuerRef"]), (&json!("ingress-guard-tls"), &platform));
    assert_eq!((&spec["duration"], &spec["renewBefore"]), (&json!("48h"), &json!("12h")));
    let called = |url: &str| {
        issued(
            json!({"certificate": {"mode": "certManager", "certManager": {"issuerRef": platform}}, "webhook": {"url": url}}),
        )
    };
    let names = json!(["ingress-guard.ingress-guard.svc", "guard.example.com"]);
    assert_eq!(called("https://guard.example.com:8443/validate")["dnsNames"], names);
    assert_eq!(called("https://192.0.2.7/validate")["ipAddresses"], json!(["192.0.2.7"]));
}

#[test]
fn values_of_several_sources_are_refused_with_the_value_to_change() {
    let Some(helm) = Helm::find() else { return };
    let url = json!({"url": "https://guard.example.com/validate"});
    let injected = |annotation: &str| json!({"annotations": {annotation: "guard/tls"}});
    for (values, words) in [
        (
            json!({"certificate": {"certManager": {"enabled": true}}}),
            "set certificate.mode to certManager (it was true)",
        ),
        (json!({"certificate": {"certManager": {"enabled": false}}}), "or to existingSecret (it was false)"),
        (json!({"certificate": {"caBundle": "QQ=="}}), "has no effect in certificate.mode selfManaged"),
        (json!({"certificate": {"mode": "podCertificate", "caBundle": "QQ=="}}), "signerName: name the signer"),
        (
            json!({"certificate": {"mode": "podCertificate", "podCertificate": {"signerName": "a.example.com/b"}}}),
            "give the CA of the certificate in certificate.mode podCertificate",
        ),
        (
            json!({"certificate": {"mode": "certManager", "existingSecret": "serving"}}),
            "in certificate.mode certManager",
        ),
        (json!({"certificate": {"mode": "existingSecret"}}), "certificate.existingSecret: name the Secret"),
        (json!({"certificate": {"mode": "existingSecret", "existingSecret": "serving"}}), "certificate.caBundle: "),
        (
            json!({"webhook": injected("cert-manager.io/inject-ca-from")}),
            "cert-manager.io/inject-ca-from would replace the caBundle of certificate.mode selfManaged",
        ),
        (
            json!({"webhook": injected("service.beta.openshift.io/inject-cabundle"), "certificate": {"mode": "certManager"}}),
            "inject-cabundle would replace the caBundle of certificate.mode certManager",
        ),
        (json!({"webhook": url}), "a self-managed certificate is valid for the Service only"),
    ] {
        let refusal = helm.refusal(&values);
        assert!(refusal.contains(words), "{values}: {refusal}");
    }
}

#[test]
fn an_annotation_of_an_injector_stands_in_for_the_ca_bundle() {
    let Some(helm) = Helm::find() else { return };
    let values = |annotation: &str, mode: &str| {
        let existing = if mode == "existingSecret" { "serving" } else { "" };
        json!({"certificate": {"mode": mode, "existingSecret": existing}, "webhook": {"annotations": {annotation: "true"}}})
    };
    for annotation in ["cert-manager.io/inject-apiserver-ca", "service.beta.openshift.io/inject-cabundle"] {
        helm.template(&values(annotation, "existingSecret"));
        let refusal = helm.refusal(&values(annotation, "selfManaged"));
        assert!(
            refusal.contains(&format!("webhook.annotations: {annotation} would replace the caBundle")),
            "{refusal}"
        );
    }
    let refusal = helm.refusal(&values("example.com/cert-manager.io/inject-ca", "existingSecret"));
    assert!(refusal.contains("certificate.caBundle: "), "{refusal}");
}

#[test]
fn a_signer_of_the_cluster_issues_a_certificate_to_each_pod() {
    let Some(helm) = Helm::find() else { return };
    let request = json!({"signerName": "pki.example.com/serving", "maxExpirationSeconds": 7200});
    let objects = helm
        .template(&json!({"certificate": {"mode": "podCertificate", "podCertificate": request, "caBundle": "QQ=="}}));
    assert!(arguments(&objects).contains("\"--tls-cert=/etc/ingress-guard/tls/credentials.pem\""));
    assert!(!arguments(&objects).contains("--tls-key") && !arguments(&objects).contains("--ca-secret"));
    let source = json!({"podCertificate": {
        "signerName": "pki.example.com/serving", "keyType": "ECDSAP256", "maxExpirationSeconds": 7200,
        "credentialBundlePath": "credentials.pem",
    }});
    let volumes = objects.one("Deployment")["spec"]["template"]["spec"]["volumes"].clone();
    let tls = volumes.as_array().unwrap().iter().find(|volume| volume["name"] == "tls").unwrap();
    assert_eq!(*tls, json!({"name": "tls", "projected": {"defaultMode": 288, "sources": [source]}}));
    assert_eq!(client(&objects)["caBundle"], "QQ==");
    assert_eq!(objects.of("Secret").count(), 0);
}

#[test]
fn a_policy_limits_the_patch_of_the_pods_to_the_ca_bundle() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(&json!({"namespaceOverride": "elsewhere", "serviceAccount": {"name": "guard"}}));
    let policy = objects.one("ValidatingAdmissionPolicy");
    let binding = objects.one("ValidatingAdmissionPolicyBinding");
    assert_eq!(binding["spec"], json!({"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}));
    let [rule] = &policy["spec"]["matchConstraints"]["resourceRules"].as_array().unwrap()[..] else { panic!() };
    let webhook = objects.one("ValidatingWebhookConfiguration");
    assert_eq!(rule["resourceNames"], json!([webhook["metadata"]["name"]]));
    // Helm, Argo CD and administrators are other users.
    let condition = policy["spec"]["matchConditions"][0]["expression"].as_str().unwrap();
    assert_eq!(condition, "request.userInfo.username == 'system:serviceaccount:elsewhere:guard'");
    let expressions = policy["spec"]["validations"].to_string();
    let fields = webhook["webhooks"][0].as_object().unwrap().keys().filter(|field| *field != "clientConfig");
    for field in fields.map(String::as_str).chain(["objectSelector", "matchPolicy", "clientConfig.?url"]) {
        let same = format!("{field} == old.");
        assert!(expressions.contains(&same), "{field} can be changed: {expressions}");
    }
    assert!(!expressions.contains("caBundle ==") && !expressions.contains("caBundle) =="));
    // Without the roles of the chart as well.
    let without = helm.template(&json!({"rbac": {"create": false}}));
    assert_eq!(without.of("ValidatingAdmissionPolicy").count(), 1);
}

#[test]
fn a_config_map_holds_the_ca_of_client_certificates() {
    let Some(helm) = Helm::find() else { return };
    let objects =
        helm.template(&json!({"certificate": {"clientCA": {"configMap": "control-plane", "key": "front.crt"}}}));
    assert!(arguments(&objects).contains("\"--client-ca=/etc/ingress-guard/client-ca/front.crt\""));
    assert!(volumes(&objects).contains("{\"configMap\":{\"name\":\"control-plane\"},\"name\":\"client-ca\"}"));
    let container = &objects.one("Deployment")["spec"]["template"]["spec"]["containers"][0];
    assert!(container["volumeMounts"].to_string().contains("/etc/ingress-guard/client-ca"));
}
