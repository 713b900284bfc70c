//! Near misses: hosts and paths that almost match a request, and were probably intended.

use std::cmp::Reverse;
use std::ptr;

use serde::Serialize;

use super::unhandled::Unhandled;
use crate::budget::Budget;
use crate::finding::Quoted;
use crate::model::{Backend, FieldPath, Host, Ingress, PathRef, PathType, suggest};
use crate::routing::{
    Answer, Controller, ControllerFamily, Controllers, DroppedBecause, Location, Outcome, Pattern, Server,
    is_plainly_regex, literal_prefix, matches_only_root, normalized,
};

/// The most near misses that are listed.
const MOST: usize = 8;

/// A host or path that almost matches a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    /// `namespace/name` of its Ingress.
    pub ingress: String,
    /// The field.
    pub field: String,
    /// The reason why it does not match.
    pub detail: String,
}

impl NearMiss {
    fn of(ingress: &Ingress, field: &FieldPath, detail: String) -> Self {
        Self { ingress: ingress.meta.key.to_string(), field: field.to_string(), detail }
    }
}

/// A request, and what is known of those that might be meant for it.
pub(super) struct Wanted<'r, 'a> {
    pub(super) host: &'r Host,
    pub(super) path: &'r str,
    pub(super) unhandled: &'r [Unhandled<'a>],
    pub(super) controllers: Controllers<'a>,
}

/// Near misses for a request: paths if a server of a controller has the host, else hosts. Without a location that answers, every
/// other path of the host is listed too, the nearest first.
pub(super) fn near_misses(wanted: &Wanted<'_, '_>, answer: Option<(&Answer<'_>, &Controller<'_>)>) -> Vec<NearMiss> {
    let mut misses = unhandled_hosts(wanted.host, wanted.unhandled);
    let is_unserved = answer.is_none_or(|(answer, _)| answer.outcome == Outcome::DefaultBackend);
    if answer.is_none_or(|(answer, _)| answer.server.host == Host::Any) {
        misses.extend(hosts(wanted, is_unserved));
    }
    if let Some((answer, controller)) = answer.filter(|(answer, _)| is_unserved || answer.server.host != Host::Any) {
        misses.extend(paths(answer, controller, wanted.path));
    }
    misses.truncate(MOST);
    misses
}

/// Ingresses with the host that no controller handles.
fn unhandled_hosts(host: &Host, unhandled: &[Unhandled<'_>]) -> Vec<NearMiss> {
    let of = |unhandled: &Unhandled<'_>| {
        let rule = unhandled.ingress.rules().find(|rule| rule.rule.host != Host::Any && rule.rule.host.covers(host))?;
        let sure = if unhandled.certain { "no controller handles it" } else { "it may have no controller" };
        let field = FieldPath::spec().field("ingressClassName");
        Some(NearMiss::of(unhandled.ingress, &field, format!("has the host {}, but {sure}", rule.rule.host)))
    };
    unhandled.iter().filter_map(of).take(MOST).collect()
}

/// Similar hosts, each once, the most likely first; then the fallbacks of other hosts, if no Ingress serves the request.
fn hosts(wanted: &Wanted<'_, '_>, is_unserved: bool) -> Vec<NearMiss> {
    let Wanted { host, unhandled, controllers, .. } = wanted;
    let mut near: Vec<(usize, NearMiss)> = Vec::new();
    let is_unhandled =
        |ingress: &Ingress| unhandled.iter().any(|unhandled| unhandled.ingress.meta.key == ingress.meta.key);
    for ingress in controllers.view().ingresses().filter(|ingress| !is_unhandled(ingress)) {
        for rule in ingress.rules() {
            let Some((rank, why)) = nearly(host, &rule.rule.host) else { continue };
            let miss = NearMiss::of(ingress, &rule.field().field("host"), format!("{}: {why}", rule.rule.host));
            near.push((rank, miss));
        }
        near.extend(only_in_tls(host, ingress).map(|miss| (0, miss)));
        let fallback = fallback_of_others(ingress, *controllers).filter(|_| is_unserved);
        near.extend(fallback.map(|miss| (usize::MAX, miss)));
    }
    near.sort_by(|(a, one), (b, other)| {
        a.cmp(b).then_with(|| one.ingress.cmp(&other.ingress)).then_with(|| one.field.cmp(&other.field))
    });
    near.dedup_by(|(_, a), (_, b)| a.ingress == b.ingress && a.detail == b.detail);
    near.into_iter().map(|(_, miss)| miss).take(MOST).collect()
}

