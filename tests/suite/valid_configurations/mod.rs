//! Valid configurations that look wrong. Each is evaluated by the whole default engine under `guard`; none is denied or
//! warned about, except where a test asserts a specific finding.

mod annotations;
mod challenges;
mod endpoints;
mod optional;
mod ownership;
mod paths;

use std::fmt::Write as _;
use std::time::Duration;

use ingress_guard::budget::Allowance;
use ingress_guard::cluster::{Coverage, Inventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::finding::Level;
use ingress_guard::model::Kind;

use crate::explain::findings::assert_agrees;
use crate::pages::{circumstances, fixtures, known};
use crate::work::took;

/// An IngressClass of ingress-nginx with its usual name, and a Service `web` with one port.
const NGINX: &str = r"
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [{port: 80, name: http}]}}
---
";
const WEB: &str = "{service: {name: web, port: {number: 80}}}";
const NO_ANNOTATIONS: &[(&str, &str)] = &[];

/// Returns an Ingress of namespace `shop`; `spec` is the text between the braces.
fn ingress(name: &str, annotations: &[(&str, &str)], spec: &str) -> String {
    let annotations: serde_json::Map<_, _> = annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
    let annotations = serde_json::Value::from(annotations);
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\n\
         metadata: {{name: {name}, namespace: shop, annotations: {annotations}}}\nspec: {{{spec}}}\n---\n"
    )
}

/// Returns a rule that sends these Prefix paths to `web`; without a host if it is empty.
fn rule(host: &str, paths: &[&str]) -> String {
    let paths: Vec<String> =
        paths.iter().map(|path| format!("{{path: {path:?}, pathType: Prefix, backend: {WEB}}}")).collect();
    let host = if host.is_empty() { String::new() } else { format!("host: {host:?}, ") };
    format!("{{{host}http: {{paths: [{}]}}}}", paths.join(", "))
}

/// Returns the spec of an Ingress of class nginx with these rules.
fn nginx(rules: &[String]) -> String {
    format!("ingressClassName: nginx, rules: [{}]", rules.join(", "))
}

fn class(name: &str, controller: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: {name}}}, \
         spec: {{controller: {controller}}}}}\n---\n"
    )
}

fn service(name: &str, spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, spec: {{{spec}}}}}\n---\n")
}

fn secret(name: &str, hosts: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: shop}}\nstringData:\n  \
         tls.crt: certificate({hosts})\n  tls.key: key(own)\n---\n"
    )
}

fn store(manifests: &str) -> Inventory {
    load_text("test", &fixtures::expand(manifests)).unwrap_or_else(|error| panic!("{error}\n{manifests}"))
}

/// Returns the findings on every Ingress of the inventory above audit level: level, code and name.
fn decisions(inventory: &Inventory, dry_run: bool) -> Vec<String> {
    decisions_under(&Config::default(), inventory, dry_run)
}

fn decisions_under(config: &Config, inventory: &Inventory, dry_run: bool) -> Vec<String> {
    let engine = config.engine();
    assert_agrees(config, inventory);
    let mut reported = Vec::new();
    for ingress in inventory.ingresses() {
        let circumstances = circumstances(ingress, dry_run);
        let verdict =
            config.policy.decide(engine.run(ingress, known(inventory), &Allowance::full()).findings, &circumstances);
        let above_audit = verdict.decisions.iter().filter(|decision| decision.level > Level::Audit);
        reported.extend(above_audit.map(|r| format!("{} {} {}", r.level, r.finding.code, ingress.meta.key.name)));
    }
    reported.sort();
    reported
}

fn findings(manifests: &str) -> Vec<String> {
    decisions(&store(manifests), false)
}

fn findings_under(config: &str, manifests: &str) -> Vec<String> {
    decisions_under(&Config::parse("test", config).unwrap(), &store(manifests), false)
}

const NO_FINDINGS: &[&str] = &[];

#[test]
fn a_canary_shares_host_and_path_with_its_main_ingress() {
    const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
    const WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";
    let canary = |annotations: &[(&str, &str)]| {
        let spec = "ingressClassName: nginx, rules: [{host: app.example.com, http: {paths: [{path: /, \
                    pathType: Prefix, backend: {service: {name: web-canary, port: {number: 80}}}}]}}]";
        findings(&format!(
            "{NGINX}{}{}{}",
            service("web-canary", "ports: [{port: 80}]"),
            ingress("web", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &["/"])])),
            ingress("web-canary", annotations, spec),
        ))
    };
    assert_eq!(canary(&[(CANARY, "true"), (WEIGHT, "10")]), NO_FINDINGS);
    assert_eq!(canary(&[(CANARY, "true"), (WEIGHT, "0")]), NO_FINDINGS, "a rollout at rest");
    assert_eq!(canary(&[(CANARY, "false"), (WEIGHT, "0")]), NO_FINDINGS, "after the rollout");
}

