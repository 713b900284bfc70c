//! What `explain` says of the same requests: whose path takes them, where a redirect leads, what the backend is asked for.
//! nginx has the last word on all of it.

use ingress_guard::checks::Settings;
use ingress_guard::cluster::{ClusterState, Inventory, LiveReads, Object};
use ingress_guard::explain::{Explanation, RequestOutcome, RequestUrl, explain_url};
use serde_json::json;

use crate::compare::decoded;
use crate::model::{self, Place};
use crate::process::Response;
use crate::requests::Request;
use crate::world::World;

/// So many requests of each world are explained.
const MOST: usize = 8;

/// What is explained of a request.
#[derive(Debug)]
pub(crate) struct Explained {
    /// Its place among the requests.
    pub(crate) number: usize,
    pub(crate) explanation: Explanation,
}

/// Explains the first requests to a world that a browser would send just so.
pub(crate) fn some(world: &World, requests: &[Request]) -> Vec<Explained> {
    let mut inventory = model::inventory(model::parsed(world));
    for namespace in ["shop", "shop-2", "team"] {
        for name in ["web", "api", "docs"] {
            serve(&mut inventory, namespace, name);
        }
    }
    let live_reads = LiveReads::default();
    let known = ClusterState { store: &inventory, live_reads: &live_reads, now: jiff::Timestamp::UNIX_EPOCH };
    let settings = Settings::default();
    let visits = requests.iter().enumerate().filter_map(|(number, request)| Some((number, visit(request)?)));
    let explained = visits.take(MOST).map(|(number, visit)| {
        let explanation = explain_url(&visit, known, &settings, None).unwrap();
        Explained { number, explanation }
    });
    explained.collect()
}

/// A Service with every port that is asked for, and somebody behind it.
fn serve(inventory: &mut Inventory, namespace: &str, name: &str) {
    let service = json!({
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"ports": [{"name": "http", "port": 80}, {"name": "other", "port": 8080}]},
    });
    let slice = json!({
        "metadata": {"namespace": namespace, "name": format!("{name}-x"), "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"name": "http", "port": 80}, {"name": "other", "port": 8080}],
        "endpoints": [{"conditions": {"ready": true}}],
    });
    inventory.apply(Object::Service(serde_json::from_value(service).unwrap()));
    inventory.apply(Object::EndpointSlice(serde_json::from_value(slice).unwrap()));
}

/// A request as somebody would type it; `None` where a browser would send another one.
fn visit(request: &Request) -> Option<RequestUrl> {
    let visit = RequestUrl::read(&format!("http://{}{}", request.host, request.target)).ok()?;
    (visit.host == request.host && visit.path == split(&request.target).0).then_some(visit)
}

/// Path and query.
fn split(target: &str) -> (&str, &str) {
    target.find('?').map_or((target, ""), |at| target.split_at(at))
}

impl Explained {
    /// Whether this can be said where nginx refuses a world for these faults, each of which begins with its host.
    pub(crate) fn may_be_refused(&self, faults: &[String]) -> bool {
        let host = self.explanation.url.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap();
        let is_at_fault = faults.iter().any(|fault| fault.starts_with(&format!("{host}: ")));
        !is_at_fault || self.explanation.outcome == RequestOutcome::NotLoaded
    }

    /// Whether it is what nginx did, which has answered from this location.
    pub(crate) fn agrees(
        &self,
        request: &Request,
        answered: Option<&Place>,
        response: &Response,
    ) -> Result<(), String> {
        let said = &self.explanation;
        let same = |what: &str, is: bool| if is { Ok(()) } else { Err(what.to_owned()) };
        let ends = |outcome: RequestOutcome, status: Option<u16>| {
            same("outcome", (said.outcome, said.status) == (outcome, status))
        };
        if response.status == 400 && response.location.is_none() {
            return ends(RequestOutcome::BadRequest, Some(400));
        }
        let whose = answered.and_then(|place| place.ingress.as_ref());
        same("Ingress", said.ingress.as_ref() == whose)?;
        same("location", said.location == answered.filter(|_| whose.is_some()).map(directive))?;
        let field = answered.and_then(|place| match (&place.at, &place.backend) {
            (Some(at), _) => Some(at.as_str()),
            (None, backend) => backend.as_ref().map(|_| "spec.defaultBackend"),
        });
        same("field", said.field.as_deref() == field)?;
        if let Some(location) = &response.redirect {
            ends(RequestOutcome::Redirect, Some(response.status))?;
            let query = split(&request.target).1;
            let location = location.strip_suffix(query).unwrap_or(location);
            let to = said.redirect.as_deref();
            return same("target", to.is_none_or(|to| decoded(to.as_bytes()) == decoded(location.as_bytes())));
        }
        if response.status == 500 {
            return ends(RequestOutcome::Broken, Some(500));
        }
        let Some((service, port)) = answered.and_then(|place| place.backend.as_ref()) else {
            return ends(RequestOutcome::DefaultBackend, Some(404));
        };
        ends(RequestOutcome::Service, None)?;
        let backend = said.backend.as_ref().ok_or("no backend")?;
        let namespace = whose.and_then(|whose| whose.split('/').next());
        same("namespace", Some(&*backend.namespace) == namespace)?;
        same("Service", backend.service == *service && backend.port.as_ref() == Some(port))?;
        same("endpoints", backend.ready_endpoints == Some(1))?;
        let Some(path) = &said.upstream_path else { return Ok(()) };
        // What begins without a slash or climbs above the root is refused by the backend, which is an nginx too.
        if response.status == 400 {
            return same("status", !path.starts_with('/') || path.contains("/.."));
        }
        same("status", response.status == 200)?;
        let asked = String::from_utf8_lossy(&response.body).into_owned();
        let asked = decoded(split(&asked).0.as_bytes());
        // A path that is rewritten is told percent-decoded, any other as it came.
        let path_was_rewritten = said.steps.iter().any(|step| step.what == "rewrite");
        let path = if path_was_rewritten { path.as_bytes().to_vec() } else { decoded(path.as_bytes()) };
        same("what is asked for", String::from_utf8_lossy(&asked) == String::from_utf8_lossy(&path))
    }
}

/// As the controller writes it.
fn directive(place: &Place) -> String {
    match place.modifier {
        "~*" => format!("~* \"^{}\"", place.path),
        "=" => format!("= {:?}", place.path),
        _ => format!("{:?}", place.path),
    }
}
