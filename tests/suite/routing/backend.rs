//! Resolved backends for each controller family, and Ingresses in namespaces that their controller does not watch.

use std::fmt::Write as _;

use ingress_guard::cluster::ClusterView;
use ingress_guard::config::Config;
use ingress_guard::explain::{RequestOutcome, RequestUrl, explain_url};
use ingress_guard::routing::{Controllers, FallbackService, LinkStatus, ResolvedBackend, RouteMap};

use crate::pages;

const NGINX: &str = "k8s.io/ingress-nginx";
const TRAEFIK: &str = "traefik.io/nginx";
const OTHER: &str = "example.com/edge";

/// Services and EndpointSlices for the backends of the tests.
const OBJECTS: &str = "
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}, endpoints: [{conditions: {ready: true}}], ports: [{name: http, port: 8080}]}
---
{apiVersion: v1, kind: Service, metadata: {name: odd, namespace: shop}, spec: {ports: [{port: 80}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: by-hand, namespace: shop, labels: {kubernetes.io/service-name: odd}}, endpoints: [{conditions: {ready: true}}], ports: [{name: '', port: 80}]}
---
{apiVersion: v1, kind: Service, metadata: {name: empty, namespace: shop}, spec: {selector: {app: empty}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: headless, namespace: shop}, spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: headless-x, namespace: shop, labels: {kubernetes.io/service-name: headless}}, endpoints: [{conditions: {ready: true}}], ports: [{name: '', port: 8080}]}
---
{apiVersion: v1, kind: Service, metadata: {name: outside, namespace: shop}, spec: {type: ExternalName, externalName: legacy.example.net}}
---
{apiVersion: v1, kind: Service, metadata: {name: inside, namespace: shop}, spec: {type: ExternalName, externalName: localhost}}
";

fn view(controller: &str, annotations: &str, backend: &str) -> String {
    format!(
        "{OBJECTS}---
{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: edge}}, spec: {{controller: {controller}}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: web, namespace: shop, annotations: {{{annotations}}}}}
spec: {{ingressClassName: edge, rules: [{{host: app.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}}}]}}
"
    )
}

/// Formats the resolved backend of a cluster, with its fallback Service.
fn resolved(settings: &str, manifests: &str) -> String {
    let dialects = format!("dialects:\n- {{match: {{controller: {TRAEFIK}}}, engine: traefik}}\n{settings}");
    let config = Config::parse("test", &dialects).unwrap();
    let inventory = pages::inventory(&config, manifests);
    let view = ClusterView::unrestricted(pages::known(&inventory));
    let ingress = inventory.ingress("shop", "web").unwrap();
    let controller = Controllers::new(&view, &config.settings.classes, &config.settings.dialects).of(ingress);
    let found = ResolvedBackend::of(ingress, &ingress.rules[0].paths[0].backend, &controller, &view);
    let mut words = found.to_string();
    if found.by_address() {
        words += " (by address)";
    }
    if let Some(stand_in) = FallbackService::of(ingress, &controller, &view) {
        let _ = write!(words, " or {} {:?}", stand_in.name, stand_in.answer(found.is_external(), &controller, &view));
    }
    words
}

fn service(name: &str, port: &str) -> String {
    format!("{{service: {{name: {name}, port: {{{port}}}}}}}")
}

const UPSTREAM: &str = "nginx.ingress.kubernetes.io/service-upstream: 'true'";

#[test]
fn backend_resolution_depends_on_the_controller_family() {
    let all = |words: &'static str| [words; 3];
    let only_nginx = |nginx: &'static str, others: &'static str| [nginx, others, others];
    // Traefik requires a port of the Service itself.
    let by_target = |nginx: &'static str| [nginx, "the Service has no such port", "1 ready"];
    let empty = "the Service has no endpoints; check that its selector matches running pods";
    let overlooked = "the Service has endpoints only in EndpointSlice \"by-hand\", which ingress-nginx ignores; recreate the EndpointSlice \
                      with a name that starts with the name of the Service";
    for (annotations, backend, words) in [
        ("", service("web", "number: 80"), all("1 ready")),
        ("", service("web", "name: http"), all("1 ready")),
        ("", service("web", "number: 8080"), by_target("1 ready")),
        ("", service("web", "number: 81"), all("the Service has no such port")),
        ("", service("web", "number: 53"), all("the port is not TCP")),
        ("", service("absent", "number: 80"), all("the Service does not exist")),
        ("", service("empty", "number: 80"), all(empty)),
        ("", service("odd", "number: 80"), only_nginx(overlooked, "1 ready")),
        ("", service("outside", "number: 443"), all("external name \"legacy.example.net\"")),
        (
            "",
            service("inside", "number: 443"),
            only_nginx("external name \"localhost\" cannot be used", "external name \"localhost\""),
        ),
        // Controllers that read nginx annotations treat it as the name of a port.
        (
            "",
            service("redirect", "name: use-annotation"),
            ["the Service does not exist", "the Service does not exist", "no Service referenced"],
        ),
        ("", "{resource: {kind: Bucket, name: assets}}".to_owned(), all("no Service referenced")),
        // With the cluster IP only the name of a port is looked up.
        (UPSTREAM, service("web", "number: 80"), only_nginx("1 ready (by address)", "1 ready")),
        (UPSTREAM, service("web", "name: http"), only_nginx("1 ready (by address)", "1 ready")),
        (UPSTREAM, service("web", "number: 8080"), by_target("the Service has no such port (by address)")),
        (UPSTREAM, service("web", "name: absent"), all("the Service has no such port")),
        (UPSTREAM, service("odd", "number: 80"), only_nginx("1 ready (by address)", "1 ready")),
        (UPSTREAM, service("headless", "number: 80"), all("1 ready")),
        (UPSTREAM, service("headless", "number: 8080"), by_target("1 ready")),
        (UPSTREAM, service("outside", "number: 443"), all("external name \"legacy.example.net\"")),
    ] {
        for (controller, words) in [NGINX, TRAEFIK, OTHER].into_iter().zip(words) {
            let got = resolved("", &view(controller, annotations, &backend));
            assert_eq!(got, words, "{controller} {annotations} {backend}");
        }
    }
    let refuses =
        format!("- {{match: {{controller: {NGINX}}}, engine: nginx, settings: {{disable-svc-external-name: true}}}}\n");
    let outside = view(NGINX, "", &service("outside", "number: 443"));
    assert_eq!(resolved(&refuses, &outside), "external name \"legacy.example.net\" cannot be used");
}

