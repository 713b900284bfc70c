//! Objects that are not in the files although the files show that they exist: created by others, or in a namespace that is given
//! later.

use serde_json::Value;

use super::{CLASS, SERVICE, check_with, folder, ingress, places, report};

const IN_SHOP: &str =
    "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [{port: 80}]}}\n";
const SECRET: &str = "{apiVersion: v1, kind: Secret, metadata: {name: other, namespace: shop}, stringData: {a: b}}\n";

/// An Ingress in namespace `shop` with a TLS Secret and basic authentication.
fn with_secrets() -> String {
    let annotations = "{nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users}";
    ingress("web", "web", 80)
        .replace("{name: web}", &format!("{{name: web, namespace: shop, annotations: {annotations}}}"))
        .replace("  rules:", "  tls: [{hosts: [web.example.com], secretName: web-tls}]\n  rules:")
}

fn in_shop(name: &str, service: &str) -> String {
    ingress(name, service, 80).replace(&format!("{{name: {name}}}"), &format!("{{name: {name}, namespace: shop}}"))
}

/// `LEVEL CODE: help` of each finding of `check --complete` on these documents.
fn findings(documents: &[&str], arguments: &[&str]) -> Vec<String> {
    let folder = folder(&[]);
    let arguments = [&["-", "--complete", "-o", "json"], arguments].concat();
    let outcome = check_with(folder.path(), &arguments, documents.join("---\n").as_bytes());
    let report: Value = serde_json::from_str(&outcome.out).unwrap_or_else(|error| panic!("{error}: {}", outcome.err));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let line = |it: &Value| format!("{} {}: {}", text(it, "level"), text(it, "code"), text(it, "help"));
    report["findings"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn secrets_that_other_objects_create_exist() {
    let codes = |makers: &[&str]| -> Vec<String> {
        let ingress = with_secrets();
        let documents: Vec<&str> =
            [CLASS, IN_SHOP, SECRET].into_iter().chain(makers.iter().copied()).chain([&*ingress]).collect();
        let found = findings(&documents, &["--select", "IG40*,IG604"]);
        let mut codes: Vec<String> = found.iter().map(|it| it[it.find("IG").unwrap()..][..5].to_owned()).collect();
        codes.sort();
        codes
    };
    assert_eq!(codes(&[]), ["IG401", "IG604"]);
    for (users, tls) in [
        (
            "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: users, namespace: shop}, spec: {}}\n",
            "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a, namespace: shop}, spec: {secretName: web-tls}}\n",
        ),
        (
            "{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: users, namespace: shop}, spec: {data: []}}\n",
            "{apiVersion: external-secrets.io/v1, kind: ClusterExternalSecret, metadata: {name: a}, spec: {externalSecretSpec: {target: {name: web-tls}}}}\n",
        ),
        (
            "{apiVersion: v1, kind: Secret, metadata: {name: users, namespace: shop}, stringData: {other: \"${USERS}\"}}\n",
            "{apiVersion: v1, kind: Secret, metadata: {name: web-tls, namespace: shop}, data: {tls.crt: \"ENC[AES256_GCM,data:x]\", tls.key: \"ENC[AES256_GCM,data:y]\"}, sops: {version: \"3\"}}\n",
        ),
    ] {
        assert_eq!(codes(&[users]), ["IG401"], "{users}");
        assert_eq!(codes(&[tls]), ["IG604"], "{tls}");
        assert_eq!(codes(&[users, tls]), Vec::<String>::new());
        // Those of another namespace, or of a kind that only has the same name, are no such Secret.
        let elsewhere = users.replace("namespace: shop", "namespace: other");
        assert_eq!(codes(&[&elsewhere]), ["IG401", "IG604"], "{elsewhere}");
    }
}

#[test]
fn a_service_that_an_operator_may_create_is_a_warning() {
    let with = |maker: &str| findings(&[CLASS, IN_SHOP, maker, &in_shop("web", "logs-http")], &["--select", "IG201"]);
    let custom = |api_version: &str, kind: &str, metadata: &str, spec: &str| {
        format!("{{apiVersion: {api_version}, kind: {kind}, metadata: {{{metadata}}}, spec: {{{spec}}}}}\n")
    };
    let denied = ["deny IG201: apply the Service first"];
    for maker in [
        custom("monitoring.coreos.com/v1", "ServiceMonitor", "name: logs, namespace: shop", ""),
        custom("cert-manager.io/v1", "Issuer", "name: logs, namespace: shop", ""),
        custom("batch/v1", "Job", "name: logs, namespace: shop", ""),
        custom("rbac.authorization.k8s.io/v1", "Role", "name: logs, namespace: shop", ""),
        custom("example.com/v1", "Database", "name: logs, namespace: other", ""),
        custom("helm.toolkit.fluxcd.io/v2", "HelmRelease", "name: logs, namespace: flux", "targetNamespace: other"),
    ] {
        assert_eq!(with(&maker), denied, "{maker}");
    }
    for (maker, named) in [
        (custom("example.com/v1", "Database", "name: logs, namespace: shop", ""), "Database \"logs\""),
        (
            custom("helm.toolkit.fluxcd.io/v2", "HelmRelease", "name: x, namespace: flux", "targetNamespace: shop"),
            "HelmRelease \"x\"",
        ),
        (
            custom("argoproj.io/v1alpha1", "ApplicationSet", "name: all, namespace: argocd", ""),
            "ApplicationSet \"all\"",
        ),
    ] {
        assert_eq!(with(&maker), [format!("warn IG201: apply the Service first; {named} may create it")], "{maker}");
    }
    // Of several, the one from whose name that of the Service is derived.
    let two = ["first", "logs"]
        .map(|name| custom("example.com/v1", "Database", &format!("name: {name}, namespace: shop"), ""));
    assert_eq!(with(&two.join("---\n")), ["warn IG201: apply the Service first; Database \"logs\" may create it"]);
    // A missing port of a Service in the files does not depend on it.
    let port = in_shop("web", "web").replace("number: 80", "number: 81");
    let found = findings(&[CLASS, IN_SHOP, &two[0], &port], &["--select", "IG202"]);
    assert_eq!(found, ["deny IG202: use its only port 80"]);
}

#[test]
fn a_namespace_that_is_given_later_may_be_that_of_the_other_object() {
    let service = IN_SHOP.replace(", namespace: shop", "");
    let without = ingress("web", "web", 80);
    let select = ["--select", "IG201"];
    let warned = ["warn IG201: set the namespace of objects without one: -n shop"];
    for (service, ingress) in [(&*service, in_shop("web", "web")), (IN_SHOP, without.clone())] {
        assert_eq!(findings(&[CLASS, service, &ingress], &select), warned);
        assert_eq!(findings(&[CLASS, service, &ingress], &["--select", "IG201", "-n", "shop"]), Vec::<String>::new());
        // Said to be in another one, it is certain.
        let found = findings(&[CLASS, service, &ingress], &["--select", "IG201", "-n", "other"]);
        assert!(found.len() == 1 && found[0].starts_with("deny IG201"), "{found:?}");
    }
    // An Ingress of the files exists, whatever its namespace.
    let other = in_shop("web", "web");
    let shown = findings(&[CLASS, SERVICE, IN_SHOP, &other, &without], &["--select", "IG501"]);
    assert!(!shown.is_empty() && shown.iter().all(|found| !found.contains("-n shop")), "{shown:?}");
    // Neither has a namespace, or both have one.
    assert_eq!(findings(&[CLASS, &service, &without], &select), Vec::<String>::new());
    let elsewhere = IN_SHOP.replace("shop", "other");
    assert!(findings(&[CLASS, &elsewhere, &in_shop("web", "web")], &select)[0].starts_with("deny"));
    // No object of this name exists, whatever its namespace.
    assert!(findings(&[CLASS, &service, &in_shop("web", "wbe")], &select)[0].starts_with("deny"));
}

#[test]
fn objects_with_unknown_names_may_be_any_object_of_their_namespace() {
    let named = |metadata: &str| IN_SHOP.replace("name: web, namespace: shop", metadata);
    let with = |metadata: &str| findings(&[CLASS, &named(metadata), &in_shop("web", "wbe")], &["--select", "IG201"]);
    assert_eq!(with("name: web, namespace: shop").len(), 1);
    assert_eq!(with("name: \"${APP}\", namespace: other").len(), 1);
    for metadata in [
        "name: \"${APP}\", namespace: shop",
        "name: \"a-${APP}\", namespace: \"${NS}\"",
        "name: web, namespace: \"${NS}\"",
    ] {
        assert_eq!(with(metadata), Vec::<String>::new(), "{metadata}");
    }
    // The same holds without knowing the contents.
    let folder = folder(&[(
        "a.yaml",
        &[CLASS, &named("name: \"${APP}\", namespace: shop"), &in_shop("web", "wbe")].join("---\n"),
    )]);
    let (code, found) = report(folder.path(), &["a.yaml", "--complete"]);
    assert_eq!((code, places(&found)), (0, Vec::new()));
}

/// `LEVEL CODE` of each finding where another root contains a document, and where an alternative file does.
fn beside(document: &str) -> [Vec<String>; 2] {
    let ingress = with_secrets();
    let own = [CLASS, SECRET, &ingress].join("---\n");
    let other = ingress.replace("host: web.example.com", "host: old.example.com");
    let kustomization = "resources: [a.yaml]\n";
    let layouts = [
        vec![
            ("one/kustomization.yaml", kustomization),
            ("one/a.yaml", document),
            ("two/kustomization.yaml", kustomization),
            ("two/a.yaml", &own),
        ],
        vec![("a.yaml", &own), ("b.yaml", &*format!("{other}---\n{document}"))],
    ]
    .map(|files| folder(&files));
    layouts.map(|folder| {
        let outcome = check_with(
            folder.path(),
            &[".", "--complete", "--show", "audit", "--select", "IG201,IG401,IG604", "-o", "json"],
            b"",
        );
        let report: Value =
            serde_json::from_str(&outcome.out).unwrap_or_else(|error| panic!("{error}: {}", outcome.err));
        let findings = report["findings"].as_array().unwrap().iter();
        let own = findings.filter(|finding| finding["file"].as_str().unwrap().ends_with("a.yaml"));
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        let mut own: Vec<String> = own.map(|it| format!("{} {}", text(it, "level"), text(it, "code"))).collect();
        own.sort();
        own
    })
}

#[test]
fn objects_of_other_roots_and_alternatives_exist_without_their_contents() {
    let both = |document: &str, expected: &[&str]| {
        for (found, layout) in beside(document).iter().zip(["root", "file"]) {
            assert_eq!(found, expected, "{layout}: {document}");
        }
    };
    let service = |metadata: &str, port: &str| {
        format!("{{apiVersion: v1, kind: Service, metadata: {{{metadata}}}, spec: {{ports: [{{port: {port}}}]}}}}\n")
    };
    let made = |version: &str, kind: &str, metadata: &str, spec: &str| {
        format!("{{apiVersion: {version}, kind: {kind}, metadata: {{{metadata}}}, spec: {{{spec}}}}}\n")
    };
    let (none, service_exists) = (["audit IG401", "deny IG201", "warn IG604"], ["audit IG401", "warn IG604"]);
    both(&service("name: other, namespace: shop", "80"), &none);
    both(&service("name: web, namespace: other", "\"${PORT}\""), &none);
    both(&service("name: web, namespace: shop", "80"), &service_exists);
    both(&service("name: web, namespace: shop", "\"${PORT}\""), &service_exists);
    both(&service("name: \"${NAME}\", namespace: shop", "80"), &service_exists);
    both(&service("name: \"${NAME}\", namespace: shop", "\"${PORT}\""), &service_exists);
    both(&service("name: web", "80"), &["audit IG401", "warn IG201", "warn IG604"]);
    let database = made("example.com/v1", "Database", "name: web, namespace: shop", "");
    both(&database, &["audit IG401", "warn IG201", "warn IG604"]);
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: users, namespace: shop}, data: {auth: \"ENC[x]\"}}\n";
    both(secret, &["audit IG401", "deny IG201"]);
    both(
        &made("bitnami.com/v1alpha1", "SealedSecret", "name: users, namespace: shop", ""),
        &["audit IG401", "deny IG201"],
    );
    let certificate = made("cert-manager.io/v1", "Certificate", "name: a, namespace: shop", "secretName: web-tls");
    both(&certificate, &["deny IG201", "warn IG604"]);
}

#[test]
fn created_secrets_with_unknown_names_may_be_any_secret_of_their_namespace() {
    let ingress = with_secrets();
    let found = |maker: &str| findings(&[CLASS, IN_SHOP, SECRET, maker, &ingress], &["--select", "IG604"]);
    let external = |metadata: &str, target: &str| {
        format!(
            "{{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {{{metadata}}}, spec: {{target: {{{target}}}}}}}\n"
        )
    };
    let certificate = |namespace: &str| {
        format!(
            "{{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {{name: a, namespace: {namespace}}}, spec: {{secretName: \"${{A}}\"}}}}\n"
        )
    };
    let missing = found(&external("name: a, namespace: shop", "name: b"));
    assert_eq!(missing.len(), 1);
    for (metadata, target) in [
        ("name: a, namespace: shop", "name: \"${A}\""),
        ("name: \"${A}\", namespace: shop", ""),
        ("name: a, namespace: \"${A}\"", "name: b"),
    ] {
        assert_eq!(found(&external(metadata, target)), Vec::<String>::new(), "{metadata} {target}");
    }
    assert_eq!(found(&certificate("other")), missing);
    assert_eq!(found(&certificate("shop")), Vec::<String>::new());
    let given_later = ["warn IG604: set the namespace of objects without one: -n shop"];
    // A namespace that is given later may be that of the Ingress.
    let sealed = |metadata: &str| {
        format!("{{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {{{metadata}}}}}\n")
    };
    assert_eq!(found(&sealed("name: users, namespace: other")), missing);
    assert_eq!(found(&sealed("name: users")), given_later);
    let unclear = "{apiVersion: v1, kind: Secret, metadata: {name: users}, data: {auth: \"ENC[x]\"}}\n";
    assert_eq!(found(unclear), given_later);
}
