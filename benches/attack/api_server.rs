//! An API server for lists, watches and single objects. It delivers an event about every 20 ms, as a busy cluster does.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::bodies::SEEN;

/// Namespaces, each with twenty Services and twenty Ingresses.
const NAMESPACES: usize = 100;
/// The interval of events.
const PULSE: Duration = Duration::from_millis(20);

pub(crate) struct ApiServer {
    pub(crate) addr: SocketAddr,
    state: Arc<Cluster>,
}

struct Cluster {
    objects: HashMap<&'static str, Vec<Value>>,
    version: AtomicU64,
    /// Events of Services, as lines.
    services: broadcast::Sender<Bytes>,
}

impl ApiServer {
    pub(crate) async fn start() -> Self {
        let numbers = || (0..NAMESPACES * 20).map(|n| (format!("team-{}", n / 20), format!("web-{n}")));
        let objects = HashMap::from([
            ("ingressclasses", vec![class()]),
            ("namespaces", (0..NAMESPACES).map(|n| json!({"metadata": {"name": format!("team-{n}")}})).collect()),
            ("services", numbers().map(|(namespace, name)| service(&namespace, &name)).collect()),
            ("ingresses", numbers().map(|(namespace, name)| ingress(&namespace, &name)).collect()),
            ("endpointslices", Vec::new()),
        ]);
        let state = Arc::new(Cluster { objects, version: AtomicU64::new(100), services: broadcast::channel(4096).0 });
        let app = Router::new()
            .route("/api/v1/{resource}", get(all))
            .route("/apis/{group}/v1/{resource}", get(all_of_group))
            .route("/api/v1/namespaces/{namespace}/{resource}", get(all_of_namespace))
            .route("/api/v1/namespaces/{namespace}/{resource}/{name}", get(one))
            .route("/apis/{group}/v1/{resource}/{name}", get(one_of_cluster))
            .route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(access))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        tokio::spawn(axum::serve(listener, app).into_future());
        let pulse = Arc::clone(&state);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PULSE);
            loop {
                ticks.tick().await;
                pulse.send("MODIFIED", service("team-1", "web-20"));
            }
        });
        Self { addr, state }
    }

    /// Delivers the event of a new Service. GETs do not return it, so that only the watch can show it.
    pub(crate) fn add_service(&self, name: &str) {
        self.state.send("ADDED", service(SEEN, name));
    }
}

impl Cluster {
    fn send(&self, event: &str, mut object: Value) {
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let _ = self.services.send(Bytes::from(format!("{}\n", json!({"type": event, "object": object}))));
    }
}

async fn access(body: Bytes) -> Response {
    let mut review: Value = serde_json::from_slice(&body).unwrap_or_default();
    review["status"] = json!({"allowed": true});
    (StatusCode::CREATED, text(&review)).into_response()
}

type Parameters = Query<HashMap<String, String>>;

async fn all_of_group(
    state: State<Arc<Cluster>>,
    Path((_, resource)): Path<(String, String)>,
    query: Parameters,
) -> Response {
    all(state, Path(resource), query).await
}

async fn all(State(cluster): State<Arc<Cluster>>, Path(resource): Path<String>, query: Parameters) -> Response {
    if !cluster.objects.contains_key(&*resource) && resource == "certificates" {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !query.contains_key("watch") {
        return list(cluster.objects.get(&*resource).into_iter().flatten());
    }
    if resource != "services" {
        return Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>()).into_response();
    }
    let events = futures::stream::unfold(cluster.services.subscribe(), |mut events| async move {
        loop {
            match events.recv().await {
                Ok(line) => return Some((Ok::<_, std::io::Error>(line), events)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    Body::from_stream(events.boxed()).into_response()
}

async fn all_of_namespace(
    State(cluster): State<Arc<Cluster>>,
    Path((namespace, resource)): Path<(String, String)>,
) -> Response {
    let objects = cluster.objects.get(&*resource).into_iter().flatten();
    list(objects.filter(|object| object["metadata"]["namespace"] == namespace))
}

fn list<'a>(items: impl Iterator<Item = &'a Value>) -> Response {
    let items: Vec<&Value> = items.collect();
    text(&json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": items}))
        .into_response()
}

fn text(value: &Value) -> impl axum::response::IntoResponse + use<> {
    ([("content-type", "application/json")], value.to_string())
}

async fn one_of_cluster(
    state: State<Arc<Cluster>>,
    Path((_, resource, name)): Path<(String, String, String)>,
) -> Response {
    one(state, Path((String::new(), resource, name))).await
}

/// Answers after some milliseconds, as a real API server does.
async fn one(
    State(cluster): State<Arc<Cluster>>,
    Path((namespace, resource, name)): Path<(String, String, String)>,
) -> Response {
    tokio::time::sleep(Duration::from_millis(3)).await;
    let is_it = |object: &&Value| {
        object["metadata"]["name"] == name && object["metadata"]["namespace"].as_str().unwrap_or_default() == namespace
    };
    if let Some(object) = cluster.objects.get(&*resource).into_iter().flatten().find(is_it) {
        return text(object).into_response();
    }
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                                "code": 404, "reason": "NotFound", "message": "not found"});
    (StatusCode::NOT_FOUND, text(&status)).into_response()
}

fn class() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx", "uid": "u"},
           "spec": {"controller": "k8s.io/ingress-nginx"}})
}

fn service(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": name},
           "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": [{"name": "http", "port": 80}]}})
}

fn ingress(namespace: &str, name: &str) -> Value {
    let backend = json!({"service": {"name": name, "port": {"name": "http"}}});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
           "metadata": {"namespace": namespace, "name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
           "spec": {"ingressClassName": "nginx", "rules": [{"host": format!("{name}.example.com"),
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
           "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}})
}
