//! Controllers without a model: documented rules give an answer, everything else is unknown and never a 404.

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{ClusterView, LiveReads, Snapshot};
use ingress_guard::config::Config;
use ingress_guard::explain::{Explanation, RequestOutcome, RequestUrl, explain_ingress, explain_url};
use ingress_guard::routing::{Controllers, LinkStatus, RouteMap};

use super::findings::assert_agrees;
use crate::pages;

const BACKEND: &str = "backend: {service: {name: web, port: {number: 80}}}";

fn snapshot(manifests: &str) -> Snapshot {
    let service = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 80, protocol: TCP}]
endpoints: [{conditions: {ready: true}}]
---
";
    let inventory = pages::inventory(&Config::default(), &format!("{service}{manifests}"));
    assert_agrees(&Config::default(), &inventory);
    Snapshot { inventory, live_reads: LiveReads::default(), taken: pages::now() }
}

fn class(controller: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: own}}\nspec: {{controller: {controller}}}\n---\n"
    )
}

/// An Ingress; `annotations` and `class` are lines of YAML in flow style.
fn ingress(name: &str, month: u8, annotations: &str, class: &str, paths: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: shop, creationTimestamp: \"2026-0{month}-01T00:00:00Z\", annotations: {{{annotations}}}}}
spec: {{{class}rules: [{{host: app.example.com{paths}}}]}}
---
"
    )
}

fn paths(paths: &[(&str, &str)]) -> String {
    let paths: Vec<String> =
        paths.iter().map(|(path, kind)| format!("{{path: \"{path}\", pathType: {kind}, {BACKEND}}}")).collect();
    format!(", http: {{paths: [{}]}}", paths.join(", "))
}

fn explain(snapshot: &Snapshot, path: &str) -> Explanation {
    let url = RequestUrl::read(&format!("http://app.example.com{path}")).unwrap();
    explain_url(&url, snapshot.state(), &Config::default().settings, None).unwrap()
}

const OWN: &str = "ingressClassName: own, ";
const SPECIFIC: &str = "ImplementationSpecific";

#[test]
fn paths_match_by_the_rules_of_the_controller() {
    use RequestOutcome::{DefaultBackend as Absent, Service as Served, Unknown};
    for (controller, path, kind, request, outcome) in [
        ("ingress.k8s.aws/alb", "/api/*", SPECIFIC, "/api/x", Served),
        ("ingress.k8s.aws/alb", "/api/*", SPECIFIC, "/api", Absent),
        ("ingress.k8s.aws/alb", "/a?i", SPECIFIC, "/api", Served),
        ("k8s.io/ingress-gce", "/", "Prefix", "/x", Absent),
        ("istio.io/ingress-controller", "/", SPECIFIC, "/x", Absent),
        ("istio.io/ingress-controller", "/*", SPECIFIC, "/x", Served),
        ("istio.io/ingress-controller", "/api/*", SPECIFIC, "/api", Served),
        ("projectcontour.io/ingress-controller", "/v[0-9]/x", SPECIFIC, "/v1/x", Unknown),
        ("projectcontour.io/ingress-controller", "/v[0-9]/x", SPECIFIC, "/w", Absent),
        ("azure/application-gateway", "/api/*", SPECIFIC, "/api/x", Unknown),
        ("azure/application-gateway", "/*", SPECIFIC, "/api/x", Served),
        ("nginx.org/ingress-controller", "/api", "Prefix", "/apix", Served),
        ("traefik.io/ingress-controller", "/api", "Prefix", "/api/x", Served),
        ("traefik.io/ingress-controller", "/api", "Prefix", "/apix", Unknown),
        ("ingress-controllers.konghq.com/kong", "/~/v[0-9]", SPECIFIC, "/v1", Unknown),
        ("haproxy.org/ingress-controller/edge", "/api", "Prefix", "/apix", Absent),
        ("cilium.io/ingress-controller", "/api", SPECIFIC, "/api", Unknown),
        ("example.com/unlisted", "/api", "Prefix", "/api/x", Served),
        ("example.com/unlisted", "/api", SPECIFIC, "/api/x", Unknown),
        ("example.com/unlisted", "/api", "Prefix", "/other", Unknown),
    ] {
        let of = ingress("web", 1, "", OWN, &paths(&[(path, kind)]));
        let explanation = explain(&snapshot(&(class(controller) + &of)), request);
        // GKE reads no IngressClass, so that no controller handles the Ingress.
        assert_eq!(explanation.outcome, outcome, "{controller} {kind} {path} {request}: {explanation:#?}");
    }
    for (path, request, outcome) in
        [("/", "/x", Absent), ("/shop/*", "/shop/cart", Served), ("/shop/*", "/shop", Absent), ("/*", "/x", Served)]
    {
        let of = ingress("web", 1, "kubernetes.io/ingress.class: gce", "", &paths(&[(path, SPECIFIC)]));
        assert_eq!(explain(&snapshot(&of), request).outcome, outcome, "{path} {request}");
    }
}

