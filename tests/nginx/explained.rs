//! The answers of `explain` for the same requests: the matched path, the target of a redirect, the path sent to the
//! backend. The responses of nginx are the reference.

use std::fmt;

use ingress_guard::checks::Settings;
use ingress_guard::cluster::{ClusterState, Inventory, LiveReads, Object};
use ingress_guard::explain::{Explanation, RequestOutcome, RequestUrl, explain_url};
use serde_json::json;

use crate::compare::decoded;
use crate::controller::{Location, Source};
use crate::model::{self, Place};
use crate::process::Response;
use crate::requests::Request;
use crate::world::World;

/// Requests of each world that are explained.
const MOST: usize = 8;

/// The explanation of a request.
#[derive(Debug)]
pub(crate) struct Explained {
    /// Its index in the list of requests.
    pub(crate) number: usize,
    pub(crate) explanation: Explanation,
}

/// Explains the first requests to a world that a browser would send unchanged.
pub(crate) fn some(inventory: &Inventory, requests: &[Request]) -> Vec<Explained> {
    let live_reads = LiveReads::default();
    let known = ClusterState { store: inventory, live_reads: &live_reads, now: jiff::Timestamp::UNIX_EPOCH };
    let settings = Settings { dialects: model::dialects(), ..Settings::default() };
    let visits = requests.iter().enumerate().filter_map(|(number, request)| Some((number, visit(request)?)));
    let explained = visits.take(MOST).map(|(number, visit)| {
        let explanation = explain_url(&visit, known, &settings, None).unwrap();
        Explained { number, explanation }
    });
    explained.collect()
}

/// The cluster with the Ingresses of a world and their Services.
pub(crate) fn cluster(world: &World) -> Inventory {
    let mut inventory = model::inventory(model::parsed(world));
    for namespace in ["shop", "shop-2", "team"] {
        for name in ["web", "api", "docs", "errors"] {
            serve(&mut inventory, namespace, name, true);
        }
        serve(&mut inventory, namespace, "idle", false);
    }
    inventory
}

/// A Service with every requested port, and an endpoint.
fn serve(inventory: &mut Inventory, namespace: &str, name: &str, is_ready: bool) {
    let service = json!({
        "metadata": {"namespace": namespace, "name": name, "creationTimestamp": "1969-12-01T00:00:00Z"},
        "spec": {"ports": [{"name": "http", "port": 80}, {"name": "other", "port": 8080}]},
    });
    let slice = json!({
        "metadata": {"namespace": namespace, "name": format!("{name}-x"), "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"name": "http", "port": 80}, {"name": "other", "port": 8080}],
        "endpoints": [{"conditions": {"ready": is_ready}}],
    });
    inventory.apply(Object::Service(serde_json::from_value(service).unwrap()));
    inventory.apply(Object::EndpointSlice(serde_json::from_value(slice).unwrap()));
}

/// The URL of a request; `None` if a browser would send another request for it.
fn visit(request: &Request) -> Option<RequestUrl> {
    let visit = RequestUrl::read(&format!("http://{}{}", request.host, request.target)).ok()?;
    (visit.host == request.host && visit.path == split(&request.target).0).then_some(visit)
}

/// Path and query.
fn split(target: &str) -> (&str, &str) {
    target.find('?').map_or((target, ""), |at| target.split_at(at))
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { url, outcome, status, ingress, location, redirect, steps, .. } = &self.explanation;
        write!(f, "{url}: {outcome:?} {status:?} {ingress:?} {location:?} {redirect:?}")?;
        steps.iter().try_for_each(|step| write!(f, "\n    {:?} {}: {}", step.ok, step.what, step.detail))
    }
}

impl Explained {
    /// Whether the answer is that of a controller that loads no change.
    pub(crate) fn is_not_loaded(&self) -> bool {
        self.explanation.outcome == RequestOutcome::NotLoaded
    }

