//! An API server for as much of the protocol as watches and GETs use: lists in pages, watches with bookmarks, 403, 410,
//! 429, silence.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::StreamExt as _;
use ingress_guard::model::LabelSelector;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tower::ServiceBuilder;

/// Resource → key (`namespace/name`) → object.
type Objects = HashMap<String, BTreeMap<String, Value>>;

#[derive(Default)]
struct Store {
    objects: Objects,
    version: u64,
    /// Every event with its version and resource: a watch begins after the version that it names.
    events: Vec<(u64, String, Value)>,
    /// Watches from before this version get 410.
    compacted: u64,
    forbidden: HashSet<String>,
    /// Verbs and resources that RBAC denies: `get services`.
    denied: HashSet<String>,
    /// The status of every response until the API server has loaded its roles.
    starting: Option<u16>,
    /// `SelfSubjectAccessReviews` contain this error.
    evaluation_error: Option<String>,
    /// The Events that were created.
    pod_events: Vec<Value>,
    /// Resources that the cluster does not have.
    missing: HashSet<String>,
    /// Resources whose GETs of single objects and lists of one namespace fail with this status, or never answer (0).
    broken_gets: HashMap<String, u16>,
    /// The time between a GET, or the list of one namespace, and its answer, which has the state from before this time.
    slow_gets: Duration,
    /// Pages of a list after the first one fail.
    no_next_page: bool,
    /// Lists and watches fail with this status.
    refusing: Option<u16>,
    /// Watches are closed as soon as they are open.
    cut: bool,
    /// The number of requests that are answered with 429.
    throttled: usize,
    /// Changes are stored, but no watch receives them.
    silent: bool,
    /// The requests so far, as verbs and paths, for assertions.
    asked: Vec<String>,
}

pub(crate) struct Api {
    store: Arc<Mutex<Store>>,
    wake: broadcast::Sender<bool>,
    pub(crate) addr: SocketAddr,
    app: Router,
}