/// The host in `spec.tls` of an Ingress of which no rule has it.
fn only_in_tls(host: &Host, ingress: &Ingress) -> Option<NearMiss> {
    if ingress.rules.iter().any(|rule| rule.host.covers(host)) {
        return None;
    }
    let (index, named) = ingress.tls.iter().enumerate().find_map(|(index, entry)| {
        let named = entry.hosts.iter().find(|named| **named != Host::Any && named.covers(host))?;
        Some((index, named))
    })?;
    let field = FieldPath::spec().field("tls").index(index).field("hosts");
    Some(NearMiss::of(ingress, &field, format!("{named}: spec.tls lists it, but no rule of this Ingress has it")))
}

/// The `defaultBackend` of an Ingress with rules, which ingress-nginx uses for the hosts of these rules (section 2.3).
fn fallback_of_others(ingress: &Ingress, controllers: Controllers<'_>) -> Option<NearMiss> {
    let is_nginx = || controllers.handling(ingress).dialect.family == ControllerFamily::Nginx;
    if ingress.default_backend.is_none() || ingress.rules.iter().all(|rule| rule.host == Host::Any) || !is_nginx() {
        return None;
    }
    let field = FieldPath::spec().field("defaultBackend");
    Some(NearMiss::of(ingress, &field, "applies only to the hosts of the rules beside it".to_owned()))
}

/// The reason why a rule's host does not match, if it is similar.
fn nearly(wanted: &Host, has: &Host) -> Option<(usize, String)> {
    let name = wanted.to_string();
    match has {
        _ if *has != Host::Any && has.covers(wanted) => Some((0, "belongs to another controller".to_owned())),
        Host::Wildcard(parent) if **parent == *name => Some((0, "a wildcard does not match its own domain".to_owned())),
        Host::Wildcard(parent) if name.strip_suffix(&**parent).is_some_and(|rest| rest.ends_with('.')) => {
            Some((0, "a wildcard matches exactly one label".to_owned()))
        }
        _ if wanted.www_twin().as_ref() == Some(has) => Some((1, "differs only in the www. prefix".to_owned())),
        Host::Exact(other) => {
            let edits = suggest::edits(&name, other).filter(|edits| *edits > 0)?;
            Some((1 + edits, "similar spelling".to_owned()))
        }
        _ => None,
    }
}