    /// Whether the external authentication of the location cannot answer.
    pub(crate) fn fails_authentication(&self) -> bool {
        self.explanation.steps.iter().any(|step| step.ok == Some(false) && step.what == "authentication")
    }

    /// Whether the answer is definite.
    pub(crate) fn is_definite(&self) -> bool {
        self.explanation.outcome != RequestOutcome::Unknown
    }

    /// Whether the answer matches the behaviour of nginx, which responded from this location.
    pub(crate) fn agrees(&self, answered: Option<(&Place, &Location)>, response: &Response) -> Result<(), String> {
        let explanation = &self.explanation;
        let same = |what: &str, is: bool| if is { Ok(()) } else { Err(what.to_owned()) };
        let ends = |outcome: RequestOutcome, status: Option<u16>| {
            same("outcome", (explanation.outcome, explanation.status) == (outcome, status))
        };
        if response.status == 400 && response.location.is_none() {
            return ends(RequestOutcome::BadRequest, Some(400));
        }
        if response.status == 403 {
            return ends(RequestOutcome::Forbidden, Some(403));
        }
        let location = answered.map(|(_, location)| location);
        let answered = answered.map(|(place, _)| place);
        let ingress = answered.and_then(|place| place.ingress.as_ref());
        same("Ingress", explanation.ingress.as_ref() == ingress)?;
        same("location", explanation.location == answered.filter(|_| ingress.is_some()).map(directive))?;
        let field = answered.and_then(|place| match (&place.at, &place.backend) {
            (Some(at), _) => Some(at.as_str()),
            (None, backend) => backend.as_ref().map(|_| "spec.defaultBackend"),
        });
        same("field", explanation.field.as_deref() == field)?;
        // The request for authentication does not leave nginx here.
        if self.fails_authentication() {
            return ends(RequestOutcome::Broken, Some(500));
        }
        if let Some(location) = &response.redirect {
            ends(RequestOutcome::Redirect, Some(response.status))?;
            let to = explanation.redirect.as_deref();
            // What is captured may be encoded in several ways.
            return same("target", to.is_some_and(|to| decoded(to.as_bytes()) == decoded(location.as_bytes())));
        }
        if location.is_some_and(|location| location.annotations.is_denied) {
            return ends(RequestOutcome::Unavailable, Some(503));
        }
        if response.status == 500 {
            return ends(RequestOutcome::Broken, Some(500));
        }
        let Some((service, port)) = answered.and_then(|place| place.backend.as_ref()) else {
            return ends(RequestOutcome::DefaultBackend, Some(404));
        };
        match location.map_or(Source::Own, |location| location.source) {
            Source::Own => {}
            Source::Fallback => return ends(RequestOutcome::Service, None),
            Source::Nothing => return ends(RequestOutcome::Unavailable, Some(503)),
            Source::ErrorPage => return ends(RequestOutcome::DefaultBackend, Some(404)),
        }
        ends(RequestOutcome::Service, None)?;
        let backend = explanation.backend.as_ref().ok_or("no backend")?;
        let namespace = ingress.and_then(|ingress| ingress.split('/').next());
        same("namespace", Some(&*backend.namespace) == namespace)?;
        same("Service", backend.service == *service && backend.port.as_ref() == Some(port))?;
        same("endpoints", backend.ready_endpoints == Some(1))?;
        let Some(path) = &explanation.upstream_path else { return Ok(()) };
        // The backend, also an nginx, rejects paths that begin without a slash or climb above the root.
        if response.status == 400 {
            return same("status", !path.starts_with('/') || path.contains("/.."));
        }
        same("status", response.status == 200)?;
        let received = String::from_utf8_lossy(&response.body).into_owned();
        same("path to the backend", split(&received).0 == path)
    }
}

/// The redirect target as the controller writes it.
fn directive(place: &Place) -> String {
    match place.modifier {
        "~*" => format!("~* \"^{}\"", place.path),
        "=" => format!("= {:?}", place.path),
        _ => format!("{:?}", place.path),
    }
}