#[test]
fn an_action_of_the_aws_controller_has_no_service() {
    let spec = "ingressClassName: alb, rules: [{http: {paths: [\
                {path: /, pathType: Prefix, backend: {service: {name: ssl-redirect, port: {name: use-annotation}}}}]}}]";
    let annotations = [
        ("alb.ingress.kubernetes.io/group.name", "shared"),
        ("alb.ingress.kubernetes.io/actions.ssl-redirect", "{\n  \"Type\": \"redirect\"\n}"),
    ];
    let view = class("alb", "ingress.k8s.aws/alb") + &ingress("web", &annotations, spec);
    assert_eq!(findings(&view), NO_FINDINGS);
}

#[test]
fn the_aws_controller_ignores_secrets() {
    let view = |entry: &str| {
        let spec = format!("ingressClassName: alb, tls: [{entry}], rules: [{}]", rule("app.example.com", &["/"]));
        let alb = class("alb", "ingress.k8s.aws/alb");
        findings(&format!("{NGINX}{alb}{}{}", secret("other", "b.example.com"), ingress("web", NO_ANNOTATIONS, &spec)))
    };
    assert_eq!(view("{hosts: [app.example.com], secretName: absent}"), NO_FINDINGS);
    assert_eq!(view("{hosts: [app.example.com], secretName: other}"), NO_FINDINGS);
}

#[test]
fn a_resource_backend_names_no_service() {
    let spec = "ingressClassName: bucket, defaultBackend: {resource: {kind: Bucket, name: pages}}";
    assert_eq!(
        findings(&(class("bucket", "example.com/buckets") + &ingress("web", NO_ANNOTATIONS, spec))),
        NO_FINDINGS
    );
}

#[test]
fn a_tls_entry_without_a_secret_uses_the_default_certificate() {
    let spec = format!("tls: [{{hosts: [app.example.com]}}], {}", nginx(&[rule("app.example.com", &["/"])]));
    assert_eq!(findings(&format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &spec))), NO_FINDINGS);
}

#[test]
fn without_tls_hosts_the_certificate_determines_the_hosts() {
    let view = |entry: &str| {
        let spec = format!("tls: [{entry}], {}", nginx(&[rule("app.example.com", &["/"])]));
        findings(&format!("{NGINX}{}{}", secret("wild", "*.example.com"), ingress("web", NO_ANNOTATIONS, &spec)))
    };
    assert_eq!(view("{hosts: [], secretName: wild}"), NO_FINDINGS);
    assert_eq!(view("{secretName: wild}"), NO_FINDINGS);
    assert_eq!(view("{hosts: []}"), NO_FINDINGS);
}

#[test]
fn a_wildcard_tls_host_covers_exact_rule_hosts_of_one_label() {
    let view = |hosts: &[&str]| {
        let rules: Vec<String> = hosts.iter().map(|host| rule(host, &["/"])).collect();
        let spec = format!("tls: [{{hosts: [\"*.example.com\"], secretName: wild}}], {}", nginx(&rules));
        findings(&format!("{NGINX}{}{}", secret("wild", "*.example.com"), ingress("web", NO_ANNOTATIONS, &spec)))
    };
    assert_eq!(view(&["app.example.com", "api.example.com"]), NO_FINDINGS);
    assert_eq!(view(&["app.example.com", "a.b.example.com"]), ["warn IG406 web"], "two labels are not covered");
}

#[test]
fn a_www_host_needs_no_rule_where_it_is_redirected() {
    let tls = "tls: [{hosts: [example.com, www.example.com], secretName: www}]";
    let spec = format!("{tls}, {}", nginx(&[rule("example.com", &["/"])]));
    let view = |annotations: &[(&str, &str)]| {
        let secret = secret("www", "example.com, www.example.com");
        findings(&format!("{NGINX}{secret}{}", ingress("web", annotations, &spec)))
    };
    assert_eq!(view(&[("nginx.ingress.kubernetes.io/from-to-www-redirect", "true")]), NO_FINDINGS);
    assert_eq!(view(&[]), ["warn IG407 web"], "without the redirect no rule routes it");
}

