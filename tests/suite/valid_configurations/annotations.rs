//! Valid annotations from documentation and charts, none of which may be reported, and properties of arbitrary
//! annotations.

use std::collections::BTreeSet;

use ingress_guard::budget::Allowance;
use ingress_guard::config::Config;
use ingress_guard::finding::Level;
use ingress_guard::routing::annotations::ALL;
use proptest::prelude::*;

use super::{NGINX, NO_FINDINGS, findings, findings_under, ingress, nginx, rule, service, store};
use crate::pages::{circumstances, known};
use crate::work::took;

const PREFIX: &str = "nginx.ingress.kubernetes.io/";
const STRICT: &str = "profile: strict";

fn strict(version: &str) -> String {
    let dialect = format!("{{match: {{controller: k8s.io/ingress-nginx}}, engine: nginx, version: {version}}}");
    format!("profile: strict\ndialects: [{dialect}]")
}

/// Returns an Ingress of class nginx with these annotations and these paths.
fn annotated(annotations: &[(&str, &str)], paths: &[&str]) -> String {
    let keys: Vec<String> = annotations.iter().map(|(name, _)| format!("{PREFIX}{name}")).collect();
    let values = annotations.iter().map(|(_, value)| *value);
    let pairs: Vec<(&str, &str)> = keys.iter().map(String::as_str).zip(values).collect();
    let auth =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web-auth, namespace: shop}\nstringData: {auth: x}\n---\n";
    let spec = nginx(&[rule("app.example.com", paths)]);
    let spec = if paths == ["/"] { spec } else { spec.replace("Prefix", "ImplementationSpecific") };
    format!("{NGINX}{auth}{}", ingress("web", &pairs, &spec))
}

