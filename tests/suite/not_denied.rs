//! Writes that must not be denied: annotations that the controller does not read, directives that it does not write, and
//! effects that depend on a version or a setting that is not known. Beside each, the neighbour that is denied.

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::Inventory;
use ingress_guard::config::Config;
use ingress_guard::finding::Level;

use crate::explain::findings::assert_agrees;
use crate::pages;

const COMMON: &str = "
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {type: ExternalName, externalName: web.example.net, ports: [{port: 80}]}}
";

/// One Ingress; a path without a type is without `http`.
#[derive(Clone)]
struct Written<'a> {
    name: &'a str,
    minute: u8,
    annotations: Vec<(&'a str, &'a str)>,
    host: &'a str,
    paths: &'a [(&'a str, &'a str)],
}

impl<'a> Written<'a> {
    fn new(annotations: &[(&'a str, &'a str)]) -> Self {
        Self {
            name: "web",
            minute: 30,
            annotations: annotations.to_vec(),
            host: "app.example.com",
            paths: &[("/", "Prefix")],
        }
    }

    fn older(self) -> Self {
        Self { name: "older", minute: 10, ..self }
    }

    fn paths(self, paths: &'a [(&'a str, &'a str)]) -> Self {
        Self { paths, ..self }
    }

    fn host(self, host: &'a str) -> Self {
        Self { host, ..self }
    }

    fn manifest(&self) -> String {
        let backend = "{service: {name: web, port: {number: 80}}}";
        let annotation = |(name, value): &(&str, &str)| format!("nginx.ingress.kubernetes.io/{name}: {value:?}");
        let path =
            |(path, path_type): &(&str, &str)| format!("{{path: {path:?}, pathType: {path_type}, backend: {backend}}}");
        let annotations: Vec<String> = self.annotations.iter().map(annotation).collect();
        let paths: Vec<String> = self.paths.iter().map(path).collect();
        let http = if paths.is_empty() { String::new() } else { format!(", http: {{paths: [{}]}}", paths.join(", ")) };
        format!(
            "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {}, namespace: shop, creationTimestamp: '2026-01-01T00:{:02}:00Z', annotations: {{{}}}}}
spec: {{ingressClassName: nginx, defaultBackend: {backend}, rules: [{{host: '{}'{http}}}]}}
",
            self.name,
            self.minute,
            annotations.join(", "),
            self.host,
        )
    }
}

