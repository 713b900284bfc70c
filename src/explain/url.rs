//! Traces a URL: the controllers that serve the host, their answers, and near misses.

use thiserror::Error;

use super::certificate::certificate;
use super::controllers::{Answering, Known, Untaken, concerned, why_untaken};
use super::near::near_misses;
use super::path::{follow, is_refused};
use super::request::RequestUrl;
use super::trail::{Ends, Explanation, kubectl};
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView, Lookup};
use crate::finding::Quoted;
use crate::model::{ClassRef, Host, Ingress, Key, Kind, Kinds};
use crate::routing::{Answer, Outcome, Scheme, When, host_name};

/// The class of `--class` does not exist.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("IngressClass {name:?} not found{}", if classes.is_empty() { String::new() } else { format!("; existing classes: {}", classes.join(", ")) })]
pub struct NoSuchClass {
    name: String,
    classes: Vec<String>,
}

/// The answer of one controller.
struct Answered<'a> {
    answering: Answering<'a>,
    answer: Answer<'a>,
}

impl Answered<'_> {
    fn has_host(&self) -> bool {
        self.answer.server.host != Host::Any
    }

    /// An Ingress of the controller matches every host, or nginx rejects the request before routing.
    fn takes_anything(&self) -> bool {
        self.answer.outcome == Outcome::BadRequest
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
    /// The controller of an Ingress.
    ControllerOf(&'i Ingress),
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
    explain(request, known, settings, class.map_or(Whose::Any, Whose::Class))
}

pub(super) fn explain(
    request: &RequestUrl,
    snapshot: ClusterState<'_>,
    settings: &Settings,
    whose: Whose<'_>,
) -> Result<Explanation, NoSuchClass> {
    let nobody = Key::default();
    let view = ClusterView::new(snapshot, &nobody, Kind::ALL.into_iter().collect(), Kinds::NONE);
    let dialects = settings.dialects.with_observed_settings(&view);
    let known = Known { view: &view, rules: &settings.classes, dialects: &dialects };
    let host = Host::parse(&host_name(&request.host));
    let mut explanation = Explanation::of(request.url(), request.notes.clone());
    let Some(mut ingresses) = concerned(&host, &view) else {
        explanation.unknown("host", "the Ingresses of the cluster are unknown");
        return Ok(explanation);
    };
    match whose {
        Whose::Any => {}
        Whose::Class(name) => ingresses.retain(|ingress| ingress.class_ref() == ClassRef::Named(name)),
        Whose::ControllerOf(taken) => ingresses.retain(|ingress| ingress.meta.key == taken.meta.key),
    }
    let (mut controllers, untaken) = known.grouped(&ingresses);
    match whose {
        Whose::Any => known.add_classes(&mut controllers),
        Whose::Class(name) if controllers.is_empty() => match known.answering(name) {
            Some(answering) => controllers.push(answering),
            None if untaken.is_empty() => {
                let classes = view.class_names().map(str::to_owned).collect();
                return Err(NoSuchClass { name: name.to_owned(), classes });
            }
            None => {}
        },
        Whose::Class(_) | Whose::ControllerOf(_) => {}
    }
    let mut answered = Vec::new();
    for answering in controllers {
        match answering.routes.answer(request.scheme, &request.host, &request.path, When::After) {
            Ok(Lookup::Found(answer)) => answered.push(Answered { answering, answer }),
            Ok(Lookup::Absent | Lookup::Unknown) => {}
            Err(_) => {
                let server = answering.routes.server_for(&host_name(&request.host), When::After);
                if server.found().is_some_and(|server| is_refused(&mut explanation, &answering, &server)) {
                    return Ok(explanation);
                }
                explanation.unknown("path", "path matching exceeded its time budget (too many or too complex paths)");
                return Ok(explanation);
            }
        }
    }
    if answered.iter().any(Answered::has_host) {
        answered.retain(Answered::has_host);
    } else if untaken.iter().any(|untaken| !untaken.certain && has_host(untaken, &host)) {
        // An Ingress with the host may have a controller.
        answered.clear();
    } else {
        answered.retain(Answered::takes_anything);
    }
    let mut explained = answered.iter().map(|answered| {
        let mut explanation = explanation.clone();
        follow(&mut explanation, request, &answered.answering, &answered.answer, &view);
        if request.scheme == Scheme::Https {
            certificate(&mut explanation, &host, &answered.answering, &view);
        }
        // A request that matches only "/" may have been intended for another path, one without a host for another host.
        let by_root = answered.answer.location.as_ref().is_none_or(|location| location.path == "/");
        if by_root || !answered.has_host() {
            let server = Some(&*answered.answer.server);
            explanation.near_misses = near_misses(&host, &request.path, snapshot.store, &untaken, server);
        }
        explanation
    });
    if let Some(mut first) = explained.next() {
        first.others = explained.collect();
        return Ok(first);
    }
    nobody_has_it(&mut explanation, &host, &untaken, whose, &view);
    explanation.near_misses = near_misses(&host, &request.path, snapshot.store, &untaken, None);
    Ok(explanation)
}

fn has_host(untaken: &Untaken<'_>, host: &Host) -> bool {
    untaken.ingress.rules.iter().any(|rule| rule.host != Host::Any && rule.host.covers(host))
}

fn takes_any_host(untaken: &Untaken<'_>) -> bool {
    let Ingress { rules, default_backend, .. } = untaken.ingress;
    rules.iter().any(|rule| rule.host == Host::Any) || (rules.is_empty() && default_backend.is_some())
}

/// Explains that no controller serves the host.
fn nobody_has_it(
    explanation: &mut Explanation,
    host: &Host,
    untaken: &[Untaken<'_>],
    whose: Whose<'_>,
    view: &ClusterView<'_>,
) {
    let classes = kubectl(&["get", "ingressclasses"]);
    if let Some(first) = untaken.iter().find(|untaken| has_host(untaken, host)) {
        let key = &first.ingress.meta.key;
        explanation.ingress = Some(key.to_string());
        let why = why_untaken(first, view);
        if first.certain {
            let detail = format!("no controller handles Ingress {key}, which has the host: {why}");
            explanation.breaks("class", detail, classes);
            explanation.ends(Ends::DefaultBackend, 404);
        } else {
            explanation.unknown("class", format!("the controller of Ingress {key} is unknown: {why}"));
        }
        return;
    }
    if let Some(first) = untaken.iter().find(|untaken| !untaken.certain && takes_any_host(untaken)) {
        let (key, why) = (&first.ingress.meta.key, why_untaken(first, view));
        let detail = format!("the controller of Ingress {key}, which matches every host, is unknown: {why}");
        explanation.unknown("class", detail);
        return;
    }
    let all = kubectl(&["get", "ingresses", "--all-namespaces"]);
    let whose = match whose {
        Whose::Class(class) => format!(" in the controller of class {}", Quoted(class)),
        Whose::Any | Whose::ControllerOf(_) => String::new(),
    };
    explanation.breaks("host", format!("no Ingress rule, wildcard or alias{whose} matches {host}"), all);
    explanation.ends(Ends::DefaultBackend, 404);
}