/// From the upstream documentation and from popular charts.
const EXAMPLES: [&[(&str, &str)]; 14] = [
    &[
        ("auth-url", "https://$host/oauth2/auth"),
        ("auth-signin", "https://$host/oauth2/start?rd=$escaped_request_uri"),
        ("auth-response-headers", "X-Auth-Request-User, X-Auth-Request-Email"),
    ],
    &[
        ("auth-url", "http://authelia.default.svc.cluster.local/api/verify"),
        ("auth-signin", "https://auth.example.com?rm=$request_method"),
        ("auth-method", "GET"),
        ("auth-cache-key", "$remote_user$http_authorization"),
        ("auth-cache-duration", "200 202 401 5m"),
        ("auth-keepalive", "10"),
        ("auth-always-set-cookie", "true"),
    ],
    &[
        ("auth-url", "http://outpost.auth.svc.cluster.local:9000/outpost.goauthentik.io/auth/nginx"),
        ("auth-signin", "https://app.company/outpost.goauthentik.io/start?rd=$scheme://$http_host$escaped_request_uri"),
        ("auth-response-headers", "Set-Cookie,X-authentik-username,X-authentik-groups"),
    ],
    &[
        ("auth-type", "basic"),
        ("auth-secret", "web-auth"),
        ("auth-realm", "Authentication Required - foo"),
        ("satisfy", "any"),
        ("whitelist-source-range", "10.0.0.0/24,172.10.0.1"),
    ],
    &[
        ("enable-cors", "true"),
        ("cors-allow-origin", "https://origin-site.com:4443, http://origin-site.com, https://*.example.org"),
        ("cors-allow-methods", "PUT, GET, POST, OPTIONS"),
        ("cors-allow-headers", "X-Forwarded-For, X-app123-XPTO"),
        ("cors-expose-headers", "*, X-CustomResponseHeader"),
        ("cors-allow-credentials", "false"),
        ("cors-max-age", "600"),
    ],
    &[
        ("affinity", "cookie"),
        ("affinity-mode", "persistent"),
        ("session-cookie-name", "route"),
        ("session-cookie-expires", "172800"),
        ("session-cookie-max-age", "172800"),
        ("session-cookie-path", "/"),
        ("session-cookie-samesite", "None"),
        ("session-cookie-conditional-samesite-none", "true"),
    ],
    &[
        ("backend-protocol", "GRPCS"),
        ("ssl-passthrough", "true"),
        ("force-ssl-redirect", "true"),
        ("ssl-ciphers", "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP"),
        ("proxy-ssl-name", "internal.example.com"),
        ("connection-proxy-header", "keep-alive"),
        ("load-balance", "ewma"),
    ],
    &[
        ("proxy-body-size", "0"),
        ("proxy-buffer-size", "8k"),
        ("proxy-buffers-number", "4"),
        ("proxy-max-temp-file-size", "1024m"),
        ("client-body-buffer-size", "1M"),
        ("proxy-read-timeout", "3600"),
        ("proxy-request-buffering", "off"),
        ("proxy-http-version", "1.0"),
        ("proxy-next-upstream", "error timeout http_502 non_idempotent"),
        ("proxy-next-upstream-tries", "3"),
    ],
    &[
        ("limit-rps", "5"),
        ("limit-burst-multiplier", "3"),
        ("limit-whitelist", "10.0.0.0/8"),
        ("denylist-source-range", "192.0.2.7"),
        ("custom-http-errors", "404,415"),
    ],
    &[
        ("permanent-redirect", "https://www.example.com/new?from=old&x=1"),
        ("permanent-redirect-code", "308"),
        ("from-to-www-redirect", "true"),
    ],
    &[
        ("upstream-hash-by", "${request_uri}-text-value"),
        ("upstream-hash-by-subset", "true"),
        ("upstream-vhost", "$service_name.$namespace"),
        ("x-forwarded-prefix", "/path"),
        ("proxy-cookie-path", "/one/ /"),
        ("proxy-cookie-domain", "localhost example.org"),
        ("proxy-redirect-from", "http://backend/"),
        ("proxy-redirect-to", "/"),
    ],
    &[
        ("mirror-target", "https://test.env.com$request_uri"),
        ("mirror-host", "test.env.com"),
        ("mirror-request-body", "off"),
        ("enable-modsecurity", "true"),
        ("modsecurity-transaction-id", "$request_id"),
        ("enable-opentelemetry", "true"),
        ("opentelemetry-operation-name", "shop_web"),
    ],
    &[
        ("server-alias", "www.example.com,\n~^www\\d+\\.example\\.com$"),
        ("app-root", "/app1"),
        ("use-port-in-redirects", "true"),
        ("auth-tls-verify-client", "optional_no_ca"),
        ("auth-tls-match-cn", "CN=abc|def"),
    ],
    &[("use-regex", "true"), ("rewrite-target", "/$2"), ("ssl-redirect", "false"), ("service-upstream", "true")],
];

/// The services that the examples authenticate with, and the Ingress of the login page.
fn authentication() -> String {
    let service = |namespace: &str, name: &str, port: u16| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{ports: [{{port: {port}}}]}}}}\n---\n"
        )
    };
    let login = ingress("login", &[], &nginx(&[rule("app.example.com", &["/oauth2"])]));
    format!("{}{}{login}", service("default", "authelia", 80), service("auth", "outpost", 9000))
}

#[test]
fn documented_examples_are_valid() {
    for example in EXAMPLES {
        let paths: &[&str] =
            if example.iter().any(|(name, _)| *name == "rewrite-target") { &["/a(/|$)(.*)"] } else { &["/"] };
        let view = annotated(example, paths).replace("pathType: Prefix", "pathType: ImplementationSpecific");
        let authenticates = example.iter().any(|(name, _)| *name == "auth-url");
        let view = if authenticates { format!("{}{view}", authentication()) } else { view };
        assert_eq!(findings_under(STRICT, &view), NO_FINDINGS, "{example:?}");
        assert_eq!(findings_under(&strict("1.15.1"), &view), NO_FINDINGS, "{example:?}");
    }
}

#[test]
fn an_empty_value_disables_an_annotation() {
    let names = ALL.iter().filter(|row| row.removed.is_none() && row.empty.is_none()).map(|row| row.name);
    for name in names.filter(|name| !name.starts_with("canary")) {
        assert_eq!(findings_under(STRICT, &annotated(&[(name, "")], &["/"])), NO_FINDINGS, "{name}");
    }
}