#[test]
fn annotations_and_other_paths_decide_as_well() {
    let regex = ingress("web", 1, "nginx.org/path-regex: case_sensitive", OWN, &paths(&[("/v[0-9]", "Prefix")]));
    let snapshot_of = |ingress: &str, controller| snapshot(&(class(controller) + ingress));
    let f5 = "nginx.org/ingress-controller";
    assert_eq!(explain(&snapshot_of(&regex, f5), "/v1").outcome, RequestOutcome::Unknown);
    // The longest text wins, and an exact path precedes every pattern.
    let mixed = paths(&[("/", "Prefix"), ("/api", "Prefix"), ("/apix/y", "Exact")]);
    let mixed = snapshot_of(&ingress("web", 1, "", OWN, &mixed), f5);
    for (request, field) in [("/apix", 1), ("/apix/y", 2), ("/other", 0)] {
        let field = format!("spec.rules[0].http.paths[{field}]");
        assert_eq!(explain(&mixed, request).field, Some(field), "{request}");
    }
    let alb = paths(&[("/*", SPECIFIC), ("/api/*", SPECIFIC), ("/app", "Prefix")]);
    let alb = snapshot_of(&ingress("web", 1, "", OWN, &alb), "ingress.k8s.aws/alb");
    for (request, field) in [("/api/x", 0), ("/app/x", 2)] {
        let field = format!("spec.rules[0].http.paths[{field}]");
        assert_eq!(explain(&alb, request).field, Some(field), "{request}");
    }
}

#[test]
fn every_path_of_an_ingress_is_traced_by_a_request_that_it_matches() {
    let config = Config::default();
    for (controller, path) in [
        ("ingress.k8s.aws/alb", "/api/*"),
        ("istio.io/ingress-controller", "/*"),
        ("nginx.org/ingress-controller", "/x"),
    ] {
        let snapshot = snapshot(&(class(controller) + &ingress("web", 1, "", OWN, &paths(&[(path, SPECIFIC)]))));
        let ingress = snapshot.inventory.ingress("shop", "web").unwrap();
        let analysis = analyze(ingress, snapshot.state(), &config.engine(), &config.policy);
        let explanation = explain_ingress(&analysis, snapshot.state(), &config.settings);
        assert_eq!(explanation.exit_code(), 0, "{controller} {path}: {explanation:#?}");
    }
}

#[test]
fn f5_gives_a_host_to_one_ingress() {
    let f5 = class("nginx.org/ingress-controller");
    let at = |path| paths(&[(path, "Prefix")]);
    let mergeable = |kind: &str| format!("nginx.org/mergeable-ingress-type: {kind}");
    let (a, b) = (ingress("a", 1, "", OWN, &at("/a")), ingress("b", 2, "", OWN, &at("/b")));
    let two = snapshot(&format!("{f5}{a}{b}"));
    assert_eq!(explain(&two, "/a").outcome, RequestOutcome::Service);
    let second = explain(&two, "/b");
    assert_eq!(second.outcome, RequestOutcome::DefaultBackend);
    assert!(second.broken().unwrap().detail.contains("gives the host to Ingress shop/a alone"), "{second:#?}");
    // Of two Ingresses of one age, either may have the host.
    let twin = snapshot(&format!("{f5}{a}{}", ingress("b", 1, "", OWN, &at("/b"))));
    assert_eq!(explain(&twin, "/b").outcome, RequestOutcome::Unknown);

    let minion = ingress("b", 2, &mergeable("minion"), OWN, &at("/b"));
    let alone = explain(&snapshot(&format!("{f5}{minion}")), "/b");
    assert_eq!((alone.outcome, alone.status), (RequestOutcome::DefaultBackend, Some(404)));
    let master = ingress("site", 3, &mergeable("master"), OWN, "");
    assert_eq!(explain(&snapshot(&format!("{f5}{minion}{master}")), "/b").outcome, RequestOutcome::Service);
}