/// Paths of the host that almost match.
fn paths(answer: &Answer<'_>, controller: &Controller<'_>, path: &str) -> Vec<NearMiss> {
    let Some(uri) = normalized(path) else { return Vec::new() };
    let uri = String::from_utf8_lossy(&uri);
    let server = &*answer.server;
    // Only controllers that read `use-regex` could match a path as a regex.
    let may_be_regex = controller.dialect.family.reads_nginx_annotations() && !server.is_regex;
    let taken = answer.location.as_ref().filter(|location| location.at.is_some());
    let is_taken = |at: PathRef<'_>| taken.and_then(|location| location.at).is_some_and(|by| ptr::eq(by.path, at.path));
    let dropped = server.dropped.iter().filter_map(|dropped| {
        let why = match dropped.why {
            DroppedBecause::Duplicate(_) => return None,
            DroppedBecause::Resource => "a resource backend gets no location",
            DroppedBecause::CanaryUpstream => "no location, because a canary is the first user of its Service and port",
            DroppedBecause::HostOf(_) => "the controller gives the host to an older Ingress",
            DroppedBecause::NoMaster => "a minion, and no Ingress is the master of the host",
        };
        covers(dropped.at, &uri).then(|| (dropped.ingress, dropped.at, why.to_owned()))
    });
    let mut misses: Vec<(&Ingress, PathRef<'_>, String)> = dropped.collect();
    let mut others = Vec::new();
    let located = server.locations.iter().filter(|location| !location.is_exact_companion);
    for (ingress, at) in located.filter_map(|location| location.ingress.zip(location.at)) {
        let lost = || taken.and_then(|by| lost_to(server, by, at, &uri)).filter(|_| !is_taken(at));
        match lost().or_else(|| why_not(at, &uri, server.is_regex, may_be_regex)) {
            Some(why) => misses.push((ingress, at, why)),
            None => others.push((ingress, at, "does not match".to_owned())),
        }
    }
    if answer.outcome == Outcome::DefaultBackend {
        others.sort_by_cached_key(|(_, at, _)| Reverse(shared_start(at.path.routed(), &uri)));
        misses.extend(others);
    }
    let miss = |(ingress, at, why): (&Ingress, PathRef<'_>, String)| {
        let written = format!("{} {}", at.path.path_type.name(), Quoted(at.path.routed()));
        NearMiss::of(ingress, &at.field(), format!("{written}: {why}"))
    };
    misses.into_iter().take(MOST).map(miss).collect()
}

/// The number of bytes with which two paths begin alike, ignoring case.
fn shared_start(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
}

/// The reason why a path that covers a request by Kubernetes' rules lost it to a regex (section 2.6).
fn lost_to(server: &Server<'_>, by: &Location<'_>, at: PathRef<'_>, uri: &str) -> Option<String> {
    let taken_by = by.at.filter(|by| is_plainly_regex(by.path.routed()))?;
    let text = at.path.routed();
    let is_exact = at.path.path_type == PathType::Exact && uri == text;
    let is_as_near = text != "/" && covers(at, uri) && text.len() >= literal_prefix(taken_by.path.routed()).len();
    if !server.is_regex || !(is_exact || is_as_near) {
        return None;
    }
    let enabled_by = server.locations.iter().find(|location| location.enables_regex).and_then(|it| it.ingress)?;
    let key = &enabled_by.meta.key;
    Some(format!(
        "loses to the longer text {}: Ingress {key} makes the host use regexes",
        Quoted(taken_by.path.routed())
    ))
}

/// Whether a path matches a request by the rules of Kubernetes.
pub(super) fn covers(at: PathRef<'_>, uri: &str) -> bool {
    let text = at.path.routed();
    uri == text || (at.path.path_type != PathType::Exact && below(uri, text))
}

/// Whether a path is one or more elements below another.
fn below(uri: &str, text: &str) -> bool {
    uri.strip_prefix(text.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// The reason why a path does not match, if it almost does.
fn why_not(at: PathRef<'_>, uri: &str, is_regex: bool, may_be_regex: bool) -> Option<String> {
    let text = at.path.routed();
    if text == "/" && at.path.path_type != PathType::Exact || *at.path.backend == Backend::Resource {
        return None;
    }
    let (lower, lower_text) = (uri.to_ascii_lowercase(), text.to_ascii_lowercase());
    let is_exact = at.path.path_type == PathType::Exact;
    let why = match () {
        () if is_regex && matches_only_root(text) => "matches only /, because nginx merges slashes",
        () if is_plainly_regex(text) && may_be_regex => {
            let budget = Budget::default();
            let pattern = Pattern::location(text, &budget);
            let matches = pattern.is_ok_and(|pattern| pattern.is_match(uri.as_bytes(), &budget) == Ok(true));
            return matches.then(|| "matches only as a regex, but use-regex is not set for the host".to_owned());
        }
        () if !is_regex && is_glob_of(text, uri) => {
            "the asterisk is literal text here, Prefix matches what is below a path"
        }
        () if text != uri && text.trim_end_matches('/') == uri.trim_end_matches('/') => {
            "differs only in the trailing slash"
        }
        () if is_exact && below(uri, text) => "Exact does not match paths below it, Prefix does",
        () if text != uri && lower == lower_text => "differs only in upper and lower case",
        () if !is_exact && !below(uri, text) && below(&lower, &lower_text) => "differs only in upper and lower case",
        () if !is_exact && uri.starts_with(text) && !below(uri, text) && uri != text => {
            "Prefix matches whole path elements, not parts of them"
        }
        () if text.len() > 3 && text != uri && suggest::edits(text, uri).is_some() => "similar spelling",
        () => return None,
    };
    Some(why.to_owned())
}

/// Whether a request is meant by a path with asterisks for any text, as other controllers read it.
fn is_glob_of(text: &str, uri: &str) -> bool {
    let mut parts = text.split('*');
    let Some(mut rest) = parts.next().and_then(|start| uri.strip_prefix(start)).filter(|_| text.contains('*')) else {
        return false;
    };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}