#[test]
fn unused_values_are_not_reported() {
    for alone in [
        [("session-cookie-max-age", "1h")],
        [("cors-max-age", "1h")],
        [("auth-tls-error-page", "#")],
        [("proxy-ssl-verify", "yes")],
        [("auth-request-redirect", "$uri")],
    ] {
        assert_eq!(findings_under(STRICT, &annotated(&alone, &["/"])), NO_FINDINGS, "{alone:?}");
    }
    // The deprecated name of a list is read only if the new one is absent.
    let both = [("allowlist-source-range", "10.0.0.0/8"), ("whitelist-source-range", "everywhere")];
    assert_eq!(findings_under(STRICT, &annotated(&both, &["/"])), NO_FINDINGS);
}

#[test]
fn progressive_rollouts_are_not_reported() {
    let main = ingress("web", &[], &nginx(&[rule("app.example.com", &["/"])]));
    let spec = "ingressClassName: nginx, rules: [{host: app.example.com, http: {paths: [{path: /, \
                pathType: Prefix, backend: {service: {name: web-canary, port: {number: 80}}}}]}}]";
    let canary = |annotations: &[(&str, &str)]| {
        let keys: Vec<String> = annotations.iter().map(|(name, _)| format!("{PREFIX}{name}")).collect();
        let pairs: Vec<_> = keys.iter().map(String::as_str).zip(annotations.iter().map(|(_, value)| *value)).collect();
        let backend = service("web-canary", "ports: [{port: 80}]");
        findings_under(STRICT, &format!("{NGINX}{backend}{main}{}", ingress("web-canary", &pairs, spec)))
    };
    // Flagger and Argo Rollouts before, during and after a rollout, with a copy of the main Ingress' annotations.
    assert_eq!(canary(&[("canary", "true"), ("canary-weight", "0"), ("auth-secret", "x")]), NO_FINDINGS);
    assert_eq!(canary(&[("canary", "true"), ("canary-weight", "30"), ("proxy-read-timeout", "60s")]), NO_FINDINGS);
    assert_eq!(canary(&[("canary", "true"), ("canary-by-header", "X-Canary"), ("rewrite-target", "/$x")]), NO_FINDINGS);
    assert_eq!(canary(&[("canary", "false"), ("canary-weight", "0")]), NO_FINDINGS);
}

#[test]
fn placeholders_are_not_reported() {
    for value in ["{{ .Values.timeout }}", "${TIMEOUT}"] {
        assert_eq!(
            findings_under(STRICT, &annotated(&[("proxy-read-timeout", value)], &["/"])),
            NO_FINDINGS,
            "{value}"
        );
    }
}

#[test]
fn a_value_is_as_long_as_nginx_can_read() {
    let of_length = |name: &str, length: usize, more: &[(&str, &str)]| {
        let value = format!("/{}", "a".repeat(length - 1));
        let value = if name == "permanent-redirect" { value.replacen("/aaaaaaa", "http://a", 1) } else { value };
        findings(&annotated(&[&[(name, value.as_str())], more].concat(), &["/"]))
    };
    for name in ["app-root", "permanent-redirect"] {
        assert_eq!(of_length(name, 4000, &[]), NO_FINDINGS, "{name}");
        assert_eq!(of_length(name, 4096, &[]), ["warn IG603 web"], "{name}");
    }
    // A rewrite target of this length makes the whole configuration invalid: no Ingress change takes effect.
    assert_eq!(of_length("rewrite-target", 4096, &[]), ["deny IG302 web", "warn IG311 web"]);
    // An annotation without effect on the configuration is not reported.
    assert_eq!(of_length("x-forwarded-prefix", 4096, &[]), NO_FINDINGS);
    assert_eq!(
        of_length("x-forwarded-prefix", 4096, &[("rewrite-target", "/x")]),
        ["warn IG311 web", "warn IG603 web"]
    );
    assert_eq!(of_length("permanent-redirect", 4096, &[("temporal-redirect", "https://b.example.com")]), NO_FINDINGS);
    assert_eq!(of_length("app-root", 4096, &[("canary", "true"), ("canary-weight", "1")]), ["warn IG605 web"]);
    // A list becomes one parameter per item.
    assert_eq!(
        findings(&annotated(&[("denylist-source-range", &vec!["10.0.0.0/8"; 1000].join(","))], &["/"])),
        NO_FINDINGS
    );
}

