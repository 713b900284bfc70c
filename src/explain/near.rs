//! What does not take a request, but nearly would: what somebody most likely meant.

use serde::Serialize;

use super::unhandled::Unhandled;
use crate::cluster::ClusterView;
use crate::finding::Quoted;
use crate::model::{Backend, FieldPath, Host, Ingress, PathRef, PathType, suggest};
use crate::routing::{DroppedBecause, Pattern, Server, is_plainly_regex, normalized};

/// So many are worth reading.
const MOST: usize = 8;

/// Something that nearly takes a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    /// `namespace/name` of its Ingress.
    pub ingress: String,
    /// Where in it.
    pub field: String,
    /// Why it does not.
    pub detail: String,
}

impl NearMiss {
    fn of(ingress: &Ingress, field: &FieldPath, detail: String) -> Self {
        Self { ingress: ingress.meta.key.to_string(), field: field.to_string(), detail }
    }
}

/// What nearly takes a request for a host and path: on the server that has the host, paths; without one, hosts.
pub(super) fn near_misses(
    host: &Host,
    path: &str,
    view: &ClusterView<'_>,
    unhandled: &[Unhandled<'_>],
    server: Option<&Server<'_>>,
) -> Vec<NearMiss> {
    let mut misses = unhandled_hosts(host, unhandled);
    match server.filter(|server| server.host != Host::Any) {
        Some(server) => misses.extend(paths(server, path)),
        None => misses.extend(hosts(host, view, unhandled)),
    }
    misses.truncate(MOST);
    misses
}

/// Ingresses with the host that no controller takes.
fn unhandled_hosts(host: &Host, unhandled: &[Unhandled<'_>]) -> Vec<NearMiss> {
    let of = |unhandled: &Unhandled<'_>| {
        let rule = unhandled.ingress.rules().find(|rule| rule.rule.host != Host::Any && rule.rule.host.covers(host))?;
        let sure = if unhandled.certain { "nobody takes this Ingress" } else { "perhaps nobody takes this Ingress" };
        let field = FieldPath::spec().field("ingressClassName");
        Some(NearMiss::of(unhandled.ingress, &field, format!("{sure}, which has the host {}", rule.rule.host)))
    };
    unhandled.iter().filter_map(of).take(MOST).collect()
}

/// Hosts that are nearly this one, each once, the likeliest first.
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

/// Why a rule's host is not this one, if it nearly is.
fn nearly(wanted: &Host, has: &Host) -> Option<(usize, String)> {
    let name = wanted.to_string();
    match has {
        _ if *has != Host::Any && has.covers(wanted) => Some((0, "it has the host, for another controller".to_owned())),
        Host::Wildcard(parent) if **parent == *name => {
            Some((0, "a wildcard does not stand for its own domain".to_owned()))
        }
        Host::Wildcard(parent) if name.strip_suffix(&**parent).is_some_and(|rest| rest.ends_with('.')) => {
            Some((0, "a wildcard stands for one label, not for more".to_owned()))
        }
        _ if wanted.www_twin().as_ref() == Some(has) => Some((1, "with and without www. are two hosts".to_owned())),
        Host::Exact(other) => {
            let edits = suggest::edits(&name, other).filter(|edits| *edits > 0)?;
            Some((1 + edits, "it is written almost alike".to_owned()))
        }
        _ => None,
    }
}

/// Paths of the host that nearly take this one.
fn paths(server: &Server<'_>, path: &str) -> Vec<NearMiss> {
    let Some(uri) = normalized(path) else { return Vec::new() };
    let uri = String::from_utf8_lossy(&uri);
    let located = server.locations.iter().filter(|location| !location.is_exact_companion);
    let located = located.filter_map(|location| location.ingress.zip(location.at));
    let located = located.filter_map(|(ingress, at)| Some((ingress, at, why_not(at, &uri, server.is_regex)?)));
    let dropped = server.dropped.iter().filter_map(|dropped| {
        let why = match dropped.why {
            DroppedBecause::Taken(_) => return None,
            DroppedBecause::Resource => "its backend is a resource, which makes no location",
            DroppedBecause::CanaryUpstream => {
                "a canary was the first to use its Service and port, so it has no location"
            }
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

fn covers(at: PathRef<'_>, uri: &str) -> bool {
    let text = at.path.routed();
    uri == text || (at.path.path_type != PathType::Exact && below(uri, text))
}

/// Whether a path is one or more elements below another.
fn below(uri: &str, text: &str) -> bool {
    uri.strip_prefix(text.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// Why a path does not take a request, if it nearly does.
fn why_not(at: PathRef<'_>, uri: &str, is_regex: bool) -> Option<String> {
    let text = at.path.routed();
    if text == "/" && at.path.path_type != PathType::Exact || at.path.backend == Backend::Resource {
        return None;
    }
    let (lower, lower_text) = (uri.to_ascii_lowercase(), text.to_ascii_lowercase());
    let is_exact = at.path.path_type == PathType::Exact;
    let why = match () {
        () if is_plainly_regex(text) && !is_regex => {
            let matches = Pattern::location(text).is_ok_and(|pattern| pattern.is_match(uri.as_bytes()) == Some(true));
            return matches
                .then(|| "it would match as a regex, but the host has no use-regex: it is plain text".to_owned());
        }
        () if text != uri && text.trim_end_matches('/') == uri.trim_end_matches('/') => {
            "they differ in the slash at the end"
        }
        () if is_exact && below(uri, text) => "Exact takes that path and nothing below it: Prefix would",
        () if text != uri && lower == lower_text => "they differ in upper and lower case",
        () if !is_exact && !below(uri, text) && below(&lower, &lower_text) => "they differ in upper and lower case",
        () if !is_exact && uri.starts_with(text) && !below(uri, text) && uri != text => {
            "Prefix takes whole elements of a path, not the beginning of one"
        }
        () if text.len() > 3 && text != uri && suggest::edits(text, uri).is_some() => "it is written almost alike",
        () => return None,
    };
    Some(why.to_owned())
}