#[test]
fn services_without_own_pods_are_valid() {
    for spec in [
        "type: ExternalName, externalName: legacy.example.net",
        "clusterIP: None, selector: {app: web}, ports: [{port: 80}]",
        "ports: [{port: 80}]",
    ] {
        let backend = "ingressClassName: nginx, defaultBackend: {service: {name: legacy, port: {number: 80}}}";
        let view = format!("{NGINX}{}{}", service("legacy", spec), ingress("web", NO_ANNOTATIONS, backend));
        assert_eq!(findings(&view), NO_FINDINGS, "{spec}");
    }
}

#[test]
fn two_ingresses_may_share_a_host() {
    let web = ingress("web", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &["/"])]));
    let api = ingress("api", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &["/api"])]));
    assert_eq!(findings(&format!("{NGINX}{web}{api}")), NO_FINDINGS);
}

#[test]
fn ingresses_of_different_classes_may_both_be_without_a_host() {
    let inside = format!("ingressClassName: inside, rules: [{}]", rule("", &["/"]));
    let view = format!(
        "{NGINX}{}{}{}",
        class("inside", "k8s.io/ingress-nginx-inside"),
        ingress("web", NO_ANNOTATIONS, &nginx(&[rule("", &["/"])])),
        ingress("inside", NO_ANNOTATIONS, &inside),
    );
    assert_eq!(findings(&view), NO_FINDINGS);
}

#[test]
fn classes_that_controllers_match_by_name_need_no_object() {
    let spec = format!("rules: [{}]", rule("app.example.com", &["/"]));
    for (annotation, field) in
        [(Some("gce"), None), (Some("gce-internal"), None), (Some("contour"), None), (None, Some("contour"))]
    {
        let annotations: Vec<_> = annotation.iter().map(|class| ("kubernetes.io/ingress.class", *class)).collect();
        let field = field.map(|class| format!("ingressClassName: {class}, ")).unwrap_or_default();
        let view = format!("{NGINX}{}", ingress("web", &annotations, &(field + &spec)));
        assert_eq!(findings(&view), NO_FINDINGS, "{annotations:?} {spec}");
    }
}

#[test]
fn a_port_without_a_name_is_found_by_its_number_only() {
    let view = |port: &str| {
        let spec = format!("ingressClassName: nginx, defaultBackend: {{service: {{name: plain, port: {{{port}}}}}}}");
        findings(&format!(
            "{NGINX}{}{}",
            service("plain", "ports: [{port: 80}]"),
            ingress("web", NO_ANNOTATIONS, &spec)
        ))
    };
    assert_eq!(view("number: 80"), NO_FINDINGS);
    assert_eq!(view("number: 81"), ["deny IG202 web"]);
    assert_eq!(view("name: http"), ["deny IG202 web"]);
}

#[test]
fn numbers_written_as_text_are_numbers_as_target_ports_and_names_as_port_names() {
    let view = |port: &str| {
        let ports = "ports: [{port: 80, targetPort: \"8080\", name: \"9090\"}]";
        let spec = format!("ingressClassName: nginx, defaultBackend: {{service: {{name: text, port: {{{port}}}}}}}");
        findings(&format!("{NGINX}{}{}", service("text", ports), ingress("web", NO_ANNOTATIONS, &spec)))
    };
    assert_eq!(view("number: 80"), NO_FINDINGS);
    // The API server refuses such a name, but the port exists.
    assert_eq!(view("name: \"9090\""), ["deny IG701 web"]);
    assert_eq!(view("number: 8080"), ["warn IG203 web"]);
    assert_eq!(view("number: 9090"), ["deny IG202 web"]);
}

