//! Objects whose absence may be harmless, and large or hostile Ingresses. Each of these was a false positive or too
//! slow once.

use std::time::Duration;

use ingress_guard::budget::Allowance;
use ingress_guard::cluster::Coverage;
use ingress_guard::model::Kind;

use super::{NGINX, NO_ANNOTATIONS, NO_FINDINGS, findings, findings_under, ingress, nginx, rule, secret, service};

use crate::work::took;

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

fn annotated(annotations: &[(&str, &str)], spec: &str) -> Vec<String> {
    let annotations: Vec<(String, &str)> =
        annotations.iter().map(|(key, value)| (format!("{PREFIX}{key}"), *value)).collect();
    let annotations: Vec<(&str, &str)> = annotations.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    findings(&format!("{NGINX}{}", ingress("web", &annotations, spec)))
}

/// Returns a rule for one path whose Service does not exist.
fn missing(path: &str) -> String {
    format!(
        "ingressClassName: nginx, rules: [{{host: app.example.com, http: {{paths: [{{path: {path:?}, \
         pathType: ImplementationSpecific, backend: {{service: {{name: absent, port: {{number: 80}}}}}}}}]}}}}]"
    )
}

#[test]
fn a_redirect_hides_the_rewrite_too() {
    let spec = nginx(&[rule("app.example.com", &["/api(.*)"])]);
    let rewrite = ("rewrite-target", "/$2");
    assert_eq!(annotated(&[rewrite], &spec), ["deny IG310 web"]);
    assert_eq!(annotated(&[rewrite, ("permanent-redirect", "https://new.example.com")], &spec), NO_FINDINGS);
}

#[test]
fn a_target_for_several_paths_may_use_groups_that_some_lack() {
    let spec = nginx(&[rule("app.example.com", &["/(login)", "/(app)(.*)"])]);
    assert_eq!(annotated(&[("rewrite-target", "/$1$2")], &spec), ["warn IG310 web"]);
}

#[test]
fn a_former_canary_is_a_normal_ingress() {
    let spec = nginx(&[rule("app.example.com", &["/api(.*)"])]);
    assert_eq!(annotated(&[("rewrite-target", "/$2"), ("canary", "false")], &spec), ["deny IG310 web"]);
    let canary = [("rewrite-target", "/$2"), ("canary", "true"), ("canary-weight", "10")];
    assert_eq!(annotated(&canary, &spec), ["warn IG605 web"]);
}

#[test]
fn a_canary_or_a_snippet_needs_no_existing_service() {
    assert_eq!(annotated(&[], &missing("/")), ["deny IG201 web"]);
    assert_eq!(
        annotated(&[("canary", "true"), ("canary-weight", "10")], &missing("/")),
        ["warn IG201 web", "warn IG605 web"]
    );
    for snippet in ["configuration-snippet", "server-snippet"] {
        assert_eq!(annotated(&[(snippet, "return 301 https://new.example.com;")], &missing("/")), ["warn IG201 web"]);
        assert_eq!(annotated(&[(snippet, "more_set_headers \"x: y\";")], &missing("/")), ["deny IG201 web"]);
    }
}

#[test]
fn the_fallback_of_a_host_may_be_another_ingress() {
    let absent = "defaultBackend: {service: {name: absent, port: {number: 80}}}";
    let own = format!("{}, {absent}", nginx(&[rule("app.example.com", &["/api"])]));
    let alone = format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &own));
    assert_eq!(findings(&alone), ["deny IG201 web"]);
    let older = ingress("older", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &["/"])]));
    assert_eq!(findings(&format!("{alone}{older}")), ["warn IG201 web"]);
    let catch_all = |name: &str, service: &str| {
        ingress(
            name,
            NO_ANNOTATIONS,
            &format!("ingressClassName: nginx, defaultBackend: {{service: {{name: {service}, port: {{number: 80}}}}}}"),
        )
    };
    let two = format!("{NGINX}{}{}", catch_all("older", "web"), catch_all("web", "absent"));
    assert_eq!(findings(&two), ["warn IG201 web", "warn IG209 older"]);
}

#[test]
fn a_resource_backend_does_not_replace_the_fallback() {
    let spec = "ingressClassName: nginx, defaultBackend: {service: {name: absent, port: {number: 80}}}, rules: [{host: \
                app.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {resource: {kind: Bucket, name: b}}}]}}]";
    assert_eq!(
        findings(&format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, spec))),
        ["deny IG201 web", "warn IG207 web"]
    );
}