#[derive(Clone)]
struct Shared {
    store: Arc<Mutex<Store>>,
    wake: broadcast::Sender<bool>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener)
    }

    /// On an address that was free a moment ago.
    pub(crate) async fn start_on(addr: SocketAddr) -> Self {
        Self::serve(tokio::net::TcpListener::bind(addr).await.unwrap())
    }

    fn serve(listener: tokio::net::TcpListener) -> Self {
        let addr = listener.local_addr().unwrap();
        let (wake, _) = broadcast::channel(1024);
        let store = Arc::new(Mutex::new(Store { version: 1, ..Store::default() }));
        let shared = Shared { store: Arc::clone(&store), wake: wake.clone() };
        let app = Router::new()
            .route("/api/v1/{resource}", get(all))
            .route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(access_review))
            .route("/apis/events.k8s.io/v1/namespaces/{namespace}/events", post(event))
            .route("/apis", get(groups))
            .route("/apis/{group}/v1", get(resources))
            .route("/apis/{group}/v1/{resource}", get(all_of_group))
            .route("/api/v1/namespaces/{namespace}/{resource}", get(all_of_namespace))
            .route("/apis/{group}/v1/namespaces/{namespace}/{resource}", get(all_of_namespace_and_group))
            .route("/api/v1/namespaces/{namespace}/{resource}/{name}", get(one))
            .route("/apis/{group}/v1/namespaces/{namespace}/{resource}/{name}", get(one_of_group))
            .route("/apis/{group}/v1/{resource}/{name}", get(one_of_cluster))
            .with_state(shared);
        tokio::spawn(axum::serve(listener, app.clone()).into_future());
        Self { store, wake, addr, app }
    }

    pub(crate) fn client(&self) -> kube::Client {
        client(self.addr)
    }

    /// A client without sockets, for tests under the paused clock of tokio: their times do not depend on the machine.
    pub(crate) fn direct_client(&self) -> kube::Client {
        let with_body = |request: Request<kube::client::Body>| request.map(Body::new);
        kube::Client::new(ServiceBuilder::new().map_request(with_body).service(self.app.clone()), "default")
    }

    /// Store an object and tell the watches.
    pub(crate) fn put(&self, resource: &str, mut object: Value) {
        let mut store = self.store.lock();
        store.version += 1;
        let version = store.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let known =
            store.objects.entry(resource.to_owned()).or_default().insert(key(&object), object.clone()).is_some();
        let kind = if known { "MODIFIED" } else { "ADDED" };
        store.events.push((version, resource.to_owned(), json!({"type": kind, "object": object})));
        self.tell(&store);
    }

    pub(crate) fn delete(&self, resource: &str, namespace: &str, name: &str) {
        let mut store = self.store.lock();
        let key = format!("{namespace}/{name}");
        let mut object = store.objects.get_mut(resource).and_then(|objects| objects.remove(&key)).unwrap();
        store.version += 1;
        let version = store.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        store.events.push((version, resource.to_owned(), json!({"type": "DELETED", "object": object})));
        self.tell(&store);
    }

    /// A bookmark for a resource: nothing happened, but time went on.
    pub(crate) fn bookmark(&self, resource: &str) -> u64 {
        let mut store = self.store.lock();
        store.version += 100;
        let version = store.version;
        let object = json!({"kind": "X", "apiVersion": "v1", "metadata": {"resourceVersion": version.to_string()}});
        store.events.push((version, resource.to_owned(), json!({"type": "BOOKMARK", "object": object})));
        self.tell(&store);
        version
    }

    /// A line that is not a valid event.
    pub(crate) fn raw_event(&self, resource: &str, event: Value) {
        let mut store = self.store.lock();
        store.version += 1;
        let version = store.version;
        store.events.push((version, resource.to_owned(), event));
        self.tell(&store);
    }

    /// Compacts the history: a watch from an old version must list again.
    pub(crate) fn compact(&self) {
        let mut store = self.store.lock();
        store.version += 1;
        store.compacted = store.version;
        store.events.clear();
    }

    /// End every watch that is open.
    pub(crate) fn end_watches(&self) {
        let _ = self.wake.send(true);
    }

    pub(crate) fn forbid(&self, resource: &str, forbidden: bool) {
        let mut store = self.store.lock();
        if forbidden {
            store.forbidden.insert(resource.to_owned());
        } else {
            store.forbidden.remove(resource);
        }
    }

    /// RBAC denies one verb on a resource, or grants it again.
    pub(crate) fn deny(&self, verb: &str, resource: &str, denied: bool) {
        let right = format!("{verb} {resource}");
        let mut store = self.store.lock();
        if denied {
            store.denied.insert(right);
        } else {
            store.denied.remove(&right);
        }
    }

    /// Every request is answered with this status, questions about rights and discovery as well.
    pub(crate) fn starts_with(&self, status: Option<u16>) {
        self.store.lock().starting = status;
    }

    /// An authorizer fails: the answer to a question about a denied right contains an error.
    pub(crate) fn fail_evaluations(&self, error: Option<&str>) {
        self.store.lock().evaluation_error = error.map(str::to_owned);
    }

    pub(crate) fn pod_events(&self) -> Vec<Value> {
        self.store.lock().pod_events.clone()
    }

    /// The cluster does not have this resource, as before its CustomResourceDefinition is installed.
    pub(crate) fn lacks(&self, resource: &str, missing: bool) {
        let mut store = self.store.lock();
        if missing {
            store.missing.insert(resource.to_owned());
        } else {
            store.missing.remove(resource);
        }
    }

    /// GETs of single objects of a resource and lists of one namespace fail with this status; 0: they never answer.
    pub(crate) fn break_gets(&self, resource: &str, status: u16) {
        self.store.lock().broken_gets.insert(resource.to_owned(), status);
    }

    /// GETs of single objects and lists of one namespace take this time.
    pub(crate) fn slow_gets(&self, time: Duration) {
        self.store.lock().slow_gets = time;
    }

    /// Lists and watches are answered with this status from now on, as for an unauthenticated user.
    pub(crate) fn answer_all_with(&self, status: u16) {
        self.store.lock().refusing = Some(status);
    }

    /// Lists fail after their first page.
    pub(crate) fn break_next_pages(&self, broken: bool) {
        self.store.lock().no_next_page = broken;
    }

    /// Lists and watches fail.
    pub(crate) fn break_lists(&self, broken: bool) {
        self.store.lock().refusing = broken.then_some(500);
    }

    /// Every watch is closed as soon as it is open, as by a proxy.
    pub(crate) fn cut_watches(&self, cut: bool) {
        self.store.lock().cut = cut;
    }

    pub(crate) fn throttle(&self, requests: usize) {
        self.store.lock().throttled = requests;
    }

    /// Stops the delivery of events to watches, or starts it again.
    pub(crate) fn silence(&self, silent: bool) {
        let mut store = self.store.lock();
        store.silent = silent;
        self.tell(&store);
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.store.lock().asked.clone()
    }

    fn tell(&self, store: &Store) {
        if !store.silent {
            let _ = self.wake.send(false);
        }
    }
}