#[test]
fn five_thousand_paths_and_two_thousand_hosts_are_checked_in_bounded_time() {
    let paths: Vec<String> = (0..5000).map(|number| format!("/p{number}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let wide = ingress("web", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &paths)]));
    let mut hosts = String::new();
    let rules: Vec<String> = (0..2000)
        .map(|number| {
            let _ = write!(hosts, "h{number}.example.com, ");
            rule(&format!("h{number}.example.com"), &["/"])
        })
        .collect();
    let tall = format!("tls: [{{hosts: [{hosts}]}}], {}", nginx(&rules));
    for (name, view) in [("paths", wide), ("hosts", ingress("web", NO_ANNOTATIONS, &tall))] {
        let inventory = store(&format!("{NGINX}{view}"));
        let (took, reported) = took(|| decisions(&inventory, false));
        assert_eq!(reported, NO_FINDINGS);
        // Generous: an unoptimized build, on a machine with other load.
        assert!(took < Duration::from_secs(2), "the {name} took {took:?}");
    }
}

#[test]
fn five_thousand_findings_take_bounded_time() {
    let path = |number: usize| {
        format!(
            "{{path: /p{number}, pathType: Prefix, backend: {{service: {{name: w{number}, port: {{number: 80}}}}}}}}"
        )
    };
    let paths: Vec<String> = (0..5000).map(path).collect();
    let rules = format!("{{host: app.example.com, http: {{paths: [{}]}}}}", paths.join(", "));
    let services: String = (0..2000).map(|number| service(&format!("s{number}"), "ports: [{port: 80}]")).collect();
    let inventory = store(&format!("{NGINX}{services}{}", ingress("web", NO_ANNOTATIONS, &nginx(&[rules]))));
    let (took, reported) = took(|| decisions(&inventory, false));
    assert_eq!(reported.len(), 5000);
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}

#[test]
fn nginx_rules_do_not_apply_to_other_controllers() {
    let spec = format!("ingressClassName: haproxy, rules: [{}]", rule("app.example.com", &["/api/.*"]));
    let annotations = [
        ("nginx.ingress.kubernetes.io/rewrite-target", "/$2\n"),
        ("haproxy.org/path-rewrite", "/api/(.*) /\\1\n"),
        ("nginx.org/rewrites", "x"),
    ];
    let view =
        format!("{NGINX}{}{}", class("haproxy", "haproxy.org/ingress-controller"), ingress("web", &annotations, &spec));
    assert_eq!(findings(&view), NO_FINDINGS);
}

#[test]
fn annotations_of_many_lines_may_have_many_lines() {
    let annotations = [
        ("kubectl.kubernetes.io/last-applied-configuration", "{\"kind\":\"Ingress\"}\n"),
        ("nginx.ingress.kubernetes.io/configuration-snippet", "more_set_headers \"A: b\";\ngzip on;\n"),
        ("nginx.ingress.kubernetes.io/server-snippet", "location /x {\n  return 403;\n}\n"),
        ("nginx.ingress.kubernetes.io/whitelist-source-range", "10.0.0.0/8,\n192.0.2.0/24\n"),
        ("meta.helm.sh/notes", "a\tb\r\n"),
    ];
    let spec = nginx(&[rule("app.example.com", &["/"])]);
    assert_eq!(findings(&format!("{NGINX}{}", ingress("web", &annotations, &spec))), NO_FINDINGS);
}

#[test]
fn paths_with_unusual_characters_are_not_regexes() {
    let paths = ["/odata/$metadata", "/c++/docs", "/v1.2", "/wiki/Foo_(bar)"];
    let spec = nginx(&[rule("app.example.com", &paths)]);
    assert_eq!(findings(&format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, &spec))), NO_FINDINGS);
    // These paths have no group, so the rewrite drops the request path.
    let rewrite = [("nginx.ingress.kubernetes.io/rewrite-target", "/$1")];
    assert_eq!(findings(&format!("{NGINX}{}", ingress("web", &rewrite, &spec))), ["warn IG311 web"; 3]);
}

#[test]
fn a_rewritten_api_and_a_plain_frontend_share_a_host() {
    let api = "ingressClassName: nginx, rules: [{host: app.example.com, http: {paths: [{path: \"/api(/|$)(.*)\", \
               pathType: ImplementationSpecific, backend: {service: {name: web, port: {number: 80}}}}]}}]";
    let annotations =
        [("nginx.ingress.kubernetes.io/use-regex", "true"), ("nginx.ingress.kubernetes.io/rewrite-target", "/$2")];
    let web = ingress("web", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &["/"])]));
    assert_eq!(findings(&format!("{NGINX}{web}{}", ingress("api", &annotations, api))), NO_FINDINGS);
}

#[test]
fn a_catch_all_wildcard_coexists_with_exact_hosts() {
    let wildcard = ingress("any", NO_ANNOTATIONS, &nginx(&[rule("*.apps.example.com", &["/"])]));
    let exact = ingress("web", NO_ANNOTATIONS, &nginx(&[rule("web.apps.example.com", &["/"])]));
    assert_eq!(findings(&format!("{NGINX}{wildcard}{exact}")), NO_FINDINGS);
}

