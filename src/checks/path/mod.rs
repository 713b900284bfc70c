//! IG3xx: does the location ever match?

mod location_duplicated;
mod path_control_character;
mod path_exact_root_only;
mod path_exact_root_unreachable;
mod path_regex_invalid;
mod path_regex_literal;
mod path_shadowed;
mod path_trailing_slash;
mod regex_backtracking;
mod regex_host_inherited;
mod regex_overreaching;
mod regex_spillover;
mod rewrite_capture_missing;
mod rewrite_drops_subpath;

pub(super) use location_duplicated::LOCATION_DUPLICATED;
pub(super) use path_control_character::PATH_CONTROL_CHARACTER;
pub(super) use path_exact_root_only::PATH_EXACT_ROOT_ONLY;
pub(super) use path_exact_root_unreachable::PATH_EXACT_ROOT_UNREACHABLE;
pub(super) use path_regex_invalid::PATH_REGEX_INVALID;
pub(super) use path_regex_literal::PATH_REGEX_LITERAL;
pub(super) use path_shadowed::PATH_SHADOWED;
pub(super) use path_trailing_slash::PATH_TRAILING_SLASH;
pub(super) use regex_backtracking::REGEX_BACKTRACKING;
pub(super) use regex_host_inherited::REGEX_HOST_INHERITED;
pub(super) use regex_overreaching::REGEX_OVERREACHING;
pub(super) use regex_spillover::REGEX_SPILLOVER;
pub(super) use rewrite_capture_missing::REWRITE_CAPTURE_MISSING;
pub(super) use rewrite_drops_subpath::REWRITE_DROPS_SUBPATH;

use std::collections::HashMap;
use std::rc::Rc;

use super::context::WARN;
use super::{Context, ROUTES};
use crate::finding::{Finding, Quoted};
use crate::model::{Backend, FieldPath, Host, NGINX_PREFIX, PathRef};
use crate::routing::{
    Answer, Engine, Located, Location, Outcome, Redirect, Scheme, Server, When, pattern_samples, plain_samples,
};

/// A path of the Ingress under judgement and what the controller makes of its host.
struct Routed<'a> {
    at: PathRef<'a>,
    server: Rc<Server<'a>>,
}

/// Every path that makes a location. A canary's own make none (section 7.1), nor do resource backends and what another
/// path has taken already.
fn routed<'a>(cx: &Context<'a>) -> Vec<Routed<'a>> {
    if cx.nginx().is_canary() {
        return Vec::new();
    }
    let mut servers: HashMap<&Host, Option<Rc<Server<'a>>>> = HashMap::new();
    let with_server = cx.ingress.paths().filter_map(|at| {
        let server = servers.entry(&at.rule.host).or_insert_with(|| cx.server(&at.rule.host, When::After).found());
        server.as_ref().map(|server| Routed { at, server: Rc::clone(server) })
    });
    with_server.filter(|Routed { at, server }| !server.has_dropped(*at)).collect()
}

impl<'a> Routed<'a> {
    fn field(&self) -> FieldPath {
        self.at.field().field("path")
    }

    /// Requests that the path is surely meant for, as its host matches paths.
    fn samples(&self, cx: &Context<'a>) -> Option<Vec<String>> {
        let (path, path_type) = (self.at.path.routed(), self.at.path.path_type);
        if self.server.is_regex {
            cx.weighed(pattern_samples(path, cx.routes().effort()))
        } else {
            Some(plain_samples(path, path_type))
        }
    }

    /// What a visitor gets for a path of this host.
    fn answer(&self, cx: &Context<'a>, path: &str) -> Option<Answer<'a>> {
        cx.weighed(cx.routes().answer_on(&self.server, Scheme::Https, path, When::After))
    }

    /// The location that takes a path which is in normal form.
    fn locate(&self, cx: &Context<'a>, path: &str) -> Option<Located<'_, 'a>> {
        cx.weighed(self.server.locate(path.as_bytes(), cx.routes().effort()))
    }

    fn is_own(&self, location: &Location<'_>) -> bool {
        location.at.is_some_and(|at| at.is_same(self.at))
    }
}

/// What a visitor gets, as the end of `/api gets …`.
fn gets(cx: &Context<'_>, answer: &Answer<'_>) -> String {
    match &answer.outcome {
        Outcome::BadRequest => "400".to_owned(),
        Outcome::Redirect(status, Redirect::Slash) => format!("{status} to the path with a slash"),
        Outcome::Redirect(status, _) => format!("a redirect ({status})"),
        Outcome::DefaultBackend => "404 from the default backend".to_owned(),
        Outcome::Broken => "500".to_owned(),
        Outcome::Backend { of, backend, .. } => {
            let service = match backend {
                Backend::Service { name, .. } => format!("Service {}", Quoted(name)),
                Backend::Resource => "a resource".to_owned(),
            };
            format!("{service}{}", of_other(cx, &of.0.meta.key))
        }
    }
}

/// ` of Ingress shop/other`, where it is another and may be named.
fn of_other(cx: &Context<'_>, key: &crate::model::Key) -> String {
    match () {
        () if *key == cx.ingress.meta.key => String::new(),
        () if cx.may_name(&key.namespace) => format!(" of Ingress {key}"),
        () => " of another namespace's Ingress".to_owned(),
    }
}

/// The index that findings about a host rest on, and what is known of imitations of ingress-nginx.
fn of_host<'f>(cx: &Context<'_>, finding: &'f mut Finding) -> &'f mut Finding {
    if cx.dialect().engine == Engine::Traefik {
        // It reads the same annotations; that it matches like nginx in every corner is not proven.
        finding.at_most(WARN);
    }
    finding.rests_on_index("hosts")
}

/// What makes this Ingress' hosts match patterns.
fn switch_field(cx: &Context<'_>) -> FieldPath {
    let name = if cx.nginx().use_regex() { "use-regex" } else { "rewrite-target" };
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}
