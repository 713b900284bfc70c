//! Traces a URL: the controllers that serve the host, their answers, and near misses.

use std::net::IpAddr;
use std::rc::Rc;

use thiserror::Error;

use super::canary::share;
use super::certificate::certificate;
use super::near::{Wanted, near_misses};
use super::path::{follow, is_refused};
use super::reload::{ReloadBlocks, reload};
use super::request::RequestUrl;
use super::trail::{Explanation, RequestOutcome, kubectl};
use super::unhandled::{Unhandled, why_unhandled};
use super::unloaded::{self, Unloaded};
use crate::budget::BudgetExceeded;
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView, Coverage, Lookup};
use crate::finding::Quoted;
use crate::model::{ClassRef, Host, Ingress, Kind, PathRef};
use crate::routing::{
    Answer, ControllerGroup, Controllers, NginxAnnotations, Outcome, ReloadBlock, Routes, Scheme, When, host_name,
};

/// The class of `--class` does not exist.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("IngressClass {name:?} not found{}", if classes.is_empty() { String::new() } else { format!("; existing classes: {}", classes.join(", ")) })]
pub struct NoSuchClass {
    name: String,
    classes: Vec<String>,
}

/// The answer of one controller to a request.
struct Answered<'a> {
    routes: Routes<'a>,
    answer: Answer<'a>,
    unloaded: Vec<Unloaded<'a>>,
    block: Option<Rc<ReloadBlock>>,
}

impl Answered<'_> {
    fn has_host(&self) -> bool {
        self.answer.server.host != Host::Any
    }

    /// Returns whether any Ingress of the controller serves or blocks requests for every host, or nginx answers before it chooses a
    /// location.
    fn takes_anything(&self) -> bool {
        self.answer.outcome == Outcome::BadRequest
            || self.answer.server.forbidden.is_some()
            || self.answer.server.locations.iter().any(|location| location.ingress.is_some())
    }
}

/// The controllers whose answers are traced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'i> {
    /// All controllers that serve the host.
    Any,
    /// The controller of a class.
    Class(&'i str),
    /// The controller of the Ingress of this path.
    Path(&'i Ingress, PathRef<'i>),
}

/// Traces a request through each controller that serves the host, or through that of a class.
///
/// # Errors
/// If the class does not exist.
pub fn explain_url(
    request: &RequestUrl,
    known: ClusterState<'_>,
    settings: &Settings,
    class: Option<&str>,
) -> Result<Explanation, NoSuchClass> {
    explain(request, known, settings, class.map_or(Whose::Any, Whose::Class), &ReloadBlocks::default())
}

/// Traces requests through every controller that serves their hosts, each as [`explain_url`] does.
#[must_use]
pub fn explain_each(requests: &[RequestUrl], known: ClusterState<'_>, settings: &Settings) -> Vec<Explanation> {
    let view = ClusterView::unrestricted(known);
    let dialects = settings.dialects.with_observed_settings(&view);
    let controllers = Controllers::new(&view, &settings.classes, &dialects);
    let blocks = ReloadBlocks::of_each();
    let explained = requests.iter().map(|request| {
        // Only a class that does not exist is an error.
        let traced = trace(request, controllers, Whose::Any, &blocks);
        let mut explanation = traced.unwrap_or_else(|_| Explanation::of(request.url(), request.notes.clone()));
        leave_open(&mut explanation, known);
        explanation
    });
    explained.collect()
}

pub(super) fn explain<'a>(
    request: &RequestUrl,
    known: ClusterState<'a>,
    settings: &Settings,
    whose: Whose<'a>,
    blocks: &ReloadBlocks,
) -> Result<Explanation, NoSuchClass> {
    let view = ClusterView::unrestricted(known);
    let dialects = settings.dialects.with_observed_settings(&view);
    let controllers = Controllers::new(&view, &settings.classes, &dialects);
    let mut explanation = trace(request, controllers, whose, blocks)?;
    leave_open(&mut explanation, known);
    Ok(explanation)
}

/// Leaves the result open if Ingresses are not known.
fn leave_open(explanation: &mut Explanation, known: ClusterState<'_>) {
    if known.store.coverage(Kind::Ingress) == Coverage::OneNamespace {
        explanation.leaves_open("Ingresses of other namespaces are unknown");
    }
}