pub(crate) fn client(addr: SocketAddr) -> kube::Client {
    let mut config = kube::Config::new(format!("http://{addr}").parse().unwrap());
    config.connect_timeout = Some(Duration::from_secs(2));
    // The client's own patience with 429 would hide what is tested here.
    config.default_retry = false;
    kube::Client::try_from(config).unwrap()
}

fn key(object: &Value) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text("namespace"), text("name"))
}

fn status(code: u16, message: &str) -> Response {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        410 => "Expired",
        _ => "InternalError",
    };
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                      "code": code, "reason": reason, "message": message});
    (StatusCode::from_u16(code).unwrap(), [("content-type", "application/json")], body.to_string()).into_response()
}

impl Store {
    fn is_denied(&self, verb: &str, resource: &str) -> bool {
        self.forbidden.contains(resource) || self.denied.contains(&format!("{verb} {resource}"))
    }
}

async fn access_review(State(shared): State<Shared>, body: Bytes) -> Response {
    let mut store = shared.store.lock();
    let mut review: Value = serde_json::from_slice(&body).unwrap();
    let attributes = &review["spec"]["resourceAttributes"];
    let [verb, resource] = ["verb", "resource"].map(|field| attributes[field].as_str().unwrap().to_owned());
    store.asked.push(format!("may {verb} {resource}"));
    if let Some(code) = store.starting {
        return status(code, "selfsubjectaccessreviews is forbidden");
    }
    let namespace = review["spec"]["resourceAttributes"]["namespace"].as_str().unwrap_or_default();
    let denied = store.is_denied(&verb, &resource) || store.is_denied(&verb, &format!("{resource} in {namespace}"));
    review["status"] = json!({"allowed": !denied});
    if let Some(error) = store.evaluation_error.as_ref().filter(|_| denied) {
        review["status"]["evaluationError"] = json!(error);
    }
    (StatusCode::CREATED, [("content-type", "application/json")], review.to_string()).into_response()
}

async fn event(State(shared): State<Shared>, body: Bytes) -> Response {
    let mut store = shared.store.lock();
    if store.is_denied("create", "events") {
        return status(403, "events is forbidden");
    }
    store.pod_events.push(serde_json::from_slice(&body).unwrap());
    (StatusCode::CREATED, [("content-type", "application/json")], body).into_response()
}

/// The only optional group is that of Certificates.
async fn groups(State(shared): State<Shared>) -> Response {
    let mut store = shared.store.lock();
    store.asked.push("discover".to_owned());
    if let Some(code) = store.starting {
        return status(code, "forbidden");
    }
    let custom = if store.missing.contains("certificates") { json!([]) } else { json!([{"name": "cert-manager.io"}]) };
    let body = json!({"kind": "APIGroupList", "groups": custom});
    ([("content-type", "application/json")], body.to_string()).into_response()
}

