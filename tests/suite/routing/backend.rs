//! What stands behind a backend, for each family of controllers; and who takes what is in a namespace that its controller
//! does not watch.

use std::fmt::Write as _;

use ingress_guard::cluster::ClusterView;
use ingress_guard::config::Config;
use ingress_guard::explain::{Ends, RequestUrl, explain_url};
use ingress_guard::model::{Key, Kind, Kinds};
use ingress_guard::routing::{Controller, LinkStatus, ResolvedBackend, RouteMap, StandIn};

use crate::pages;

const NGINX: &str = "k8s.io/ingress-nginx";
const TRAEFIK: &str = "traefik.io/nginx";
const OTHER: &str = "example.com/edge";

/// Services and EndpointSlices that backends can name.
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

/// What stands behind the backend of a world, in words, with who stands in for it.
fn resolved(settings: &str, manifests: &str) -> String {
    let dialects = format!("dialects:\n- {{match: {{controller: {TRAEFIK}}}, engine: traefik}}\n{settings}");
    let config = Config::parse("test", &dialects).unwrap();
    let inventory = pages::inventory(&config, manifests);
    let nobody = Key::default();
    let view = ClusterView::new(pages::known(&inventory), &nobody, Kind::ALL.into_iter().collect(), Kinds::NONE);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let controller = Controller::of(ingress, &view, &config.settings.classes, &config.settings.dialects);
    let found = ResolvedBackend::of(ingress, &ingress.rules[0].paths[0].backend, &controller, &view);
    let mut words = found.to_string();
    if found.by_address() {
        words += " (by address)";
    }
    if let Some(stand_in) = StandIn::of(ingress, &controller, &view) {
        let _ = write!(words, " or {} {:?}", stand_in.name, stand_in.answers(&controller, &view));
    }
    words
}

fn service(name: &str, port: &str) -> String {
    format!("{{service: {{name: {name}, port: {{{port}}}}}}}")
}

const UPSTREAM: &str = "nginx.ingress.kubernetes.io/service-upstream: 'true'";

#[test]
fn each_family_of_controllers_has_its_own_links() {
    let everybody = |words: &'static str| [words; 3];
    let only_nginx = |nginx: &'static str, others: &'static str| [nginx, others, others];
    // Traefik wants the Service's own ports.
    let by_target = |nginx: &'static str| [nginx, "the Service has no such port", "1 ready"];
    let empty = "has no endpoints; see that its selector matches pods, and that some are running";
    let overlooked = "has endpoints only in EndpointSlice \"by-hand\", which ingress-nginx overlooks; begin the slice's name with \
                      that of the Service";
    for (annotations, backend, words) in [
        ("", service("web", "number: 80"), everybody("1 ready")),
        ("", service("web", "name: http"), everybody("1 ready")),
        ("", service("web", "number: 8080"), by_target("1 ready")),
        ("", service("web", "number: 81"), everybody("the Service has no such port")),
        ("", service("web", "number: 53"), everybody("the port is not TCP")),
        ("", service("absent", "number: 80"), everybody("the Service does not exist")),
        ("", service("empty", "number: 80"), everybody(empty)),
        ("", service("odd", "number: 80"), only_nginx(overlooked, "1 ready")),
        ("", service("outside", "number: 443"), everybody("answers by \"legacy.example.net\", which is outside")),
        (
            "",
            service("inside", "number: 443"),
            only_nginx("outside, and cannot be used: \"localhost\"", "answers by \"localhost\", which is outside"),
        ),
        // To those that read nginx annotations it is the name of a port.
        (
            "",
            service("redirect", "name: use-annotation"),
            ["the Service does not exist", "the Service does not exist", "no Service is meant"],
        ),
        ("", "{resource: {kind: Bucket, name: assets}}".to_owned(), everybody("no Service is meant")),
        // At the Service's own address nothing is looked up but the name of a port.
        (UPSTREAM, service("web", "number: 80"), only_nginx("1 ready (by address)", "1 ready")),
        (UPSTREAM, service("web", "name: http"), only_nginx("1 ready (by address)", "1 ready")),
        (UPSTREAM, service("web", "number: 8080"), by_target("the Service has no such port (by address)")),
        (UPSTREAM, service("web", "name: absent"), everybody("the Service has no such port")),
        (UPSTREAM, service("odd", "number: 80"), only_nginx("1 ready (by address)", "1 ready")),
        (UPSTREAM, service("headless", "number: 80"), everybody("1 ready")),
        (UPSTREAM, service("headless", "number: 8080"), by_target("1 ready")),
        (UPSTREAM, service("outside", "number: 443"), everybody("answers by \"legacy.example.net\", which is outside")),
    ] {
        for (controller, words) in [NGINX, TRAEFIK, OTHER].into_iter().zip(words) {
            let said = resolved("", &view(controller, annotations, &backend));
            assert_eq!(said, words, "{controller} {annotations} {backend}");
        }
    }
    let refuses =
        format!("- {{match: {{controller: {NGINX}}}, engine: nginx, settings: {{disable-svc-external-name: true}}}}\n");
    let outside = view(NGINX, "", &service("outside", "number: 443"));
    assert_eq!(resolved(&refuses, &outside), "outside, and cannot be used: \"legacy.example.net\"");
}