/// The codes that deny the Ingress `web`, with these keys of the controller's dialect and these other objects.
fn denied_with(dialect: &str, others: &str, ingresses: &[Written<'_>]) -> Vec<&'static str> {
    let config = format!("dialects: [{{match: {{controller: k8s.io/ingress-nginx}}, engine: nginx{dialect}}}]");
    let config = Config::parse("test", &config).unwrap();
    let manifests: String = ingresses.iter().map(Written::manifest).collect();
    let inventory: Inventory = pages::inventory(&config, &(COMMON.to_owned() + others + &manifests));
    assert_agrees(&config, &inventory);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let analysis = analyze(ingress, pages::known(&inventory), &config.engine(), &config.policy);
    let denied = analysis.verdict.distinct().filter(|decision| decision.level == Level::Deny);
    denied.map(|decision| decision.finding.code).collect()
}

/// The codes that deny it under a controller of this version; empty: unknown.
fn denied(version: &str, ingresses: &[Written<'_>]) -> Vec<&'static str> {
    let version = if version.is_empty() { String::new() } else { format!(", version: {version:?}") };
    denied_with(&version, "", ingresses)
}

const NOTHING: [&str; 0] = [];

#[test]
fn values_that_the_controller_does_not_read() {
    let value = |annotations: &[(&str, &str)]| denied("1.15.1", &[Written::new(annotations)]);
    let bad_url = ("permanent-redirect", "https://www.example.com$request_uri");
    assert_eq!(value(&[bad_url]), ["IG603"]);
    // It is read only where temporal-redirect is absent.
    assert_eq!(value(&[bad_url, ("temporal-redirect", "https://www.example.com")]), NOTHING);
    assert_eq!(value(&[bad_url, ("temporal-redirect", "")]), NOTHING);
    let bad_code = ("permanent-redirect-code", "moved");
    assert_eq!(value(&[bad_code]), ["IG603"]);
    assert_eq!(value(&[bad_code, ("temporal-redirect", "https://www.example.com")]), NOTHING);
    let operation = ("opentelemetry-operation-name", "HTTP $request_method");
    assert_eq!(value(&[operation, ("enable-opentelemetry", "true")]), ["IG603"]);
    for off in ["yes", "false", ""] {
        assert_eq!(value(&[operation, ("enable-opentelemetry", off)]), NOTHING, "{off}");
    }
}

#[test]
fn values_of_which_the_validator_looks_at_a_part() {
    for (basic, kind) in [("basic-auth", "auth-file"), ("digest", "auth-map"), ("basic", "auth-file,")] {
        let annotations = [("auth-type", basic), ("auth-secret", "users"), ("auth-secret-type", kind)];
        assert_eq!(denied("1.15.1", &[Written::new(&annotations)]), NOTHING, "{basic} {kind}");
    }
    assert_eq!(denied("1.15.1", &[Written::new(&[("auth-type", "Basic"), ("auth-secret", "users")])]), ["IG603"]);
}

#[test]
fn a_redirect_from_www_of_a_wildcard_that_is_not_written() {
    let redirect = ("from-to-www-redirect", "true");
    let on_wildcard = |annotations: &[(&'static str, &'static str)]| Written::new(annotations).host("*.example.com");
    assert_eq!(denied("", &[on_wildcard(&[redirect])]), ["IG611"]);
    // It comes with a location.
    assert_eq!(denied("", &[on_wildcard(&[redirect]).paths(&[])]), NOTHING);
    assert_eq!(denied("", &[on_wildcard(&[]).older(), on_wildcard(&[redirect])]), NOTHING);
    // The controller drops all redirects of the Ingress.
    assert_eq!(denied("", &[on_wildcard(&[redirect, ("temporal-redirect", "/new")])]), NOTHING);
}

#[test]
fn locations_of_an_ingress_that_may_not_be_loaded() {
    // Not loaded from 1.12 on.
    let doubtful = [("permanent-redirect", "https://www.example.com$request_uri")];
    let twins = |annotations: &[(&'static str, &'static str)]| {
        [
            Written::new(annotations).older().paths(&[("/foo", "Prefix")]),
            Written::new(&[]).paths(&[("/foo/", "Prefix")]),
        ]
    };
    assert_eq!(denied("", &twins(&[])), ["IG314"]);
    assert_eq!(denied("", &twins(&doubtful)), NOTHING);
    assert_eq!(denied("1.11.2", &twins(&doubtful)), ["IG314"]);
    assert_eq!(denied("1.15.1", &twins(&doubtful)), NOTHING);
    let switched = |annotations: &[(&'static str, &'static str)]| {
        let annotations = [annotations, &[("use-regex", "true")]].concat();
        [Written::new(&annotations).older(), Written::new(&[]).paths(&[("/foo(", "ImplementationSpecific")])]
    };
    assert_eq!(denied("", &switched(&[])), ["IG302"]);
    assert_eq!(denied("", &switched(&doubtful)), NOTHING);
    assert_eq!(denied("1.11.2", &switched(&doubtful)), ["IG302"]);
}

#[test]
fn locations_of_a_host_that_may_return_403() {
    // The controller refuses Secrets of other namespaces from 1.12 on, and the host has no locations then.
    let forbidden = [("auth-tls-secret", "other/ca")];
    for (annotation, code) in [(("proxy-buffers-number", "1"), "IG611"), (("rewrite-target", "/$undefined"), "IG312")] {
        let host = |others: &[(&'static str, &'static str)]| {
            [Written::new(others).older().paths(&[("/other", "Prefix")]), Written::new(&[annotation])]
        };
        assert_eq!(denied("", &host(&[])), [code]);
        assert_eq!(denied("", &host(&forbidden)), NOTHING, "{code}");
        assert_eq!(denied("1.11.2", &host(&forbidden)), [code]);
    }
}

#[test]
fn paths_that_versions_without_escaping_read_otherwise() {
    // nginx reads each pair of backslashes as one where the controller does not escape them.
    let path = [Written::new(&[("use-regex", "true")]).paths(&[("/a\\\\(b", "ImplementationSpecific")])];
    for (version, codes) in
        [("1.13.7", &["IG302"][..]), ("1.15.1", &["IG302"]), ("1.14.2", &[]), ("1.12.0", &[]), ("", &[])]
    {
        assert_eq!(denied(version, &path), codes, "{version}");
    }
    let plain = [Written::new(&[("use-regex", "true")]).paths(&[("/a(b", "ImplementationSpecific")])];
    assert_eq!(denied("1.12.0", &plain), ["IG302"]);
}

#[test]
fn paths_that_are_quoted_are_no_exploit() {
    for path in ["/docs/[a-z ]{3,5}", "/users;id=[0-9]{3}"] {
        let paths = [(path, "ImplementationSpecific")];
        for annotation in [("use-regex", "true"), ("rewrite-target", "/new")] {
            assert_eq!(denied("1.13.6", &[Written::new(&[annotation]).paths(&paths)]), NOTHING, "{path}");
        }
        assert_eq!(denied("1.13.6", &[Written::new(&[]).paths(&paths)]), ["IG613"], "{path}");
    }
    let injection = [("/x\" { } location /y {", "ImplementationSpecific")];
    assert_eq!(denied("1.13.6", &[Written::new(&[("use-regex", "true")]).paths(&injection)]), ["IG613"]);
}

#[test]
fn variables_of_the_config_map_of_the_controller() {
    let config_map = |data: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: nginx, namespace: infra}}, data: {{{data}}}}}\n"
        )
    };
    let of = |data: &str| {
        let rewrite = [Written::new(&[("rewrite-target", "/$Tenant/x")])];
        denied_with(", version: 1.15.1, configMap: infra/nginx", &config_map(data), &rewrite)
    };
    assert_eq!(of(""), ["IG312"]);
    assert_eq!(of("http-snippet: 'map $host $tenants { default a; }'"), ["IG312"]);
    for key in ["http-snippet", "server-snippet", "location-snippet"] {
        assert_eq!(of(&format!("{key}: 'map $host $tenant {{ default a; }}'")), NOTHING, "{key}");
        assert_eq!(of(&format!("{key}: 'set ${{tenant}} a;'")), NOTHING, "{key}");
    }
}

#[test]
fn an_ingress_in_a_namespace_that_the_controller_does_not_watch() {
    let watching = |namespace: &str, ingress: Written<'_>| {
        denied_with(&format!(", version: 1.15.1, watchNamespaces: [{namespace}]"), "", &[ingress])
    };
    for (annotation, code) in [(("limit-rps", "x"), "IG603"), (("ssl-ciphers", "NOPE"), "IG611")] {
        assert_eq!(watching("shop", Written::new(&[annotation])), [code]);
        // Another controller may watch the namespace, with other settings.
        assert_eq!(watching("billing", Written::new(&[annotation])), NOTHING, "{annotation:?}");
    }
    let regex = Written::new(&[("use-regex", "true")]).paths(&[("/a(", "ImplementationSpecific")]);
    assert_eq!(watching("shop", regex.clone()), ["IG302"]);
    assert_eq!(watching("billing", regex), NOTHING);
}
