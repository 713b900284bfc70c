//! Near misses: hosts and paths that almost match a request, and were probably intended.

use serde::Serialize;

use super::unhandled::Unhandled;
use crate::budget::Budget;
use crate::cluster::ClusterView;
use crate::finding::Quoted;
use crate::model::{Backend, FieldPath, Host, Ingress, PathRef, PathType, suggest};
use crate::routing::{Controller, DroppedBecause, Pattern, Server, is_plainly_regex, matches_only_root, normalized};

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

/// Near misses for a host and path: paths if a server has the host, else hosts.
pub(super) fn near_misses(
    host: &Host,
    path: &str,
    view: &ClusterView<'_>,
    unhandled: &[Unhandled<'_>],
    server: Option<(&Server<'_>, &Controller<'_>)>,
) -> Vec<NearMiss> {
    let mut misses = unhandled_hosts(host, unhandled);
    match server.filter(|(server, _)| server.host != Host::Any) {
        Some((server, controller)) => misses.extend(paths(server, controller, path)),
        None => misses.extend(hosts(host, view, unhandled)),
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

/// Similar hosts, each once, the most likely first.
fn hosts(host: &Host, view: &ClusterView<'_>, unhandled: &[Unhandled<'_>]) -> Vec<NearMiss> {
    let mut near: Vec<(usize, NearMiss)> = Vec::new();
    let is_unhandled =
        |ingress: &Ingress| unhandled.iter().any(|unhandled| unhandled.ingress.meta.key == ingress.meta.key);
    for ingress in view.ingresses().filter(|ingress| !is_unhandled(ingress)) {
        for rule in ingress.rules() {
            let Some((rank, why)) = nearly(host, &rule.rule.host) else { continue };
            let miss = NearMiss::of(ingress, &rule.field().field("host"), format!("{}: {why}", rule.rule.host));
            near.push((rank, miss));
        }
    }
    near.sort_by(|(a, one), (b, other)| {
        a.cmp(b).then_with(|| one.ingress.cmp(&other.ingress)).then_with(|| one.field.cmp(&other.field))
    });
    near.dedup_by(|(_, a), (_, b)| a.ingress == b.ingress && a.detail == b.detail);
    near.into_iter().map(|(_, miss)| miss).take(MOST).collect()
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
fn paths(server: &Server<'_>, controller: &Controller<'_>, path: &str) -> Vec<NearMiss> {
    let Some(uri) = normalized(path) else { return Vec::new() };
    let uri = String::from_utf8_lossy(&uri);
    let located = server.locations.iter().filter(|location| !location.is_exact_companion);
    let located = located.filter_map(|location| location.ingress.zip(location.at));
    // Only controllers that read `use-regex` could match a path as a regex.
    let may_be_regex = controller.dialect.family.reads_nginx_annotations() && !server.is_regex;
    let located =
        located.filter_map(|(ingress, at)| Some((ingress, at, why_not(at, &uri, server.is_regex, may_be_regex)?)));
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
    let misses = dropped.chain(located).take(MOST);
    let miss = |(ingress, at, why): (&Ingress, PathRef<'_>, String)| {
        let written = format!("{} {}", at.path.path_type.name(), Quoted(at.path.routed()));
        NearMiss::of(ingress, &at.field(), format!("{written}: {why}"))
    };
    misses.map(miss).collect()
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