async fn resources(State(shared): State<Shared>, Path(group): Path<String>) -> Response {
    let body = json!({"kind": "APIResourceList", "groupVersion": format!("{group}/v1"),
                      "resources": [{"name": "certificates"}]});
    shared.store.lock().asked.push(format!("discover {group}"));
    ([("content-type", "application/json")], body.to_string()).into_response()
}

async fn all_of_group(
    shared: State<Shared>,
    Path((_, resource)): Path<(String, String)>,
    query: Query<HashMap<String, String>>,
) -> Response {
    all(shared, Path(resource), query).await
}

/// Watches in one namespace are only for one object by its name, or for the objects of controllers by their labels.
async fn all_of_namespace(
    shared: State<Shared>,
    Path((namespace, resource)): Path<(String, String)>,
    query: Query<HashMap<String, String>>,
) -> Response {
    if let Some(name) = query.get("fieldSelector").and_then(|fields| fields.strip_prefix("metadata.name=")) {
        return answer(shared.0, resource, Some(format!("{namespace}/{name}")), &query.0);
    }
    if let Some(labels) = query.get("labelSelector") {
        return answer(shared.0, resource, Some(format!("{namespace}?{labels}")), &query.0);
    }
    assert!(!query.contains_key("resourceVersion"), "the list must not come from a cache");
    let limit = query["limit"].clone();
    shared
        .read(&format!("list {resource} of {namespace}"), &resource, |store| {
            let start = format!("{namespace}/");
            let objects = store.objects.get(&resource).into_iter().flatten();
            let all: Vec<&Value> =
                objects.filter(|(key, _)| key.starts_with(&start)).map(|(_, object)| object).collect();
            let items: Vec<&Value> = all.iter().copied().take(limit.parse().unwrap()).collect();
            let next = if items.len() < all.len() { "more" } else { "" };
            json_answer(&json!({"kind": "List", "apiVersion": "v1", "items": items,
                            "metadata": {"resourceVersion": store.version.to_string(), "continue": next}}))
        })
        .await
}

async fn all_of_namespace_and_group(
    shared: State<Shared>,
    Path((_, namespace, resource)): Path<(String, String, String)>,
    query: Query<HashMap<String, String>>,
) -> Response {
    all_of_namespace(shared, Path((namespace, resource)), query).await
}

fn json_answer(body: &Value) -> Response {
    ([("content-type", "application/json")], body.to_string()).into_response()
}

impl Shared {
    /// Answers a read of one object or one namespace with the state at its arrival.
    async fn read(&self, asked: &str, resource: &str, answer: impl FnOnce(&Store) -> Response) -> Response {
        let (broken, time, answer) = {
            let mut store = self.store.lock();
            store.asked.push(asked.to_owned());
            if let Some(code) = store.starting {
                return status(code, "forbidden");
            }
            if store.is_denied(asked.split(' ').next().unwrap_or_default(), resource) {
                return status(403, "forbidden");
            }
            (store.broken_gets.get(resource).copied(), store.slow_gets, answer(&store))
        };
        match broken {
            Some(0) => std::future::pending().await,
            Some(code) => return status(code, "broken"),
            None => {}
        }
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        answer
    }
}

async fn all(
    State(shared): State<Shared>,
    Path(resource): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    answer(shared, resource, None, &query)
}

