//! The same worlds evaluated by the model, as the webhook evaluates a cluster.

use std::borrow::Cow;
use std::fmt;

use ingress_guard::budget::{Allowance, Budget};
use ingress_guard::cluster::{ClusterState, ClusterView as Cluster, Coverage, Inventory, LiveReads, Lookup, Object};
use ingress_guard::model::{Backend as Wanted, Host, Ingress, IngressClass, Key, Kind, Kinds, PortRef};
use ingress_guard::routing::{
    Answer, ClassRules, ConfigError, ControllerFamily, Controllers, Dialect, DialectMatch, DialectRule, Dialects,
    Location, Modifier, Outcome, Received, ReloadBlock, Rewritten, Routes, Scheme, Version, When, normalized,
};
use serde_json::json;

use crate::requests::Request;
use crate::world::World;

/// The result of the model for a world.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prediction {
    /// The reasons why nginx rejects the configuration because of locations, if it does.
    pub(crate) faults: Vec<String>,
    /// The Ingress that stops the controller; not in the result while an Ingress is reviewed.
    pub(crate) block: Option<String>,
    /// Every server with its locations.
    pub(crate) servers: Vec<(String, Vec<Place>)>,
    /// The outcome of each request.
    pub(crate) answers: Vec<PredictedAnswer>,
}

/// A location by its properties, independent of its name in either implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) modifier: &'static str,
    pub(crate) ingress: Option<String>,
    pub(crate) at: Option<String>,
    pub(crate) is_exact_companion: bool,
    /// Name and port of the Service; `None`: the controller's default backend.
    pub(crate) backend: Option<(String, String)>,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PredictedAnswer {
    pub(crate) server: String,
    pub(crate) place: Option<Place>,
    pub(crate) outcome: PredictedOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PredictedOutcome {
    BadRequest,
    Broken,
    /// The status, and the target as far as the model knows it.
    Redirect(u16, Option<Vec<u8>>),
    /// The percent-decoded path of the request to the backend; `None`: the original path.
    Backend(Option<Vec<u8>>),
    /// The path of the request to the backend depends on a variable.
    BackendByVariable,
    /// The status that an invalid annotation forces.
    Refused(u16),
    BudgetExceeded,
}

impl Prediction {
    /// Whether nginx rejects the configuration, or the controller crashes.
    pub(crate) fn is_rejected(&self) -> bool {
        !self.faults.is_empty() || self.block.is_some()
    }

    /// Returns the prediction as far as it does not concern the server `_`.
    pub(crate) fn without_catch_all(&self) -> Self {
        let is_other = |server: &str| server != "_";
        let answers = self.answers.iter().map(|answer| match &*answer.server {
            "_" => PredictedAnswer { place: None, outcome: PredictedOutcome::Backend(None), ..answer.clone() },
            _ => answer.clone(),
        });
        Self {
            faults: self.faults.iter().filter(|fault| !fault.starts_with("*: ")).cloned().collect(),
            block: None,
            servers: self.servers.iter().filter(|(name, _)| is_other(name)).cloned().collect(),
            answers: answers.collect(),
        }
    }

    /// Returns the first difference between the two.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let servers = self.servers.iter().zip(&other.servers).find(|(one, other)| one != other);
        let answers = self.answers.iter().zip(&other.answers).enumerate().find(|(_, (one, other))| one != other);
        let is_same = (&self.faults, &self.servers, &self.answers) == (&other.faults, &other.servers, &other.answers);
        match (is_same, servers, answers) {
            (true, ..) => None,
            (false, Some((one, other)), _) => Some(format!("{one:#?}\n  or {other:#?}")),
            (false, _, Some((at, (one, other)))) => Some(format!("request {at}: {one}\n  or {other}")),
            (false, None, None) => Some(format!("{:?}\n  or {:?}", self.faults, other.faults)),
        }
    }
}

impl fmt::Display for PredictedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.server, self.place, self.outcome)
    }
}