#[test]
fn a_fallback_service_answers_if_it_has_endpoints() {
    let with = |controller: &str, name: &str| {
        let annotation = format!("nginx.ingress.kubernetes.io/default-backend: {name}");
        resolved("", &view(controller, &annotation, &service("absent", "number: 80")))
    };
    assert_eq!(with(NGINX, "web"), "the Service does not exist or web Served");
    assert_eq!(with(NGINX, "empty"), "the Service does not exist or empty Unused");
    assert_eq!(with(NGINX, "absent"), "the Service does not exist or absent Unused");
    assert_eq!(with(NGINX, "odd"), "the Service does not exist or odd Unused");
    assert_eq!(with(NGINX, "inside"), "the Service does not exist or inside Unused");
    assert_eq!(with(NGINX, "outside"), "the Service does not exist or outside Unused");
    assert_eq!(with(OTHER, "web"), "the Service does not exist");
}

const WEB: &str = "nginx.ingress.kubernetes.io/default-backend: web";

#[test]
fn the_route_map_names_the_fallback_and_keeps_the_link_broken() {
    let outcome = |annotations: &str, backend: &str| {
        let config = Config::default();
        let inventory = pages::inventory(&config, &view(NGINX, annotations, &service(backend, "number: 80")));
        let view = ClusterView::unrestricted(pages::known(&inventory));
        let map = RouteMap::of(Controllers::new(&view, &config.settings.classes, &config.settings.dialects));
        let route = &map.hosts[0].routes[0];
        (route.outcome.to_string(), route.status())
    };
    let absent = "the Service does not exist";
    assert_eq!(outcome(WEB, "absent"), (format!("{absent}; fallback Service \"web\""), LinkStatus::Broken));
    assert_eq!(outcome(&WEB.replace("web", "empty"), "absent"), (absent.to_owned(), LinkStatus::Broken));
    assert_eq!(outcome(WEB, "web"), ("1 ready".to_owned(), LinkStatus::Ok));
    // With the cluster IP no endpoints are read, so the fallback Service is not used.
    let (words, standing) = outcome(&format!("{WEB}, {UPSTREAM}"), "empty");
    assert!(words.starts_with("the Service has no endpoints") && !words.contains("fallback"), "{words}");
    assert_eq!(standing, LinkStatus::Broken);
}

#[test]
fn a_controller_that_watches_other_namespaces_handles_nothing_here() {
    let status = "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n";
    for (watched, addressed, id, outcome, expected) in [
        ("[shop]", false, NGINX, RequestOutcome::Service, "Service shop/web answers"),
        (
            "[team]",
            false,
            "no controller",
            RequestOutcome::DefaultBackend,
            "the controller of its class watches other namespaces only",
        ),
        (
            "[team]",
            true,
            "unknown controller",
            RequestOutcome::Unknown,
            "the controller of Ingress shop/web is unknown",
        ),
    ] {
        let config =
            format!("dialects: [{{match: {{controller: {NGINX}}}, engine: nginx, watchNamespaces: {watched}}}]");
        let config = Config::parse("test", &config).unwrap();
        let mut manifests = view(NGINX, "", &service("web", "number: 80"));
        if addressed {
            manifests += status;
        }
        let inventory = pages::inventory(&config, &manifests);
        let view = ClusterView::unrestricted(pages::known(&inventory));
        let map = RouteMap::of(Controllers::new(&view, &config.settings.classes, &config.settings.dialects));
        let hosts: Vec<_> = map.hosts.iter().map(|host| (host.host.to_string(), host.controller())).collect();
        assert_eq!(hosts, [("app.example.com".to_owned(), id)], "{watched}");
        let request = RequestUrl::read("http://app.example.com/").unwrap();
        let explanation = explain_url(&request, pages::known(&inventory), &config.settings, None).unwrap();
        assert_eq!(explanation.outcome, outcome, "{watched}: {explanation:#?}");
        let text = explanation.text(ingress_guard::explain::Style::Plain);
        assert!(text.contains(expected), "{watched}: {text}");
    }
}