#[test]
fn annotations_of_other_controllers_are_not_reported() {
    let foreign = [("nginx.ingress.kubernetes.io/made-up", "x"), ("haproxy.org/timeout", "60s")];
    let spec = format!("ingressClassName: other, rules: [{}]", rule("app.example.com", &["/"]));
    let view = format!("{NGINX}{}{}", super::class("other", "example.com/other"), ingress("web", &foreign, &spec));
    assert_eq!(findings(&view), NO_FINDINGS);
}

#[test]
fn nginx_configuration_rules_do_not_apply_to_traefik() {
    let annotations = [("rewrite-target", "/$unknown"), ("proxy-read-timeout", "60s"), ("auth-secret", "x")];
    let traefik = "profile: strict\ndialects: [{match: {controller: k8s.io/ingress-nginx}, engine: traefik}]";
    assert_eq!(findings_under(traefik, &annotated(&annotations, &["/a(.*)"])), NO_FINDINGS);
}

#[test]
fn a_target_of_a_thousand_variables_takes_no_longer() {
    let target = "/$a".repeat(1360);
    let paths: Vec<String> = (0..1000).map(|number| format!("/p{number}/(?<name{number}>x)")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let inventory = store(&annotated(&[("rewrite-target", &target), ("use-regex", "yes")], &paths));
    let (took, reported) = took(|| super::decisions(&inventory, false));
    assert!(reported.contains(&"deny IG312 web".to_owned()), "{reported:?}");
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
}

/// Returns codes and subjects of denials.
fn denied(config: &str, view: &str) -> BTreeSet<(&'static str, String)> {
    let config = Config::parse("test", config).unwrap();
    let inventory = store(view);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let findings = config.engine().run(ingress, known(&inventory), &Allowance::full()).findings;
    assert!(findings.iter().all(|finding| finding.code != "IG901"), "{findings:?}");
    assert!(findings.iter().all(|finding| !finding.to_string().contains(char::is_control)), "{findings:?}");
    let decisions = config.policy.decide(findings, &circumstances(ingress, false)).decisions;
    let denied = decisions.into_iter().filter(|decision| decision.level == Level::Deny);
    denied.map(|decision| (decision.finding.code, decision.finding.subject.to_string())).collect()
}

/// Annotations with valid, almost valid, or arbitrary values.
fn any_annotations() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    const VALUES: [&str; 24] = [
        "true",
        "yes",
        "60",
        "60s",
        "8m",
        "10.0.0.0/8",
        "10.0.0.0/99",
        "cookie",
        "basic",
        "GET",
        "/$1",
        "/$unknown",
        "/a?b",
        "https://a.example.com/x",
        "http://a/b c#d",
        "x",
        "shop/web-auth",
        "web-auth",
        "other/web-auth",
        "404,503",
        "404, 503",
        "200 5m",
        "off",
        "",
    ];
    let name = prop::sample::select(ALL.iter().map(|row| row.name).collect::<Vec<_>>());
    let value = prop_oneof![
        4 => prop::sample::select(VALUES.to_vec()).prop_map(str::to_owned),
        1 => "[a-z0-9/$ ,:{}\\n\u{1}é-]{0,12}",
    ];
    prop::collection::vec((name, value), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Findings that depend on the version deny nothing while it is unknown.
    #[test]
    fn a_denial_without_a_known_version_holds_for_every_version(annotations in any_annotations(), regex in any::<bool>()) {
        let pairs: Vec<(&str, &str)> = annotations.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let view = annotated(&pairs, if regex { &["/a(/|$)(.*)"] } else { &["/"] });
        let unknown = denied(STRICT, &view);
        for version in ["1.9.0", "1.11.8", "1.15.1"] {
            let with = denied(&strict(version), &view);
            let only: Vec<_> = unknown.difference(&with).collect();
            // The paths of an Ingress that this version does not load have no findings.
            let is_not_loaded = with.iter().any(|(code, _)| ["IG315", "IG603", "IG609"].contains(code));
            prop_assert!(only.is_empty() || is_not_loaded, "{} would not: {:?} of {:?}", version, only, pairs);
        }
    }
}