#[test]
fn aliases_may_span_lines() {
    let spec = nginx(&[rule("app.example.com", &["/"])]);
    assert_eq!(annotated(&[("server-alias", "a.example.com,\nb.example.com")], &spec), NO_FINDINGS);
}

#[test]
fn unhandled_ingresses_take_no_paths_from_others() {
    let watching = |namespaces: &str| {
        format!(
            "{{profile: strict, dialects: [{{match: {{controller: k8s.io/ingress-nginx}}, engine: nginx, watchNamespaces: [{namespaces}]}}]}}"
        )
    };
    let web = ingress("web", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &["/"])]));
    let older = web
        .replace("name: web,", "name: older,")
        .replace("namespace: shop", "namespace: other")
        .replace("namespace: other", "namespace: other, creationTimestamp: \"2020-01-01T00:00:00Z\"");
    let service = service("web", "ports: [{port: 80}]").replace("namespace: shop", "namespace: other");
    let view = format!("{NGINX}{service}{web}{older}");
    let of_web = |namespaces: &str| {
        let reported = findings_under(&watching(namespaces), &view);
        reported.into_iter().filter(|line| line.contains("IG501") && line.ends_with(" web")).collect::<Vec<_>>()
    };
    assert_eq!(of_web("shop, other"), ["deny IG501 web"]);
    assert_eq!(of_web("shop"), NO_FINDINGS);
}

#[test]
fn strict_does_not_deny_an_unused_certificate() {
    let with_tls = |tls: &str, host: &str| format!("{}, tls: [{tls}]", nginx(&[rule(host, &["/"])]));
    let strict = |view: &str| findings_under("profile: strict", view);
    let absent = "{hosts: [app.example.com], secretName: absent}";
    let alone = format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &with_tls(absent, "app.example.com")));
    assert_eq!(strict(&alone), ["deny IG401 web"]);
    // An older Ingress may provide the certificate of the host.
    let older = with_tls("{hosts: [app.example.com], secretName: good}", "app.example.com")
        .replace("path: \"/\"", "path: \"/old\"");
    let older = format!("{}{}", secret("good", "app.example.com"), ingress("older", NO_ANNOTATIONS, &older));
    assert_eq!(strict(&format!("{alone}{older}")), ["warn IG401 web", "warn IG409 older"]);
    let by_san = ingress("web", NO_ANNOTATIONS, &with_tls("{secretName: absent}", "app.example.com"));
    assert!(strict(&format!("{NGINX}{by_san}")).contains(&"deny IG401 web".to_owned()));
    assert!(strict(&format!("{NGINX}{by_san}{older}")).contains(&"warn IG401 web".to_owned()));
    // TLS without a host is ignored, and so is an entry for a host without a rule.
    let hostless = ingress("web", NO_ANNOTATIONS, &with_tls("{secretName: absent}", ""));
    assert_eq!(strict(&format!("{NGINX}{hostless}")), ["warn IG408 web"]);
    let expired = secret("old", "old.example.com; 2020-01-01..2021-01-01");
    let unrouted =
        ingress("web", NO_ANNOTATIONS, &with_tls("{hosts: [old.example.com], secretName: old}", "app.example.com"));
    assert_eq!(strict(&format!("{NGINX}{expired}{unrouted}")), ["warn IG406 web", "warn IG407 web"]);
}

#[test]
fn a_secret_requested_from_cert_manager_is_pending() {
    let with_tls = format!(
        "{}, tls: [{{hosts: [app.example.com], secretName: app-tls}}]",
        nginx(&[rule("app.example.com", &["/"])])
    );
    let certificate = |namespace: &str, secret: &str| {
        format!(
            "{{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {{name: app, namespace: {namespace}}}, \
             spec: {{secretName: {secret}}}}}\n---\n"
        )
    };
    let view = |certificate: &str| format!("{NGINX}{certificate}{}", ingress("web", NO_ANNOTATIONS, &with_tls));
    let strict = |certificate: &str| findings_under("profile: strict", &view(certificate));
    assert_eq!(strict(&certificate("shop", "app-tls")), NO_FINDINGS);
    assert_eq!(strict(&certificate("shop", "other-tls")), ["deny IG401 web"]);
    assert_eq!(strict(&certificate("blog", "app-tls")), ["deny IG401 web"]);
    assert_eq!(strict(""), ["deny IG401 web"]);
    // Whether one exists is unknown.
    let config = ingress_guard::config::Config::parse("test", "profile: strict").unwrap();
    for coverage in [Coverage::Forbidden, Coverage::NotSynced] {
        let mut inventory = super::store(&view(""));
        inventory.cover(Kind::Certificate, coverage);
        assert_eq!(super::decisions_under(&config, &inventory, false), NO_FINDINGS, "{coverage:?}");
    }
}