impl fmt::Display for PredictedOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend(Some(path)) => write!(f, "request for {:?}", String::from_utf8_lossy(path)),
            Self::Redirect(status, Some(to)) => write!(f, "{status} to {:?}", String::from_utf8_lossy(to)),
            _ => write!(f, "{self:?}"),
        }
    }
}

/// Evaluates the world with every Ingress stored; in reverse order if `reversed`.
pub(crate) fn stored(world: &World, requests: &[Request], reversed: bool) -> Prediction {
    let mut ingresses: Vec<Ingress> = parsed(world);
    if reversed {
        ingresses.reverse();
    }
    predict(world, ingresses, None, requests)
}

/// Evaluates the world while one of the Ingresses is under review and not stored yet.
pub(crate) fn reviewed(world: &World, requests: &[Request], candidate: usize) -> Prediction {
    let mut ingresses = parsed(world);
    let candidate = ingresses.remove(candidate);
    predict(world, ingresses, Some(&candidate), requests)
}

pub(crate) fn parsed(world: &World) -> Vec<Ingress> {
    world.ingresses.iter().map(|ingress| serde_json::from_value(ingress.json()).unwrap()).collect()
}

/// Returns an inventory with these Ingresses and their class.
pub(crate) fn inventory(stored: Vec<Ingress>) -> Inventory {
    let class: IngressClass =
        serde_json::from_value(json!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}))
            .unwrap();
    let mut inventory = Inventory::default();
    for kind in Kind::ALL {
        inventory.cover(kind, Coverage::Complete);
    }
    inventory.apply(Object::IngressClass(class));
    for ingress in stored {
        inventory.apply(Object::Ingress(Box::new(ingress)));
    }
    inventory
}

/// The steps for all requests of a world.
const STEPS: u32 = 100_000_000;
const KINDS: [Kind; 5] = [Kind::Ingress, Kind::IngressClass, Kind::Service, Kind::Secret, Kind::ConfigMap];

/// The dialects with a controller whose version and settings are known.
pub(crate) fn dialects() -> Dialects {
    let dialect = Dialect { version: Some(Version::new(1, 15, 1)), ..Dialect::new(ControllerFamily::Nginx) };
    let matches = DialectMatch::Controller("k8s.io/ingress-nginx".to_owned());
    Dialects::new(vec![DialectRule { matches, dialect }])
}

fn predict(world: &World, stored: Vec<Ingress>, candidate: Option<&Ingress>, requests: &[Request]) -> Prediction {
    let of_class: Ingress = serde_json::from_value(json!({"spec": {"ingressClassName": "nginx"}})).unwrap();
    let inventory = inventory(stored);
    let live_reads = LiveReads::default();
    let known = ClusterState { store: &inventory, live_reads: &live_reads, now: jiff::Timestamp::UNIX_EPOCH };
    let no_ingress = Key::default();
    let key = candidate.map_or(&no_ingress, |candidate| &candidate.meta.key);
    let cluster = Cluster::new(known, key, Kinds::of(&KINDS), Kinds::NONE);
    let (rules, dialects) = (ClassRules::default(), dialects());
    let controllers = Controllers::new(&cluster, &rules, &dialects);
    // All requests of a world share it, unlike those of one review.
    let budget = Budget::new(&Allowance { steps: STEPS, ..Allowance::command() }, 0);
    let routes = Routes::of(controllers, controllers.of(candidate.unwrap_or(&of_class)), candidate).within(&budget);

    let hosts = world.ingresses.iter().flat_map(|ingress| &ingress.rules).map(|rule| Host::parse(rule.host));
    let mut hosts: Vec<Host> = hosts.chain([Host::Any]).collect();
    hosts.sort();
    hosts.dedup();
    let servers: Vec<_> = hosts.iter().filter_map(|host| routes.server(host, When::After).found()).collect();
    let faults = servers.iter().flat_map(|server| match server.config_errors(routes.budget()) {
        Ok(faults) => faults.iter().map(|fault| format!("{}: {}", server.host, describe(fault))).collect(),
        Err(_) => vec!["budget exceeded".to_owned()],
    });
    let block = || ReloadBlock::of(controllers, controllers.of(&of_class));
    Prediction {
        block: candidate.is_none().then(block).flatten().map(|block| block.to_string()),
        faults: faults.collect(),
        answers: requests.iter().map(|request| predict_answer(&routes, request)).collect(),
        servers: servers.iter().map(|it| (name(&it.host), it.locations.iter().map(Place::of).collect())).collect(),
    }
}

