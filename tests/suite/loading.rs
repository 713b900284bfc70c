//! The effect of annotations on the whole Ingress, in checks, `explain` and the route map.

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{ClusterView, Inventory};
use ingress_guard::config::Config;
use ingress_guard::explain::{Explanation, RequestOutcome, RequestUrl, add_findings, explain_url};
use ingress_guard::finding::Level;
use ingress_guard::routing::{Controllers, RouteMap};

use crate::explain::findings::assert_agrees;
use crate::pages;

const COMMON: &str = "
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {type: ExternalName, externalName: web.example.net, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: idle, namespace: shop}, spec: {selector: {app: idle}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: busy, namespace: shop}, spec: {ports: [{port: 80}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: busy-x7k2p, namespace: shop, labels: {kubernetes.io/service-name: busy}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
ports: [{name: '', port: 80, protocol: TCP}]
";

/// One Ingress; each path is a text, a type and a Service.
fn ingress(name: &str, minute: u8, annotations: &[(&str, &str)], paths: &[(&str, &str, &str)]) -> String {
    let annotation = |(name, value): &(&str, &str)| format!("nginx.ingress.kubernetes.io/{name}: {value:?}");
    let path = |(path, path_type, service): &(&str, &str, &str)| {
        format!(
            "{{path: {path:?}, pathType: {path_type}, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}"
        )
    };
    let annotations: Vec<String> = annotations.iter().map(annotation).collect();
    let paths: Vec<String> = paths.iter().map(path).collect();
    format!(
        "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: shop, creationTimestamp: '2026-01-01T00:{minute:02}:00Z', annotations: {{{}}}}}
spec: {{ingressClassName: nginx, rules: [{{host: app.example.com, http: {{paths: [{}]}}}}]}}
",
        annotations.join(", "),
        paths.join(", ")
    )
}

fn world(ingresses: &[String]) -> (Config, Inventory) {
    let config = "dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, version: 1.15.1}]";
    let config = Config::parse("test", config).unwrap();
    let inventory = pages::inventory(&config, &(COMMON.to_owned() + &ingresses.concat()));
    assert_agrees(&config, &inventory);
    (config, inventory)
}

fn explained((config, inventory): &(Config, Inventory), path: &str) -> Explanation {
    let request = RequestUrl::read(&format!("https://app.example.com{path}")).unwrap();
    explain_url(&request, pages::known(inventory), &config.settings, None).unwrap()
}

fn outcome(world: &(Config, Inventory), path: &str) -> (RequestOutcome, Option<u16>) {
    let explanation = explained(world, path);
    (explanation.outcome, explanation.status)
}

/// The codes of an Ingress' findings with their levels.
fn found((config, inventory): &(Config, Inventory), name: &str) -> Vec<(&'static str, Level)> {
    let ingress = inventory.ingress("shop", name).unwrap();
    let analysis = analyze(ingress, pages::known(inventory), &config.engine(), &config.policy);
    analysis.verdict.distinct().map(|decision| (decision.finding.code, decision.level)).collect()
}

const REFUSED: (&str, &str) = ("limit-rps", "10/s");

#[test]
fn an_ingress_that_is_not_loaded_leaves_its_host_to_the_others() {
    let older = ingress("older", 1, &[REFUSED], &[("/foo", "Prefix", "idle")]);
    let younger = ingress("younger", 2, &[], &[("/foo", "Prefix", "busy")]);
    let alone = world(std::slice::from_ref(&older));
    let explanation = explained(&alone, "/foo");
    assert_eq!((explanation.outcome, explanation.exit_code()), (RequestOutcome::DefaultBackend, 1));
    assert!(explanation.broken().is_some_and(|step| step.what == "loading"), "{explanation:?}");
    let both = world(&[older, younger]);
    let explanation = explained(&both, "/foo");
    assert_eq!(explanation.ingress.as_deref(), Some("shop/younger"));
    assert!(explanation.notes.iter().any(|note| note.contains("shop/older because of annotation limit-rps")));
    assert!(found(&both, "older").contains(&("IG603", Level::Deny)));
    assert!(found(&both, "younger").is_empty(), "{:?}", found(&both, "younger"));
    let (config, inventory) = &both;
    let view = ClusterView::unrestricted(pages::known(inventory));
    let map = RouteMap::of(Controllers::new(&view, &config.settings.classes, &config.settings.dialects));
    let lines: Vec<String> = map.hosts[0].routes.iter().map(|route| route.outcome.to_string()).collect();
    assert!(lines.iter().any(|line| line.contains("does not load the Ingress")), "{lines:?}");
}

#[test]
fn a_finding_that_rests_on_the_absence_of_an_unloaded_ingress_warns() {
    // The younger Ingress has both paths. The older one would make the host regex, and no location would be there twice.
    let own = ingress("younger", 2, &[], &[("/foo", "Prefix", "busy"), ("/foo/", "Prefix", "busy")]);
    let rival = |refused: &[(&str, &str)]| {
        let annotations = [refused, &[("use-regex", "true")]].concat();
        ingress("older", 1, &annotations, &[("/bar", "ImplementationSpecific", "busy")])
    };
    assert!(found(&world(std::slice::from_ref(&own)), "younger").contains(&("IG314", Level::Deny)));
    assert!(!found(&world(&[rival(&[]), own.clone()]), "younger").iter().any(|(code, _)| *code == "IG314"));
    assert!(found(&world(&[rival(&[REFUSED]), own.clone()]), "younger").contains(&("IG314", Level::Warn)));
    // This one changes nothing either way.
    let neutral = ingress("older", 1, &[REFUSED], &[("/bar", "Prefix", "busy")]);
    assert!(found(&world(&[neutral, own]), "younger").contains(&("IG314", Level::Deny)));
}

#[test]
fn a_refused_ingress_returns_503_and_keeps_its_paths() {
    for annotations in [
        &[("auth-type", "basic")][..],
        &[("auth-type", "basic"), ("auth-secret", "users")],
        &[("auth-url", "http://auth service/")],
        &[("fastcgi-params-configmap", "params")],
        &[("denylist-source-range", "")],
    ] {
        let refused = ingress("older", 1, annotations, &[("/foo", "Prefix", "busy")]);
        let world = world(&[refused, ingress("younger", 2, &[], &[("/foo", "Prefix", "busy")])]);
        for path in ["/foo", "/foo/x", "/"] {
            assert_eq!(outcome(&world, path), (RequestOutcome::Unavailable, Some(503)), "{annotations:?} {path}");
        }
    }
}

#[test]
fn a_host_with_a_faulty_client_certificate_returns_403_for_every_ingress() {
    let mtls = ingress("mtls", 2, &[("auth-tls-secret", "shop/absent")], &[("/foo", "Prefix", "busy")]);
    let plain = ingress(
        "plain",
        1,
        &[("app-root", "/app")],
        &[("/", "Prefix", "busy"), ("/a(", "ImplementationSpecific", "busy")],
    );
    let world = world(&[mtls, plain.clone()]);
    for path in ["/", "/foo", "/other"] {
        assert_eq!(outcome(&world, path), (RequestOutcome::Forbidden, Some(403)), "{path}");
    }
    // A rule without paths does not forbid the host.
    let bare = "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: bare, namespace: shop, annotations: {nginx.ingress.kubernetes.io/auth-tls-secret: shop/absent}}
spec: {ingressClassName: nginx, rules: [{host: app.example.com}]}
";
    let world = self::world(&[bare.to_owned(), plain]);
    assert_eq!(outcome(&world, "/other").0, RequestOutcome::Service);
}

#[test]
fn an_old_name_is_read_in_place_of_an_empty_annotation() {
    let annotations = [("allowlist-source-range", ""), ("whitelist-source-range", "10.0.0.0/8")];
    let world = world(&[ingress("web", 1, &annotations, &[("/", "Prefix", "busy")])]);
    assert_eq!(outcome(&world, "/").0, RequestOutcome::Service);
    assert!(found(&world, "web").is_empty());
}

#[test]
fn an_intercepted_503_is_the_404_of_the_default_backend() {
    for codes in ["503", "404, 503"] {
        let world = world(&[ingress("web", 1, &[("custom-http-errors", codes)], &[("/", "Prefix", "idle")])]);
        assert_eq!(outcome(&world, "/"), (RequestOutcome::DefaultBackend, Some(404)), "{codes}");
    }
    let world = world(&[ingress("web", 1, &[("custom-http-errors", "404 503")], &[("/", "Prefix", "idle")])]);
    assert_eq!(outcome(&world, "/"), (RequestOutcome::Unavailable, Some(503)));
}

#[test]
fn a_canary_with_the_upstream_of_a_main_rule_serves_unknown_hosts() {
    let main = ingress("main", 1, &[], &[("/", "Prefix", "busy")]);
    let canary = |minute| {
        let canary = ingress("canary", minute, &[("canary", "true")], &[("/foo", "Prefix", "busy")]);
        canary.replace("app.example.com", "other.example.com")
    };
    let asked = |world: &(Config, Inventory)| {
        let request = RequestUrl::read("http://unknown.example.com/foo").unwrap();
        explain_url(&request, pages::known(&world.1), &world.0.settings, None).unwrap().outcome
    };
    assert_eq!(asked(&world(&[main.clone(), canary(2)])), RequestOutcome::Service);
    assert_eq!(asked(&world(&[main, canary(0)])), RequestOutcome::DefaultBackend);
}

#[test]
fn a_url_lists_the_findings_on_its_path_only() {
    let world = world(&[ingress("web", 1, &[], &[("/a", "Prefix", "absent"), ("/b", "Prefix", "missing")])]);
    let mut explanation = explained(&world, "/a");
    let (config, inventory) = &world;
    add_findings(&mut explanation, pages::known(inventory), &config.engine(), &config.policy);
    let messages: Vec<&str> = explanation.findings.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].starts_with("Service \"absent\" does not exist"), "{messages:?}");
}