#[test]
fn names_of_secrets_are_not_revealed() {
    let with_tls = format!(
        "{}, tls: [{{hosts: [app.example.com], secretName: prod-db-passwd}}]",
        nginx(&[rule("app.example.com", &["/"])])
    );
    let view =
        format!("{NGINX}{}{}", secret("prod-db-password", "x.example.com"), ingress("web", NO_ANNOTATIONS, &with_tls));
    let inventory = super::store(&view);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let engine = ingress_guard::config::Config::default().engine();
    let findings = engine.run(ingress, crate::pages::known(&inventory), &Allowance::full()).findings;
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|finding| !finding.to_string().contains("prod-db-password")), "{findings:?}");
}

#[test]
fn the_namespace_of_a_certificate_is_revealed_only_if_the_configuration_allows_it() {
    let with_tls =
        nginx(&[rule("app.example.com", &["/"])]) + ", tls: [{hosts: [app.example.com], secretName: app-tls}]";
    let elsewhere = secret("app-tls", "app.example.com")
        .replace("namespace: shop}", "namespace: payments}\ntype: kubernetes.io/tls");
    let inventory = super::store(&format!("{NGINX}{elsewhere}{}", ingress("web", NO_ANNOTATIONS, &with_tls)));
    let ingress = inventory.ingress("shop", "web").unwrap();
    for (config, is_named) in [("{}", true), ("revealOtherNamespaces: false", false)] {
        let engine = ingress_guard::config::Config::parse("test", config).unwrap().engine();
        let findings = engine.run(ingress, crate::pages::known(&inventory), &Allowance::full()).findings;
        let finding = findings.iter().find(|finding| finding.code == "IG401").unwrap();
        assert_eq!(finding.help.contains("payments"), is_named, "{finding}");
    }
}

/// Evaluates within a time limit; generous, because tests are not optimised.
fn soon(what: &str, view: &str) {
    let inventory = super::store(view);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let engine = ingress_guard::config::Config::default().engine();
    let (took, _) = took(|| engine.run(ingress, crate::pages::known(&inventory), &Allowance::full()));
    assert!(took < Duration::from_secs(3), "{what}: {took:?}");
}

#[test]
fn an_ingress_of_any_size_is_checked_in_bounded_time() {
    let rules = |hosts: Vec<String>| nginx(&hosts.iter().map(|host| rule(host, &["/"])).collect::<Vec<_>>());
    let many = |count: usize, form: &dyn Fn(usize) -> String| (0..count).map(form).collect::<Vec<_>>().join(", ");
    let secrets = many(2500, &|n| format!("{{secretName: secret-{n}}}"));
    let hosts: Vec<String> = (0..2500).map(|n| format!("h{n}.example.com")).collect();
    let spec = format!("{}, tls: [{secrets}]", rules(hosts));
    soon("as many hosts as Secrets", &format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &spec)));

    let long = |n: usize| format!("{}{n}.example.com", "a".repeat(50));
    let hosts: Vec<String> = (0..2000).map(long).collect();
    let unrouted = many(8, &|n| format!("{}b", long(n)));
    let spec = format!("{}, tls: [{{hosts: [{unrouted}]}}]", rules(hosts));
    soon("many long names that are almost right", &format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &spec)));

    let hosts: Vec<String> = (0..5000).map(|n| format!("h.x{n}.example.com")).collect();
    let wildcards = many(5000, &|n| format!("\"*.y{n}.example.com\""));
    let spec = format!("{}, tls: [{{hosts: [{wildcards}]}}]", rules(hosts));
    soon("as many wildcards as hosts", &format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &spec)));

    let huge = "x".repeat(250_000);
    let annotations = [("ingress-guard.io/ignore", huge.as_str()), ("kubernetes.io/ingress.class", huge.as_str())];
    let spec = format!("rules: [{}]", rule("app.example.com", &["/"]));
    soon("names without end", &format!("{NGINX}{}", ingress("web", &annotations, &spec)));

    let services: String = (0..3000).map(|n| service(&format!("web-{n:050}"), "ports: [{port: 80}]")).collect();
    let paths: Vec<String> =
        (0..50).map(|n| missing(&format!("/p{n}")).replace("absent", &format!("wbe-{n:050}"))).collect();
    soon(
        "many names that are almost right",
        &format!("{NGINX}{services}{}", ingress("web", NO_ANNOTATIONS, &paths[0])),
    );
}