fn trace<'a>(
    request: &RequestUrl,
    controllers: Controllers<'a>,
    whose: Whose<'a>,
    blocks: &ReloadBlocks,
) -> Result<Explanation, NoSuchClass> {
    let view = controllers.view();
    let host = Host::parse(&host_name(&request.host));
    let mut explanation = Explanation::of(request.url(), request.notes.clone());
    let Some(ingresses) = controllers.candidates_for(&host) else {
        explanation.unknown("host", "the Ingresses of the cluster are unknown");
        return Ok(explanation);
    };
    let candidates = ingresses.clone();
    let (groups, unhandled) = select(controllers, ingresses, whose)?;
    let mut answered = Vec::new();
    let mut all_unloaded = Vec::new();
    let mut blocked = None;
    for group in groups {
        let is_unidentified = group.alone().is_some();
        let block = if is_unidentified { None } else { blocks.of(controllers, group.controller) };
        blocked = blocked.or_else(|| block.clone());
        let routes = Routes::of(controllers, group.controller, group.alone());
        let not_loaded = |ingress| {
            let annotation = routes.loading(ingress).not_loaded?;
            Some(Unloaded { ingress, annotation })
        };
        let unloaded: Vec<Unloaded<'_>> = group.ingresses.iter().copied().filter_map(not_loaded).collect();
        all_unloaded.extend_from_slice(&unloaded);
        match routes.answer(request.scheme, &request.host, &request.path, When::After) {
            Ok(Lookup::Found(answer)) => answered.push(Answered { routes, answer, unloaded, block }),
            Ok(Lookup::Absent | Lookup::Unknown) => {}
            Err(BudgetExceeded) => {
                over_budget(&mut explanation, request, &routes);
                return Ok(explanation);
            }
        }
    }
    if answered.iter().any(Answered::has_host) {
        answered.retain(Answered::has_host);
    } else if unhandled.iter().any(|unhandled| !unhandled.certain && unhandled.has_host(&host)) {
        // A controller that is not known may serve the host.
        answered.clear();
    } else {
        answered.retain(Answered::takes_anything);
    }
    let wanted = Wanted { host: &host, path: &request.path, unhandled: &unhandled, controllers };
    let mut explained = answered.iter().map(|answered| {
        let mut explanation = explanation.clone();
        explain_answer(&mut explanation, request, answered, &wanted, whose);
        explanation
    });
    if let Some(mut first) = explained.next() {
        first.others = explained.collect();
        let with_host: Vec<&Ingress> = match whose {
            Whose::Path(..) => Vec::new(),
            Whose::Any | Whose::Class(_) => {
                candidates.into_iter().filter(|it| it.rules.iter().any(|rule| rule.host == host)).collect()
            }
        };
        if controllers.have_several_balancers(&with_host) {
            first.leaves_open("Ingresses of the host have load balancers of their own, and DNS selects one");
        }
        return Ok(first);
    }
    no_controller_has_it(&mut explanation, &host, &unhandled, whose, view);
    unloaded::without(&mut explanation, &all_unloaded);
    // The controller from which the 404 would come may not load any change.
    if let Some(block) = blocked.filter(|_| explanation.outcome == RequestOutcome::DefaultBackend) {
        reload(&mut explanation, &block, None);
    }
    explanation.near_misses = near_misses(&wanted, None);
    explanation.notes.extend(name_wanted(request, view));
    Ok(explanation)
}

/// Returns the controllers whose answer is wanted, and the Ingresses among the candidates that no controller is known to
/// handle.
fn select<'a>(
    controllers: Controllers<'a>,
    mut candidates: Vec<&'a Ingress>,
    whose: Whose<'_>,
) -> Result<(Vec<ControllerGroup<'a>>, Vec<Unhandled<'a>>), NoSuchClass> {
    let groups = match whose {
        Whose::Any => controllers.grouped_with_classes(candidates),
        Whose::Class(name) => {
            candidates.retain(|ingress| ingress.class_ref() == ClassRef::Named(name));
            controllers.grouped(candidates)
        }
        Whose::Path(handled, _) => {
            candidates.retain(|ingress| ingress.meta.key == handled.meta.key);
            controllers.grouped(candidates)
        }
    };
    let is_open =
        |ingress: &&Ingress| controllers.unsettled(ingress).is_some() || controllers.unserved(ingress).is_some();
    let (mut known, unknown): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|group| group.controller.is_known() && !group.ingresses.iter().any(is_open));
    let unhandled: Vec<_> = unknown.into_iter().flat_map(|group| Unhandled::of(group, controllers)).collect();
    if let Whose::Class(name) = whose
        && known.is_empty()
    {
        // No namespace in particular: the first controller of the class.
        let controller = controllers.of_class(ClassRef::Named(name), "");
        let is_settled =
            unhandled.iter().all(|unhandled| unhandled.unsettled.is_none() && unhandled.unserved.is_none());
        if controller.is_known() && is_settled {
            known.push(ControllerGroup { controller, ingresses: Vec::new() });
        } else if unhandled.is_empty() {
            let classes = controllers.view().class_names().map(str::to_owned).collect();
            return Err(NoSuchClass { name: name.to_owned(), classes });
        }
    }
    Ok((known, unhandled))
}

