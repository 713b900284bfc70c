//! Services whose endpoints look wrong but are not, or are absent for a good reason.

use super::{NGINX, NO_ANNOTATIONS, NO_FINDINGS, findings, findings_under, ingress, nginx, rule};

const OLD: &str = "2026-11-01T00:00:00Z";

/// Returns a Service `app` of that age.
fn app(created: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: app, namespace: shop, creationTimestamp: {created:?}}}, \
         spec: {{{spec}}}}}\n---\n"
    )
}

/// Returns an EndpointSlice of that Service.
fn slice(name: &str, service: &str, body: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {{name: {name}, \
         namespace: shop, labels: {{kubernetes.io/service-name: {service}}}}}, {body}}}\n---\n"
    )
}

/// The EndpointSlice that Kubernetes creates for a Service whose selector matches no pod.
fn placeholder() -> String {
    slice("app-x7k2p", "app", "endpoints: null, ports: null")
}

const SELECTED: &str = "selector: {app: app}, ports: [{name: http, port: 80, targetPort: http}]";

fn view(objects: &[String]) -> String {
    view_of_port(objects, "number: 80")
}

fn view_of_port(objects: &[String], port: &str) -> String {
    let spec = nginx(&[rule("app.example.com", &["/"])]).replace(
        "{service: {name: web, port: {number: 80}}}",
        &format!("{{service: {{name: app, port: {{{port}}}}}}}"),
    );
    // One slice always exists, because the inventory is a snapshot of a cluster.
    let other = slice("other-x", "other", "endpoints: [], ports: []");
    format!("{NGINX}{other}{}{}", objects.concat(), ingress("web", NO_ANNOTATIONS, &spec))
}

#[test]
fn a_service_one_second_old_has_no_endpoints_yet() {
    let young = app("2026-11-22T11:59:59Z", SELECTED);
    assert_eq!(findings(&view(&[young.clone(), placeholder()])), NO_FINDINGS);
    assert_eq!(findings(&view(&[young])), NO_FINDINGS, "not even a slice");
    let almost = app("2026-11-22T11:55:00Z", SELECTED);
    assert_eq!(findings(&view(&[almost, placeholder()])), NO_FINDINGS, "five minutes to the second");
    let never_stored = app("X", SELECTED).replace(", creationTimestamp: \"X\"", "");
    assert_eq!(findings(&view(&[never_stored, placeholder()])), NO_FINDINGS, "the age is unknown");
}

#[test]
fn services_scaled_to_zero_warn_and_never_deny() {
    let view = view(&[app(OLD, SELECTED), placeholder()]);
    assert_eq!(findings(&view), ["warn IG204 web"]);
    assert_eq!(findings_under("profile: strict", &view), ["warn IG204 web"]);
}

#[test]
fn scale_from_zero_proxies_count_as_endpoints() {
    // KEDA's HTTP add-on and Knative route through a Service of type ExternalName to their proxy.
    for target in ["keda-add-ons-http-interceptor-proxy.keda.svc.cluster.local", "kourier-internal.kourier-system.svc"]
    {
        let spec = format!("type: ExternalName, externalName: {target}, ports: [{{port: 80}}]");
        let (name, namespace) =
            target.trim_end_matches(".cluster.local").trim_end_matches(".svc").split_once('.').unwrap();
        let proxy = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n"
        );
        assert_eq!(findings(&view(&[app(OLD, &spec), proxy])), NO_FINDINGS, "{target}");
    }
}

#[test]
fn headless_services_have_endpoints_as_any_other() {
    let headless = app(OLD, "clusterIP: None, selector: {app: app}, ports: [{port: 80}]");
    let ready = slice(
        "app-x",
        "app",
        "endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}], ports: [{name: \"\", port: 80}]",
    );
    assert_eq!(findings(&view(&[headless, ready])), NO_FINDINGS);
}

#[test]
fn slices_made_by_hand_need_not_name_their_port() {
    let endpoints = "endpoints: [{addresses: [192.0.2.1]}]";
    for (port, ports) in [
        ("{port: 80}", "[{name: anything, port: 9000}]"),
        ("{port: 80, targetPort: 9000}", "[]"),
        ("{name: http, port: 80, targetPort: 9000}", "[{port: 9000}]"),
        ("{name: http, port: 80, targetPort: web}", "[{name: http, port: 9000}]"),
    ] {
        let service = app(OLD, &format!("ports: [{port}]"));
        let by_hand = slice("app-by-hand", "app", &format!("{endpoints}, ports: {ports}"));
        assert_eq!(findings(&view(&[service, by_hand])), NO_FINDINGS, "{port} {ports}");
    }
}

#[test]
fn addresses_that_are_published_before_they_are_ready_are_ready() {
    let service = app(OLD, &format!("publishNotReadyAddresses: true, {SELECTED}"));
    let slice = slice(
        "app-x",
        "app",
        "endpoints: [{addresses: [10.0.0.1], conditions: {ready: true, serving: false}}], ports: [{name: http, port: 8080}]",
    );
    assert_eq!(findings(&view(&[service, slice])), NO_FINDINGS);
}

#[test]
fn port_names_of_digits_are_names() {
    let service = app(OLD, "selector: {app: app}, ports: [{name: \"8080\", port: 80, targetPort: \"9090\"}]");
    let slice = slice("app-x", "app", "endpoints: [{addresses: [10.0.0.1]}], ports: [{name: \"8080\", port: 9090}]");
    let view = |port: &str| view_of_port(&[service.clone(), slice.clone()], port);
    assert_eq!(findings(&view("number: 80")), NO_FINDINGS);
    // The API server refuses such a name, but the port exists.
    assert_eq!(findings(&view("name: \"8080\"")), ["deny IG701 web"]);
}

#[test]
fn one_ready_endpoint_in_any_slice_is_enough() {
    let not_ready = slice(
        "app-a",
        "app",
        "endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}}], ports: [{name: http, port: 8080}]",
    );
    let of_slices = |slices: &[String]| findings(&view(&[&[app(OLD, SELECTED)], slices].concat()));
    assert_eq!(of_slices(std::slice::from_ref(&not_ready)), ["warn IG204 web"]);
    let rolled_out = slice("app-b", "app", "endpoints: [{addresses: [10.0.0.2]}], ports: [{name: http, port: 8081}]");
    assert_eq!(of_slices(&[not_ready.clone(), rolled_out]), NO_FINDINGS);
    let of_another = slice("app-c", "api", "endpoints: [{addresses: [10.0.0.3]}], ports: [{name: http, port: 8080}]");
    assert_eq!(of_slices(&[not_ready, of_another]), ["warn IG204 web"], "the label counts, not the name");
}

#[test]
fn a_port_with_both_protocols_uses_tcp() {
    let service = app(
        OLD,
        "selector: {app: app}, ports: [{name: u, port: 80, protocol: UDP, targetPort: udp}, {name: t, port: 80, targetPort: tcp}]",
    );
    let slice = slice("app-x", "app", "endpoints: [{addresses: [10.0.0.1]}], ports: [{name: t, port: 8080}]");
    assert_eq!(findings(&view(&[service, slice])), NO_FINDINGS);
}