fn describe(fault: &ConfigError<'_, '_>) -> String {
    match fault {
        ConfigError::Duplicate(one, other) => format!("duplicate {} and {}", one.directive(), other.directive()),
        ConfigError::Pattern { location, reason, .. } => format!("{}: {reason}", location.directive()),
        ConfigError::PathTooLong(location) => format!("path of {} bytes", location.path.len()),
        ConfigError::TargetTooLong(location) => format!("target of {} bytes", location.target.map_or(0, str::len)),
    }
}

fn name(host: &Host) -> String {
    if *host == Host::Any { "_".to_owned() } else { host.to_string() }
}

fn predict_answer(routes: &Routes<'_>, request: &Request) -> PredictedAnswer {
    let answer = routes.answer(Scheme::Http, &request.host, &request.target, When::After);
    let Ok(Lookup::Found(answer)) = answer else {
        return PredictedAnswer { server: "_".to_owned(), place: None, outcome: PredictedOutcome::BudgetExceeded };
    };
    let sent = Received { scheme: Scheme::Http, host: &request.host, target: &request.target };
    let refusal = routes.refusal(&answer);
    let to = routes.redirect_target(&answer, sent).map(String::into_bytes);
    let Answer { server, mut location, outcome, .. } = answer;
    // Such a server has no locations.
    location.take_if(|_| server.forbidden.is_some());
    let uri = normalized(&request.target).map(Cow::into_owned);
    let outcome = match outcome {
        _ if let Some(refusal) = refusal => PredictedOutcome::Refused(refusal.status),
        Outcome::BadRequest => PredictedOutcome::BadRequest,
        Outcome::Broken => PredictedOutcome::Broken,
        Outcome::Unknown => unreachable!("only a host that answers 403 has this outcome"),
        Outcome::DefaultBackend => {
            received(location.as_ref().map_or(Rewritten::Untouched, |location| rewritten(routes, location, uri)))
        }
        Outcome::Backend { path, .. } => received(path),
        Outcome::Redirect(status, _) => PredictedOutcome::Redirect(status, to),
    };
    PredictedAnswer { server: name(&server.host), place: location.as_ref().map(Place::of), outcome }
}

fn rewritten(routes: &Routes<'_>, location: &Location<'_>, uri: Option<Vec<u8>>) -> Rewritten {
    uri.and_then(|uri| location.rewritten(&uri, routes.budget()).ok()).unwrap_or(Rewritten::Untouched)
}

/// A request that a backend receives.
fn received(path: Rewritten) -> PredictedOutcome {
    match path {
        Rewritten::To(path) => PredictedOutcome::Backend(Some(path)),
        Rewritten::Variable => PredictedOutcome::BackendByVariable,
        _ => PredictedOutcome::Backend(None),
    }
}

impl Place {
    fn of(location: &Location<'_>) -> Self {
        Self {
            path: location.path.clone().into_owned(),
            modifier: match location.modifier {
                Modifier::Exact => "=",
                Modifier::Prefix => "",
                Modifier::Regex => "~*",
                Modifier::Special => unreachable!("nginx has no special paths"),
            },
            ingress: location.ingress.map(|ingress| ingress.meta.key.to_string()),
            at: location.at.map(|at| at.field().to_string()),
            is_exact_companion: location.is_exact_companion,
            backend: location.backend.map(|backend| match backend {
                Wanted::Service { name, port: Some(PortRef::Number(number)) } => (name.to_string(), number.to_string()),
                Wanted::Service { name, port: Some(PortRef::Name(port)) } => (name.to_string(), port.to_string()),
                Wanted::Service { port: None, .. } | Wanted::Resource => unreachable!("no location has such"),
            }),
        }
    }
}