/// Explains the answer of one controller, with its certificate and near misses.
fn explain_answer<'a>(
    explanation: &mut Explanation,
    request: &RequestUrl,
    answered: &Answered<'a>,
    wanted: &Wanted<'_, 'a>,
    whose: Whose<'a>,
) {
    let Answered { routes, answer, unloaded, block } = answered;
    let view = wanted.controllers.view();
    let is_shared = match whose {
        Whose::Path(ingress, at) if NginxAnnotations::of(ingress).is_canary() => {
            share(explanation, routes, answer, (ingress, at), view)
        }
        _ => false,
    };
    if !is_shared {
        follow(explanation, request, routes, answer, view);
    }
    unloaded::without(explanation, unloaded);
    if request.scheme == Scheme::Https && !answer.is_passed_through {
        certificate(explanation, wanted.host, &answer.server, routes, view);
    }
    // A request that the root of a host or a rule without a host gets may be intended for another path or host, and a regex may
    // have taken it from another path.
    let by_root = match &answer.location {
        Some(location) => location.path == "/",
        None => answer.outcome == Outcome::DefaultBackend,
    };
    if !is_shared && (by_root || answer.server.is_regex || !answered.has_host()) {
        explanation.near_misses = near_misses(wanted, Some((answer, routes.controller())));
    }
    if !answered.has_host() {
        explanation.notes.extend(name_wanted(request, view));
    }
    if let Some(block) = block {
        reload(explanation, block, Some(&answer.server));
    }
}

/// Returns how to send the name of a host, for a request by address.
fn name_wanted(request: &RequestUrl, view: &ClusterView<'_>) -> Option<String> {
    let address = request.host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().ok()?;
    let hosts = view.ingresses().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host);
    let first = hosts.filter(|host| matches!(host, Host::Exact(_))).min().map(Host::to_string);
    let host = first.unwrap_or_else(|| "app.example.com".to_owned());
    let url = request.url();
    let url = if is_plain(&url) { url } else { "URL".to_owned() };
    Some(format!("rules match host names, not addresses; send the name: curl -H 'Host: {host}' {url}"))
}

/// Returns whether a URL needs no quotes in a shell.
fn is_plain(url: &str) -> bool {
    url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:@%+,=".contains(&byte))
}

/// Explains that path matching exceeded its budget, unless nginx rejects the server anyway.
fn over_budget(explanation: &mut Explanation, request: &RequestUrl, routes: &Routes<'_>) {
    let server = routes.server_for(&host_name(&request.host), When::After);
    if !server.found().is_some_and(|server| is_refused(explanation, routes, &server)) {
        explanation.unknown("path", "path matching exceeded its time budget (too many or too complex paths)");
    }
}

/// Explains that no controller serves the host.
fn no_controller_has_it(
    explanation: &mut Explanation,
    host: &Host,
    unhandled: &[Unhandled<'_>],
    whose: Whose<'_>,
    view: &ClusterView<'_>,
) {
    let classes = kubectl(&["get", "ingressclasses"]);
    if let Some(first) = unhandled.iter().find(|unhandled| unhandled.has_host(host)) {
        let key = &first.ingress.meta.key;
        explanation.ingress = Some(key.to_string());
        let why = why_unhandled(first, view);
        if first.certain {
            let detail = format!("no controller handles Ingress {key} of this host: {why}");
            explanation.breaks("class", detail, classes);
            explanation.ends(RequestOutcome::DefaultBackend, 404);
        } else {
            explanation.unknown("class", format!("the controller of Ingress {key} is unknown: {why}"));
        }
        return;
    }
    if let Some(first) = unhandled.iter().find(|unhandled| !unhandled.certain && unhandled.takes_any_host()) {
        let (key, why) = (&first.ingress.meta.key, why_unhandled(first, view));
        let detail = format!("the controller of Ingress {key}, which matches every host, is unknown: {why}");
        explanation.unknown("class", detail);
        return;
    }
    let all = kubectl(&["get", "ingresses", "--all-namespaces"]);
    let whose = match whose {
        Whose::Class(class) => format!(" in the controller of class {}", Quoted(class)),
        Whose::Any | Whose::Path(..) => String::new(),
    };
    explanation.breaks("host", format!("no Ingress rule, wildcard or alias{whose} matches {host}"), all);
    explanation.ends(RequestOutcome::DefaultBackend, 404);
}
