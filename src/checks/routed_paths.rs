//! The paths of an Ingress as its controller routes them. The checks on paths share these.

use std::rc::Rc;

use super::findings::WARN;
use super::{Context, effects};
use crate::finding::Finding;
use crate::model::{FieldPath, Ingress, Key, Kind, Kinds, PathRef, PathType, RuleRef};
use crate::routing::{
    Answer, Located, Location, NginxAnnotations, Scheme, Server, When, literal_prefix, pattern_samples, plain_samples,
};

/// The kinds that the location model reads.
pub(super) const ROUTES: Kinds = Kinds::of(&[Kind::Ingress, Kind::IngressClass]);

/// A path of the evaluated Ingress, with the nginx server of its host.
#[derive(Debug)]
pub(super) struct Routed<'a> {
    pub(super) at: PathRef<'a>,
    pub(super) server: Rc<Server<'a>>,
}

/// Returns every path that becomes a location. Paths of a canary do not (section 7.1), nor do paths with a resource backend
/// or paths that another Ingress defines already.
pub(super) fn routed<'a>(cx: &Context<'a>) -> Rc<[Routed<'a>]> {
    if !cx.sees_routes() || cx.nginx().is_canary() {
        return Rc::new([]);
    }
    let of_rule = |rule: RuleRef<'a>| {
        let server = cx.server(&rule.rule.host, When::After).found();
        let routed = server.map(|server| rule.paths().map(move |at| Routed { at, server: Rc::clone(&server) }));
        routed.into_iter().flatten()
    };
    let routed = || cx.ingress.rules().flat_map(of_rule).filter(|Routed { at, server }| !server.has_dropped(*at));
    cx.memo.routed(cx.routes().budget(), || routed().collect())
}

impl<'a> Routed<'a> {
    pub(super) fn text(&self) -> &'a str {
        self.at.path.routed()
    }

    pub(super) fn field(&self) -> FieldPath {
        self.at.field().field("path")
    }

    /// Returns requests that the path is certainly intended to match, or nothing if the budget is exceeded.
    pub(super) fn samples(&self, cx: &Context<'a>) -> Option<Vec<String>> {
        // Among the regex metacharacters only the dot is common in literal paths.
        if !cx.matches_paths() {
            return None;
        }
        if self.server.is_regex && self.text().contains(|c| "\\^$|?*+()[]{}".contains(c)) {
            cx.weighed(pattern_samples(self.text(), cx.routes().budget()))
        } else {
            Some(plain_samples(self.text(), self.at.path.path_type))
        }
    }

    /// Returns the answer to a request for this host, or nothing if the budget is exceeded.
    pub(super) fn answer(&self, cx: &Context<'a>, path: &str) -> Option<Answer<'a>> {
        if !cx.matches_paths() {
            return None;
        }
        cx.weighed(cx.routes().answer_on(&self.server, Scheme::Https, path, When::After))
    }

    /// Returns the location that matches a normalised path, or nothing if the budget is exceeded.
    pub(super) fn locate(&self, cx: &Context<'a>, path: &str) -> Option<Located<'_, 'a>> {
        if !cx.matches_paths() {
            return None;
        }
        cx.weighed(self.server.locate(path.as_bytes(), cx.routes().budget()))
    }

    /// Whether the location comes from this path.
    pub(super) fn is_own(&self, location: &Location<'_>) -> bool {
        location.at.is_some_and(|at| at.is_same(self.at))
    }
}

/// Whether a location is more specific for the request than `path`, so that it matches with and without regex matching.
pub(super) fn is_more_specific(location: &Location<'_>, request: &str, path: &str) -> bool {
    let is_exact = |at: PathRef<'_>| at.path.path_type == PathType::Exact && at.path.routed() == request;
    location.at.is_some_and(is_exact) || literal_prefix(&location.path).len() > path.len()
}

/// Describes the Ingress of a path, Service or annotation: nothing for the evaluated Ingress, else ` of Ingress shop/other`.
/// The name is left out if the configuration hides other namespaces.
pub(super) fn of_other(cx: &Context<'_>, key: &Key) -> String {
    match () {
        () if *key == cx.ingress.meta.key => String::new(),
        () if cx.may_name(&key.namespace) => format!(" of Ingress {key}"),
        () => " of an Ingress in another namespace".to_owned(),
    }
}

/// Adds the index that findings on a host depend on, and caps them at Warn for controllers that only resemble
/// ingress-nginx.
pub(super) fn of_host<'f>(cx: &Context<'_>, finding: &'f mut Finding) -> &'f mut Finding {
    if cx.dialect().is_imitated {
        // Traefik reads the same annotations. Its matching is not proven to agree with nginx in every case.
        finding.at_most(WARN);
    }
    finding.rests_on_index("hosts")
}

/// Returns the effect of a location that nginx rejects. A host that returns 403 has no locations (section 5.7).
pub(super) fn reload_fails(server: &Server<'_>) -> String {
    effects::reload_fails(server.forbidden.map(|refusal| refusal.annotation))
}

/// Whether it is unknown if a host uses regex matching: one of its Ingresses has a `rewrite-target` that only validating
/// controllers ignore (section 3.3).
pub(super) fn may_match_otherwise(cx: &Context<'_>, server: &Server<'_>) -> bool {
    let is_dropped = |of: NginxAnnotations<'_>| of.value("rewrite-target").is_some() && of.rewrite_target().is_none();
    cx.dialect().validates_annotations() != Some(true) && owners(server).map(NginxAnnotations::of).any(is_dropped)
}

/// Returns the Ingresses of a server without consecutive repetitions.
pub(super) fn owners<'s, 'a>(server: &'s Server<'a>) -> impl Iterator<Item = &'a Ingress> + use<'s, 'a> {
    let mut last = None;
    let all = server.locations.iter().filter_map(|location| location.ingress);
    all.filter(move |ingress| last.replace(std::ptr::from_ref(*ingress)) != Some(std::ptr::from_ref(*ingress)))
}