#[test]
fn a_service_stands_in_where_it_has_endpoints_itself() {
    let with = |controller: &str, name: &str| {
        let annotation = format!("nginx.ingress.kubernetes.io/default-backend: {name}");
        resolved("", &view(controller, &annotation, &service("absent", "number: 80")))
    };
    assert_eq!(with(NGINX, "web"), "the Service does not exist or web Some(true)");
    assert_eq!(with(NGINX, "empty"), "the Service does not exist or empty Some(false)");
    assert_eq!(with(NGINX, "absent"), "the Service does not exist or absent Some(false)");
    assert_eq!(with(NGINX, "odd"), "the Service does not exist or odd Some(false)");
    assert_eq!(with(NGINX, "inside"), "the Service does not exist or inside Some(false)");
    assert_eq!(with(NGINX, "outside"), "the Service does not exist or outside None");
    assert_eq!(with(OTHER, "web"), "the Service does not exist");
}

const WEB: &str = "nginx.ingress.kubernetes.io/default-backend: web";

#[test]
fn the_map_says_who_stands_in_and_the_link_stays_broken() {
    let outcome = |annotations: &str, backend: &str| {
        let config = Config::default();
        let inventory = pages::inventory(&config, &view(NGINX, annotations, &service(backend, "number: 80")));
        let nobody = Key::default();
        let view = ClusterView::new(pages::known(&inventory), &nobody, Kind::ALL.into_iter().collect(), Kinds::NONE);
        let map = RouteMap::of(inventory.ingresses(), &view, &config.settings.classes, &config.settings.dialects);
        let route = &map.hosts[0].routes[0];
        (route.outcome.to_string(), route.standing())
    };
    let absent = "the Service does not exist";
    assert_eq!(outcome(WEB, "absent"), (format!("{absent}; \"web\" stands in for it"), LinkStatus::Broken));
    assert_eq!(outcome(&WEB.replace("web", "empty"), "absent"), (absent.to_owned(), LinkStatus::Broken));
    assert_eq!(outcome(WEB, "web"), ("1 ready".to_owned(), LinkStatus::Holds));
    // Nobody looks for endpoints where the Service's own address is dialled, so nobody is put in their place.
    let (words, standing) = outcome(&format!("{WEB}, {UPSTREAM}"), "empty");
    assert!(words.starts_with("has no endpoints") && !words.contains("stands in"), "{words}");
    assert_eq!(standing, LinkStatus::Broken);
}

#[test]
fn whoever_looks_at_other_namespaces_takes_nothing_here() {
    let status = "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n";
    for (watched, addressed, id, outcome, said) in [
        ("[shop]", false, NGINX, Ends::Service, "Service shop/web answers"),
        (
            "[team]",
            false,
            "no controller",
            Ends::DefaultBackend,
            "the controller of its class watches other namespaces only",
        ),
        ("[team]", true, "unknown controller", Ends::Unknown, "the controller of Ingress shop/web is unknown"),
    ] {
        let config =
            format!("dialects: [{{match: {{controller: {NGINX}}}, engine: nginx, watchNamespaces: {watched}}}]");
        let config = Config::parse("test", &config).unwrap();
        let mut manifests = view(NGINX, "", &service("web", "number: 80"));
        if addressed {
            manifests += status;
        }
        let inventory = pages::inventory(&config, &manifests);
        let nobody = Key::default();
        let view = ClusterView::new(pages::known(&inventory), &nobody, Kind::ALL.into_iter().collect(), Kinds::NONE);
        let map = RouteMap::of(inventory.ingresses(), &view, &config.settings.classes, &config.settings.dialects);
        let hosts: Vec<_> = map.hosts.iter().map(|host| (host.host.to_string(), host.controller())).collect();
        assert_eq!(hosts, [("app.example.com".to_owned(), id)], "{watched}");
        let request = RequestUrl::read("http://app.example.com/").unwrap();
        let explanation = explain_url(&request, pages::known(&inventory), &config.settings, None).unwrap();
        assert_eq!(explanation.outcome, outcome, "{watched}: {explanation:#?}");
        let text = explanation.text(ingress_guard::explain::Style::Plain);
        assert!(text.contains(said), "{watched}: {text}");
    }
}
