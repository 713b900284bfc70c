//! The paths of the Ingress under judgement as its controller routes them, and how to speak of what a visitor gets: what
//! the checks on paths share.

use std::fmt;
use std::rc::Rc;

use super::Context;
use super::findings::WARN;
use crate::finding::{Finding, Quoted};
use crate::model::{Backend, FieldPath, Ingress, Key, Kind, Kinds, PathRef, PathType, RuleRef};
use crate::routing::{
    Answer, ControllerFamily, Located, Location, NginxAnnotations, Outcome, Scheme, Server, When, literal_prefix,
    pattern_samples, plain_samples,
};

/// What the location model reads.
pub(super) const ROUTES: Kinds = Kinds::of(&[Kind::Ingress, Kind::IngressClass]);

/// A path of the Ingress under judgement and what the controller makes of its host.
pub(super) struct Routed<'a> {
    pub(super) at: PathRef<'a>,
    pub(super) server: Rc<Server<'a>>,
}

/// Every path that makes a location. A canary's own make none (section 7.1), nor do resource backends and what another
/// path has taken already.
pub(super) fn routed<'a>(cx: &Context<'a>) -> Vec<Routed<'a>> {
    if cx.nginx().is_canary() {
        return Vec::new();
    }
    let of_rule = |rule: RuleRef<'a>| {
        let server = cx.server(&rule.rule.host, When::After).found();
        let routed = server.map(|server| rule.paths().map(move |at| Routed { at, server: Rc::clone(&server) }));
        routed.into_iter().flatten()
    };
    cx.ingress.rules().flat_map(of_rule).filter(|Routed { at, server }| !server.has_dropped(*at)).collect()
}

impl<'a> Routed<'a> {
    pub(super) fn text(&self) -> &'a str {
        self.at.path.routed()
    }

    pub(super) fn field(&self) -> FieldPath {
        self.at.field().field("path")
    }

    /// Requests that the path is surely meant for, as its host matches paths.
    pub(super) fn samples(&self, cx: &Context<'a>) -> Option<Vec<String>> {
        // Dots are the only ones of regexes that are at home in plain paths.
        if self.server.is_regex && self.text().contains(|c| "\\^$|?*+()[]{}".contains(c)) {
            cx.weighed(pattern_samples(self.text(), cx.routes().budget()))
        } else {
            Some(plain_samples(self.text(), self.at.path.path_type))
        }
    }

    /// What a visitor gets for a path of this host.
    pub(super) fn answer(&self, cx: &Context<'a>, path: &str) -> Option<Answer<'a>> {
        cx.weighed(cx.routes().answer_on(&self.server, Scheme::Https, path, When::After))
    }

    /// The location that takes a path which is in normal form.
    pub(super) fn locate(&self, cx: &Context<'a>, path: &str) -> Option<Located<'_, 'a>> {
        cx.weighed(self.server.locate(path.as_bytes(), cx.routes().budget()))
    }

    pub(super) fn is_own(&self, location: &Location<'_>) -> bool {
        location.at.is_some_and(|at| at.is_same(self.at))
    }
}

/// Whether a location does for visitors what this path of this Ingress would: the same Service, asked for the same.
pub(super) fn stands_in(location: &Location<'_>, ingress: &Ingress, at: PathRef<'_>) -> bool {
    let same = |of: &Ingress| {
        let [theirs, ours] = [of, ingress].map(|of| NginxAnnotations::of(of).value("rewrite-target"));
        of.meta.key == ingress.meta.key || (of.meta.key.namespace == ingress.meta.key.namespace && theirs == ours)
    };
    location.at.is_some_and(|controller| controller.is_same(at))
        || (location.backend == Some(&at.path.backend) && location.ingress.is_some_and(same))
}

/// Whether a location is there for this very request more than `path` is: it takes it whatever the host matches.
pub(super) fn is_more_exact(location: &Location<'_>, request: &str, path: &str) -> bool {
    let is_exact = |at: PathRef<'_>| at.path.path_type == PathType::Exact && at.path.routed() == request;
    location.at.is_some_and(is_exact) || literal_prefix(&location.path).len() > path.len()
}

/// A request's path as messages show it: bare, where nothing in it could be mistaken.
pub(super) struct Request<'a>(pub(super) &'a str);

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_clear = self.0.len() <= 60 && self.0.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if is_clear { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

/// What a visitor gets, as the end of `/api gets …`.
pub(super) fn gets(cx: &Context<'_>, answer: &Answer<'_>) -> String {
    match &answer.outcome {
        Outcome::Backend { of, backend, .. } => {
            let service = match backend {
                Backend::Service { name, .. } => format!("Service {}", Quoted(name)),
                Backend::Resource => "a resource".to_owned(),
            };
            format!("{service}{}", of_other(cx, &of.0.meta.key))
        }
        outcome => outcome.to_string(),
    }
}

/// ` of Ingress shop/other`, where it is another and may be named.
pub(super) fn of_other(cx: &Context<'_>, key: &Key) -> String {
    match () {
        () if *key == cx.ingress.meta.key => String::new(),
        () if cx.may_name(&key.namespace) => format!(" of Ingress {key}"),
        () => " of another namespace's Ingress".to_owned(),
    }
}

/// The index that findings about a host rest on, and what is known of imitations of ingress-nginx.
pub(super) fn of_host<'f>(cx: &Context<'_>, finding: &'f mut Finding) -> &'f mut Finding {
    if cx.dialect().family == ControllerFamily::Traefik {
        // It reads the same annotations; that it matches like nginx in every corner is not proven.
        finding.at_most(WARN);
    }
    finding.rests_on_index("hosts")
}

/// Whether it cannot be said how a host matches: some Ingress of it has a `rewrite-target` that is dropped only where
/// values are validated (section 3.3).
pub(super) fn may_match_otherwise(cx: &Context<'_>, server: &Server<'_>) -> bool {
    let is_dropped = |of: NginxAnnotations<'_>| of.value("rewrite-target").is_some() && of.rewrite_target().is_none();
    cx.dialect().validates_annotations() != Some(true) && owners(server).map(NginxAnnotations::of).any(is_dropped)
}

/// The Ingresses of a server, each about once.
pub(super) fn owners<'s, 'a>(server: &'s Server<'a>) -> impl Iterator<Item = &'a Ingress> + use<'s, 'a> {
    let mut last = None;
    let all = server.locations.iter().filter_map(|location| location.ingress);
    all.filter(move |ingress| last.replace(std::ptr::from_ref(*ingress)) != Some(std::ptr::from_ref(*ingress)))
}