#[test]
fn class_annotations_without_an_ingress_class_are_unknown() {
    for (value, said) in [
        ("istio", "Istio reads class annotation"),
        ("alb", "AWS Load Balancer Controller reads class annotation"),
        ("public", "is one of its flags"),
    ] {
        let annotation = format!("kubernetes.io/ingress.class: {value}");
        let of = ingress("web", 1, &annotation, "", &paths(&[("/", "Prefix")]));
        let explanation = explain(&snapshot(&(class("k8s.io/ingress-nginx") + &of)), "/");
        assert_eq!((explanation.outcome, explanation.exit_code()), (RequestOutcome::Unknown, 2), "{value}");
        let detail = &explanation.steps.last().unwrap().detail;
        assert!(detail.contains(said), "{detail}");
    }
}

#[test]
fn advice_for_ingress_nginx_is_given_for_ingress_nginx_only() {
    let of = ingress("web", 1, "", OWN, &paths(&[("/v[0-9]+/.*", SPECIFIC)]));
    let near = |controller| format!("{:?}", explain(&snapshot(&(class(controller) + &of)), "/v1/x").near_misses);
    assert!(near("k8s.io/ingress-nginx").contains("use-regex"));
    assert!(!near("traefik.io/ingress-controller").contains("use-regex"));
}

#[test]
fn ingresses_with_load_balancers_of_their_own_leave_the_answer_open() {
    const NOTE: &str = "Ingresses of the host have load balancers of their own, and DNS selects one";
    let two = |controller: &str, class: &str, one: &str, other: &str| {
        let api = paths(&[("/api", "Prefix")]);
        let web = paths(&[("/web", "Prefix")]);
        let first = ingress("first", 1, one, class, &api);
        snapshot(&(self::class(controller) + &first + &ingress("second", 2, other, class, &web)))
    };
    let group = |name: &str| format!("alb.ingress.kubernetes.io/group.name: {name}");
    let alb = "ingress.k8s.aws/alb";
    for (controller, class, one, other) in [
        (alb, OWN, String::new(), String::new()),
        (alb, OWN, group("a"), group("b")),
        (alb, OWN, group("a"), String::new()),
        (
            "k8s.io/ingress-gce",
            "",
            "kubernetes.io/ingress.class: gce".into(),
            "kubernetes.io/ingress.class: gce".into(),
        ),
    ] {
        let snapshot = two(controller, class, &one, &other);
        let explanation = explain(&snapshot, "/none");
        assert_eq!(explanation.outcome, RequestOutcome::Unknown, "{one} {other}");
        assert!(explanation.notes.iter().any(|note| note == NOTE), "{:?}", explanation.notes);
        assert_eq!(of_map(&snapshot), [(LinkStatus::Unknown, true); 2], "{one} {other}");
    }
    let same = two(alb, OWN, &group("a"), &group("a"));
    assert_eq!(of_map(&same), [(LinkStatus::Ok, false); 2]);
    assert_eq!(explain(&same, "/none").outcome, RequestOutcome::DefaultBackend);
    let contour = two("projectcontour.io/ingress-controller", OWN, "", "");
    assert_eq!(explain(&contour, "/none").outcome, RequestOutcome::DefaultBackend);
}

/// Returns the status of each route of the map, and whether its words name DNS.
fn of_map(snapshot: &Snapshot) -> Vec<(LinkStatus, bool)> {
    let settings = Config::default().settings;
    let view = ClusterView::unrestricted(snapshot.state());
    let map = RouteMap::of(Controllers::new(&view, &settings.classes, &settings.dialects));
    let routes = map.hosts.iter().flat_map(|of| of.routes.iter().map(move |route| (of, route)));
    routes.map(|(of, route)| (of.status(route), of.detail(route).contains("DNS selects"))).collect()
}
