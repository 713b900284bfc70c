//! The cluster: Ingresses as [`crate::bodies`] updates them, each with a Service, an EndpointSlice and a TLS Secret.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt as _, stream};
use http::Request;
use kube::Client;
use serde_json::{Value, json};

use crate::bodies::path_to;
use crate::certificates::Pair;
use crate::cluster::Cluster;
use crate::report_definitions::open_reports;

/// Ingresses of one namespace.
const PER_NAMESPACE: usize = 40;
/// Writes in progress.
const WRITES: usize = 48;

/// The API of namespaces.
const CORE: &str = "/api/v1/namespaces";
/// The API of EndpointSlices.
const DISCOVERY: &str = "/apis/discovery.k8s.io/v1/namespaces";
/// The API of Ingresses.
const NETWORKING: &str = "/apis/networking.k8s.io/v1";

/// Returns the namespace of an Ingress.
pub(crate) fn namespace(n: usize) -> String {
    format!("team-{}", n / PER_NAMESPACE)
}

/// Creates this many Ingresses with all that they name, and the kind of the reports.
pub(crate) async fn create(client: &Client, cluster: &Cluster, count: usize) {
    send(client, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &open_reports()).await;
    send(client, "POST", &format!("{NETWORKING}/ingressclasses"), &class(false)).await;
    let namespaces = (0..count).step_by(PER_NAMESPACE).map(async |n| {
        let namespace = json!({"metadata": {"name": namespace(n)}});
        send(client, "POST", CORE, &namespace).await;
    });
    stream::iter(namespaces).buffer_unordered(WRITES).collect::<Vec<()>>().await;
    let objects = (0..count).map(async |n| {
        let of = namespace(n);
        send(client, "POST", &format!("{CORE}/{of}/services"), &service(n)).await;
        send(client, "POST", &format!("{DISCOVERY}/{of}/endpointslices"), &slice(n, true)).await;
        send(client, "POST", &format!("{CORE}/{of}/secrets"), &secret(n, cluster)).await;
        send(client, "POST", &format!("{NETWORKING}/namespaces/{of}/ingresses"), &ingress(n)).await;
    });
    stream::iter(objects).buffer_unordered(WRITES).collect::<Vec<()>>().await;
}

/// Deletes the Service of an Ingress.
pub(crate) async fn delete_service(client: &Client, n: usize) {
    send(client, "DELETE", &format!("{CORE}/{}/services/web-{n}", namespace(n)), &json!({})).await;
}

/// Creates the Service of an Ingress again.
pub(crate) async fn create_service(client: &Client, n: usize) {
    send(client, "POST", &format!("{CORE}/{}/services", namespace(n)), &service(n)).await;
}

/// Sets whether the Ingresses of the class belong to those without one, so that all are evaluated again.
pub(crate) async fn change_class(client: &Client, is_default: bool) {
    send(client, "PATCH", &format!("{NETWORKING}/ingressclasses/nginx"), &class(is_default)).await;
}

/// Sets whether the endpoint of an Ingress is ready.
pub(crate) async fn change_slice(client: &Client, n: usize, is_ready: bool) {
    let path = format!("{DISCOVERY}/{}/endpointslices/web-{n}", namespace(n));
    send(client, "PATCH", &path, &json!({"endpoints": slice(n, is_ready)["endpoints"]})).await;
}

/// Reads an object; `None` if it does not exist.
pub(crate) async fn read(client: &Client, path: &str) -> Option<Value> {
    client.request(Request::get(path).body(Vec::new()).unwrap()).await.ok()
}

async fn send(client: &Client, method: &str, path: &str, object: &Value) {
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(method).uri(path).header("content-type", media);
    let sent = client.request_text(request.body(object.to_string().into_bytes()).unwrap()).await;
    sent.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
}

fn class(is_default: bool) -> Value {
    let annotations = json!({"ingressclass.kubernetes.io/is-default-class": is_default.to_string()});
    json!({"metadata": {"name": "nginx", "annotations": annotations}, "spec": {"controller": "k8s.io/ingress-nginx"}})
}

fn host(n: usize) -> String {
    format!("app-{n}.example.com")
}

/// Headless: the time for an address from the API server grows with the number of Services.
fn service(n: usize) -> Value {
    json!({"metadata": {"name": format!("web-{n}")}, "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}})
}

fn slice(n: usize, is_ready: bool) -> Value {
    let address = format!("10.{}.{}.{}", n / 65536, n / 256 % 256, n % 256);
    json!({"metadata": {"name": format!("web-{n}"), "labels": {"kubernetes.io/service-name": format!("web-{n}")}},
           "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}],
           "endpoints": [{"addresses": [address], "conditions": {"ready": is_ready}}]})
}

fn secret(n: usize, cluster: &Cluster) -> Value {
    let Pair { certificate, key } = cluster.authority().server_for(&[&host(n), &format!("www.{}", host(n))]);
    json!({"metadata": {"name": format!("web-{n}-tls")}, "type": "kubernetes.io/tls",
           "data": {"tls.crt": BASE64_STANDARD.encode(certificate), "tls.key": BASE64_STANDARD.encode(key)}})
}

fn ingress(n: usize) -> Value {
    let paths: Vec<Value> = (0..6).map(|part| path_to(&format!("/part-{part}"), &format!("web-{n}"))).collect();
    json!({"metadata": {"name": format!("web-{n}")}, "spec": {
        "ingressClassName": "nginx", "tls": [{"hosts": [host(n)], "secretName": format!("web-{n}-tls")}],
        "rules": [{"host": host(n), "http": {"paths": paths}}]}})
}