#[test]
fn a_class_with_an_ingress_address_is_served() {
    let spec = format!("rules: [{}]", rule("app.example.com", &["/"]));
    let named = format!("ingressClassName: edge, {spec}");
    let annotated = [("kubernetes.io/ingress.class", "edge")];
    for (code, annotations, spec) in
        [("IG101", NO_ANNOTATIONS, &named), ("IG105", &annotated, &spec), ("IG102", NO_ANNOTATIONS, &spec)]
    {
        let alone = format!("{NGINX}{}", ingress("web", annotations, spec));
        assert_eq!(findings(&alone).len(), 1, "{code}");
        assert!(findings(&alone)[0].ends_with(&format!("{code} web")), "{:?}", findings(&alone));
        let old = ingress("old", annotations, spec)
            .replace("---", "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n---");
        assert_eq!(findings(&(alone + &old)), NO_FINDINGS, "{code}");
    }
}

#[test]
fn an_ingress_is_not_compared_with_itself_or_those_being_deleted() {
    let spec = "ingressClassName: nginx, rules: [{host: app.example.com, http: {paths: [{path: /, pathType: Exact, \
                backend: {service: {name: web, port: {number: 80}}}}]}}]";
    let web = ingress("web", NO_ANNOTATIONS, spec);
    assert_eq!(findings(&format!("{NGINX}{web}")), ["warn IG305 web"]);
    let api = ingress("api", NO_ANNOTATIONS, &nginx(&[rule("app.example.com", &["/api"])]));
    assert_eq!(findings(&format!("{NGINX}{web}{api}")), NO_FINDINGS);
    let leaving = api.replace("namespace: shop", "namespace: shop, deletionTimestamp: \"2026-11-22T11:00:00Z\"");
    assert_eq!(findings(&format!("{NGINX}{web}{leaving}")), ["warn IG305 web"]);
}

#[test]
fn a_dry_run_does_not_deny_for_objects_of_the_same_batch() {
    let spec = "ingressClassName: soon, defaultBackend: {service: {name: soon, port: {number: 80}}}";
    let inventory = store(&format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, spec)));
    assert_eq!(decisions(&inventory, true), ["warn IG101 web", "warn IG201 web"]);
    assert_eq!(decisions(&inventory, false), ["deny IG101 web", "warn IG201 web"]);
}

#[test]
fn unknown_objects_never_cause_findings() {
    let spec = "ingressClassName: ngnix, tls: [{hosts: [app.example.com], secretName: absent}], \
                rules: [{host: app.example.com, http: {paths: [{path: /, pathType: Exact, \
                backend: {service: {name: absent, port: {number: 80}}}}]}}]";
    let view = format!("{NGINX}{}", ingress("web", NO_ANNOTATIONS, spec));
    let codes = |coverage: Option<(Kind, Coverage)>| -> Vec<String> {
        let mut inventory = store(&view);
        if let Some((kind, coverage)) = coverage {
            inventory.cover(kind, coverage);
        }
        decisions(&inventory, false)
    };
    let has = |reported: &[String], code: &str| reported.iter().any(|line| line.contains(code));
    let complete = codes(None);
    assert!(!has(&complete, "IG902"), "{complete:?}");
    // No check reads Namespaces.
    for (kind, expected) in [
        (Kind::IngressClass, &["IG101"][..]),
        (Kind::Ingress, &["IG101", "IG305"]),
        (Kind::Secret, &["IG401"]),
        (Kind::Service, &["IG201"]),
    ] {
        for code in expected {
            assert!(has(&complete, code), "{code}: {complete:?}");
            for coverage in [Coverage::Forbidden, Coverage::NotSynced, Coverage::Disabled] {
                let reported = codes(Some((kind, coverage)));
                assert!(!has(&reported, code), "{kind} {coverage:?}: {reported:?}");
                // Coverage disabled by configuration is reported at audit level; a failure or a missing right is a warning.
                let is_warning = coverage != Coverage::Disabled;
                assert_eq!(has(&reported, "warn IG902"), is_warning, "{kind} {coverage:?}: {reported:?}");
                assert_eq!(is_audited(&view, kind, coverage), !is_warning, "{kind} {coverage:?}");
            }
        }
    }
}

/// Whether audits report that something was not evaluated.
fn is_audited(view: &str, kind: Kind, coverage: Coverage) -> bool {
    let mut inventory = store(view);
    inventory.cover(kind, coverage);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let evaluation = Config::default().engine().run(ingress, known(&inventory), &Allowance::full());
    let mut findings = evaluation.findings.iter();
    findings.any(|finding| finding.code == "IG902" && finding.ceiling.guard == Level::Audit)
}