#[test]
fn patterns_that_go_cannot_compile_are_refused() {
    for (pattern, is_loaded) in [
        ("CN=web", true),
        ("CN=^(web|ops)[0-9]{2}$", true),
        ("CN=a\"b", true),
        ("CN=[]a]", true),
        ("CN=[[:alpha:]]+", true),
        ("CN=\\Q(\\E", true),
        ("CN=(?i)web", true),
        ("web", false),
        ("CN=(", false),
        ("CN=a)", false),
        ("CN=[a", false),
        ("CN=*a", false),
        ("CN=(?=a)b", false),
        ("CN=(a)\\1", false),
        ("CN=a\\", false),
    ] {
        let annotations = [("auth-tls-secret", "shop/absent"), ("auth-tls-match-cn", pattern)];
        let world = world(&[ingress("web", 1, &annotations, &[("/", "Prefix", "busy")])]);
        let expected = if is_loaded { RequestOutcome::Forbidden } else { RequestOutcome::DefaultBackend };
        assert_eq!(outcome(&world, "/").0, expected, "{pattern}");
    }
}

#[test]
fn without_a_version_the_answer_is_unknown_where_versions_differ() {
    let config = Config::default();
    let manifests = COMMON.to_owned() + &ingress("web", 1, &[REFUSED], &[("/", "Prefix", "busy")]);
    let inventory = pages::inventory(&config, &manifests);
    let unknown = (config, inventory);
    let explanation = explained(&unknown, "/");
    assert_eq!((explanation.outcome, explanation.exit_code()), (RequestOutcome::Unknown, 2));
    assert!(found(&unknown, "web").contains(&("IG603", Level::Warn)));
}