fn answer(shared: Shared, resource: String, only: Option<String>, query: &HashMap<String, String>) -> Response {
    let mut store = shared.store.lock();
    let verb = if query.contains_key("watch") { "watch" } else { "list" };
    let from = query.get("resourceVersion").cloned().unwrap_or_default();
    store.asked.push(format!("{verb} {resource} {}", only.as_ref().unwrap_or(&from)));
    if store.throttled > 0 {
        store.throttled -= 1;
        return status(429, "slow down");
    }
    if let Some(code) = store.starting.or(store.refusing) {
        return status(code, "etcd is away");
    }
    let is_of_all = only.is_none() && store.is_denied("list all", &resource);
    if store.is_denied(verb, &resource) || is_of_all {
        return status(403, &format!("{resource} is forbidden: User \"guard\" cannot {verb} resource"));
    }
    if store.missing.contains(&resource) {
        // kube-apiserver answers an unknown path without a Status.
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    }
    if verb == "watch" {
        let from: u64 = from.parse().unwrap_or_default();
        if from < store.compacted {
            return status(410, "too old resource version");
        }
        if store.cut {
            return ([("content-type", "application/json")], "").into_response();
        }
        drop(store);
        return watch(shared, resource, only, from);
    }
    let limit: usize = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    if store.no_next_page && query.contains_key("continue") {
        return status(500, "etcd is away");
    }
    let start: usize = query.get("continue").and_then(|token| token.parse().ok()).unwrap_or_default();
    let objects = store.objects.get(&resource);
    let chosen: Vec<&Value> =
        objects.into_iter().flat_map(BTreeMap::values).filter(|it| is_chosen(it, only.as_ref())).collect();
    let items: Vec<&Value> = chosen.iter().copied().skip(start).take(limit).collect();
    let total = chosen.len();
    let next = if start + items.len() < total { (start + items.len()).to_string() } else { String::new() };
    let body = json!({"kind": "List", "apiVersion": "v1", "items": items,
                      "metadata": {"resourceVersion": store.version.to_string(), "continue": next}});
    ([("content-type", "application/json")], body.to_string()).into_response()
}

fn is_chosen(object: &Value, only: Option<&String>) -> bool {
    only.is_none_or(|only| match only.split_once('?') {
        Some((namespace, selector)) => {
            let labels: BTreeMap<Box<str>, Box<str>> =
                serde_json::from_value(object["metadata"]["labels"].clone()).unwrap_or_default();
            let selector = LabelSelector::parse(selector).unwrap();
            object["metadata"]["namespace"] == namespace && selector.selects(&labels)
        }
        None => *only == key(object),
    })
}

fn watch(shared: Shared, resource: String, only: Option<String>, from: u64) -> Response {
    let heard = shared.wake.subscribe();
    let lines = futures::stream::unfold(
        (shared, heard, from, (resource, only)),
        |(shared, mut heard, mut from, what)| async move {
            let (resource, only) = &what;
            loop {
                let next = {
                    let store = shared.store.lock();
                    let silent = store.silent;
                    let mut later = store.events.iter().filter(|(at, of, event)| {
                        *at > from && of == resource && is_chosen(&event["object"], only.as_ref())
                    });
                    if silent { None } else { later.next().cloned() }
                };
                if let Some((at, _, event)) = next {
                    from = at;
                    let line = Bytes::from(format!("{event}\n"));
                    return Some((Ok::<_, std::io::Error>(line), (shared, heard, from, what)));
                }
                match heard.recv().await {
                    Ok(true) | Err(broadcast::error::RecvError::Closed) => return None,
                    Ok(false) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                }
            }
        },
    );
    ([("content-type", "application/json")], Body::from_stream(lines.boxed())).into_response()
}

async fn one_of_cluster(shared: State<Shared>, Path((_, resource, name)): Path<(String, String, String)>) -> Response {
    one(shared, Path((String::new(), resource, name))).await
}

async fn one_of_group(
    shared: State<Shared>,
    Path((_, namespace, resource, name)): Path<(String, String, String, String)>,
) -> Response {
    one(shared, Path((namespace, resource, name))).await
}

async fn one(
    State(shared): State<Shared>,
    Path((namespace, resource, name)): Path<(String, String, String)>,
) -> Response {
    shared
        .read(&format!("get {resource} {namespace}/{name}"), &resource, |store| {
            match store.objects.get(&resource).and_then(|objects| objects.get(&format!("{namespace}/{name}"))) {
                Some(object) => json_answer(object),
                None => status(404, "not found"),
            }
        })
        .await
}
