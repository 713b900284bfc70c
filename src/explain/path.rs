//! The steps from the host to the backend: class, host, path, redirect, rewrite.

use super::backend::backend;
use super::near::covers;
use super::redirect::redirect;
use super::request::RequestUrl;
use super::trail::{Explanation, RequestOutcome, kubectl};
use crate::cluster::ClusterView;
use crate::finding::Quoted;
use crate::model::{ClassRef, FieldPath, Host, Ingress, PathType};
use crate::routing::annotations::Effect;
use crate::routing::{
    Answer, AuthServiceFault, Basis, ConfigError, ControllerFamily, DroppedBecause, Location, Outcome, Piece, Received,
    Redirect, Refusal, Rewritten, Routes, Server, When, escaped, host_name, is_plainly_regex, pieces,
};

/// Adds the steps of an answer.
pub(super) fn follow<'a>(
    explanation: &mut Explanation,
    request: &RequestUrl,
    routes: &Routes<'a>,
    answer: &Answer<'a>,
    view: &ClusterView<'a>,
) {
    explanation.controller = routes.controller().name().map(str::to_owned);
    class(explanation, routes, answer);
    let asked = Host::parse(&host_name(&request.host));
    let is_redirected = matches!(answer.outcome, Outcome::Redirect(_, Redirect::Www));
    let by_alias = answer.server.host != Host::Any && !answer.server.host.covers(&asked) && !is_redirected;
    host(explanation, routes, &answer.server, by_alias);
    if refuses(explanation, routes, &answer.server) {
        return;
    }
    if answer.outcome == Outcome::Unknown {
        return unknown(explanation, routes, answer);
    }
    if let Some(location) = &answer.location {
        path(explanation, routes, &answer.server, location);
    }
    if answer.is_passed_through {
        return passed_through(explanation, routes, answer, view);
    }
    if let Some(Refusal { status, annotation }) = routes.refusal(answer) {
        let detail =
            format!("invalid value of annotation {annotation}: the controller returns {status} for every request");
        explanation.breaks("annotation", detail, answer.location.as_ref().and_then(|it| it.ingress).and_then(yaml));
        explanation.ends(if status == 403 { RequestOutcome::Forbidden } else { RequestOutcome::Unavailable }, status);
        return;
    }
    answered(explanation, request, routes, answer, view);
    doubt(explanation, routes, answer.location.as_ref().and_then(|location| location.ingress));
}

/// Adds the steps of a TLS connection that the controller passes to a Service: no path, no annotation of a location and no
/// certificate of the controller counts (section 5.6).
fn passed_through<'a>(explanation: &mut Explanation, routes: &Routes<'a>, answer: &Answer<'a>, view: &ClusterView<'a>) {
    let Outcome::Backend { of, backend: resolved, .. } = &answer.outcome else { return };
    explanation.holds(
        "tls",
        "annotation ssl-passthrough: the backend of path \"/\" gets the TLS connection, whatever the path is",
    );
    backend(explanation, routes, of.0, resolved, view);
    if explanation.outcome == RequestOutcome::Unavailable {
        // The connection fails, without a response.
        explanation.ends(RequestOutcome::Unavailable, None);
    }
}

/// Adds the steps of the outcome.
fn answered<'a>(
    explanation: &mut Explanation,
    request: &RequestUrl,
    routes: &Routes<'a>,
    answer: &Answer<'a>,
    view: &ClusterView<'a>,
) {
    match &answer.outcome {
        Outcome::BadRequest => {
            explanation.breaks("path", "nginx cannot parse the path and returns 400 before routing", None);
            explanation.ends(RequestOutcome::BadRequest, 400);
        }
        Outcome::Redirect(status, why) => redirect(explanation, request, routes, answer, (*status, *why)),
        Outcome::DefaultBackend => {
            if answer.location.as_ref().is_none_or(|location| location.backend.is_none()) {
                nowhere(explanation, request, answer);
            }
            explanation.ends(RequestOutcome::DefaultBackend, 404);
        }
        // Explained above.
        Outcome::Unknown => {}
        Outcome::Broken => {
            explanation.breaks("rewrite", "rewrite-target results in an empty path: nginx returns 500", None);
            explanation.ends(RequestOutcome::Broken, 500);
        }
        Outcome::Backend { of, backend: resolved, path } => {
            if is_without_authentication_service(explanation, routes, answer, view) {
                return;
            }
            let target = request.target();
            let received = Received { scheme: request.scheme, host: &request.host, target: &target };
            let known = answer.location.as_ref().and_then(|location| routes.rewritten(location, received));
            rewrite(explanation, request, answer.location.as_ref(), known.as_ref().unwrap_or(path));
            backend(explanation, routes, of.0, resolved, view);
        }
    }
}

/// Adds a step if an annotation of an Ingress may change the answer in some versions, and that of the controller is unknown.
pub(super) fn doubt<'a>(explanation: &mut Explanation, routes: &Routes<'a>, ingress: Option<&'a Ingress>) {
    let Some((annotation, effect)) = ingress.and_then(|ingress| routes.loading(ingress).doubt) else { return };
    let effect = match effect {
        Effect::NotLoaded => "does not load the Ingress",
        Effect::Forbidden => "returns 403 for every request of the host",
        Effect::Unavailable => "returns 503 for every request",
        Effect::Ignored | Effect::Open => return,
    };
    let detail = format!("the controller {effect} because of {annotation}, in some versions or with some settings");
    explanation.unknown("annotation", detail);
    let may_change = matches!(
        explanation.outcome,
        RequestOutcome::Service | RequestOutcome::Redirect | RequestOutcome::DefaultBackend
    );
    if may_change {
        explanation.ends(RequestOutcome::Unknown, None);
    }
}

/// Adds a step if external authentication certainly fails (section 0).
fn is_without_authentication_service<'a>(
    explanation: &mut Explanation,
    routes: &Routes<'a>,
    answer: &Answer<'a>,
    view: &ClusterView<'a>,
) -> bool {
    let auth =
        answer.location.as_ref().and_then(|location| Some((location.ingress?, routes.authentication_of(location)?)));
    let Some((ingress, auth)) = auth else { return false };
    let name = if auth.is_global { "global-auth-url of the ConfigMap" } else { "annotation auth-url" };
    if routes.is_behind(auth, ingress, auth.url) == Ok(true) {
        let detail = format!("{name} asks a path behind the same authentication: every request returns 500");
        explanation.breaks("authentication", detail, yaml(ingress));
        explanation.ends(RequestOutcome::Broken, 500);
        return true;
    }
    let Some(AuthServiceFault { namespace, service, port }) = AuthServiceFault::of(auth.url, view) else {
        // The Ingress does not show it.
        if auth.is_global {
            explanation.holds("authentication", format!("{name} asks {} before each request", Quoted(auth.url)));
        }
        return false;
    };
    let what = port.map_or_else(|| "does not exist".to_owned(), |port| format!("has no port {port}"));
    let detail = format!("Service {namespace}/{service} of {name} {what}: every request returns 500");
    explanation.breaks("authentication", detail, kubectl(&["get", "services", "--namespace", namespace]));
    explanation.ends(RequestOutcome::Broken, 500);
    true
}

/// Adds a step if nginx rejects a server whose answer is unknown.
pub(super) fn is_refused(explanation: &mut Explanation, routes: &Routes<'_>, server: &Server<'_>) -> bool {
    explanation.controller = routes.controller().name().map(str::to_owned);
    host(explanation, routes, server, false);
    refuses(explanation, routes, server)
}

/// Adds a step if nginx rejects a server.
fn refuses(explanation: &mut Explanation, routes: &Routes<'_>, server: &Server<'_>) -> bool {
    if routes.controller().dialect.family != ControllerFamily::Nginx {
        return false;
    }
    let faults = server.config_errors(routes.budget()).unwrap_or_default();
    let Some(fault) = faults.first() else { return false };
    not_loaded(explanation, fault);
    true
}

/// nginx rejects the host, and with it every later Ingress change (section 2.8).
fn not_loaded(explanation: &mut Explanation, fault: &ConfigError<'_, '_>) {
    let location = fault.location();
    let whose = location.ingress.map_or_else(String::new, |it| format!(" of Ingress {}", it.meta.key));
    let detail = format!("rejects the configuration because of a path{whose}: {fault}");
    explanation.breaks("nginx", detail, location.ingress.and_then(yaml));
    explanation.ends(RequestOutcome::NotLoaded, None);
}

pub(super) fn class(explanation: &mut Explanation, routes: &Routes<'_>, answer: &Answer<'_>) {
    let ingress = answer.location.as_ref().and_then(|location| location.ingress);
    let ingress = ingress.or_else(|| answer.server.locations.iter().find_map(|location| location.ingress));
    let ingress = ingress.or_else(|| answer.server.dropped.first().map(|dropped| dropped.ingress));
    let class = match ingress.map(Ingress::class_ref) {
        Some(ClassRef::Named(name)) => format!("IngressClass {}", Quoted(name)),
        Some(ClassRef::Annotated(name)) => format!("class annotation {}", Quoted(name)),
        Some(ClassRef::Classless) => "no ingress class".to_owned(),
        None => "the class".to_owned(),
    };
    let controller = routes
        .controller()
        .name()
        .map_or_else(|| "handled by an unidentified controller".to_owned(), |name| format!("controller {name}"));
    if routes.controller().basis == Basis::Annotations {
        let detail = format!("{class} is not in the files; the annotations of the Ingress are for {controller}");
        explanation.unknown("class", detail);
    } else {
        explanation.holds("class", format!("{class}, {controller}"));
    }
    if routes.controller().dialect.family == ControllerFamily::Neutral {
        let rules = routes
            .controller()
            .known
            .map_or("the rules of Kubernetes".to_owned(), |known| format!("the documented rules of {}", known.product));
        explanation.notes.push(format!("traced by {rules}: the effect of settings of this controller is unknown"));
    }
}

pub(super) fn host(explanation: &mut Explanation, routes: &Routes<'_>, server: &Server<'_>, by_alias: bool) {
    let claims = routes.claims(&server.host, When::After).found().unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for claim in claims.iter() {
        let name = claim.ingress.meta.key.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let oldest_first = if names.len() > 1 { ", oldest first" } else { "" };
    let names = listed(&names);
    explanation.holds(
        "host",
        match &server.host {
            Host::Any if names.is_empty() => "no Ingress rule matches".to_owned(),
            Host::Any => format!("no Ingress rule matches; Ingresses without a host apply: {names}{oldest_first}"),
            host if by_alias => format!("{host} in Ingress {names}{oldest_first}, by an alias"),
            host => format!("{host} in Ingress {names}{oldest_first}"),
        },
    );
}

/// The first few of many.
fn listed(names: &[String]) -> String {
    const MOST: usize = 5;
    match names.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{} and {more} more", names[..MOST].join(", ")),
        _ => names.join(", "),
    }
}

fn path(explanation: &mut Explanation, routes: &Routes<'_>, server: &Server<'_>, location: &Location<'_>) {
    let Some(ingress) = location.ingress else { return };
    let key = &ingress.meta.key;
    explanation.ingress = Some(key.to_string());
    let is_nginx = routes.controller().dialect.family == ControllerFamily::Nginx;
    explanation.location = is_nginx.then(|| location.directive());
    let Some(at) = location.at else {
        if location.backend.is_some() {
            let field = FieldPath::spec().field("defaultBackend");
            explanation.field = Some(field.to_string());
            explanation.holds("path", format!("no path matches; {field} of Ingress {key} applies"));
        }
        return;
    };
    let field = at.field();
    explanation.field = Some(field.to_string());
    let as_nginx = if is_nginx { format!(", location {}", location.directive()) } else { String::new() };
    let regex_source = server.regex_source(ingress).filter(|of| is_nginx && of.meta.key != *key);
    let by = regex_source.map_or_else(String::new, |of| format!(", a regex because of Ingress {}", of.meta.key));
    let written = format!("{} {}", at.path.path_type.name(), Quoted(at.path.routed()));
    let losers: Vec<String> = server
        .dropped
        .iter()
        .filter(|dropped| {
            matches!(dropped.why, DroppedBecause::Duplicate(_)) && dropped.at.path.routed() == at.path.routed()
        })
        .map(|dropped| dropped.ingress.meta.key.to_string())
        .collect();
    let losers = if losers.is_empty() {
        String::new()
    } else {
        format!("; takes precedence over newer Ingress {}", listed(&losers))
    };
    explanation.holds("path", format!("Ingress {key} {field}: {written}{as_nginx}{by}{losers}"));
}

/// Adds the step of a request whose answer the documented rules do not settle.
fn unknown(explanation: &mut Explanation, routes: &Routes<'_>, answer: &Answer<'_>) {
    let of = routes.controller().known.map_or("this controller", |known| known.product);
    let path = answer.location.as_ref().and_then(|location| Some((location.ingress?, location.at?)));
    let Some((ingress, at)) = path else {
        let detail = "no path matches by the rules of Kubernetes, but the rules of this controller are unknown";
        return explanation.unknown("path", detail);
    };
    explanation.ingress = Some(ingress.meta.key.to_string());
    explanation.field = Some(at.field().to_string());
    let written = format!("{} {}", at.path.path_type.name(), Quoted(at.path.routed()));
    let of_ingress = format!("Ingress {} {}", ingress.meta.key, at.field());
    explanation.unknown("path", format!("{of_ingress}: {written} may match, the rules of {of} decide"));
}

fn nowhere(explanation: &mut Explanation, request: &RequestUrl, answer: &Answer<'_>) {
    let refused = answer.server.dropped.iter().find_map(|dropped| {
        let key = &dropped.ingress.meta.key;
        let why = match dropped.why {
            DroppedBecause::HostOf(winner) => {
                format!("the controller gives the host to Ingress {} alone, the oldest", winner.meta.key)
            }
            DroppedBecause::NoMaster => "it is a minion, and no Ingress is the master of the host".to_owned(),
            _ => return None,
        };
        covers(dropped.at, &request.path)
            .then(|| (format!("Ingress {key} has a path for this request, but {why}"), dropped.ingress))
    });
    let ingress = answer.server.locations.iter().find_map(|location| location.ingress);
    let command = ingress.and_then(yaml);
    // Beside rules without a host, `spec.defaultBackend` is not the fallback (section 2.3).
    let unused = ingress.filter(|it| it.default_backend.is_some() && answer.server.host == Host::Any);
    let unused = unused.map_or_else(String::new, |ingress| {
        format!("; spec.defaultBackend of Ingress {} does not apply to rules without a host", ingress.meta.key)
    });
    let (detail, command) = match refused {
        Some((detail, ingress)) => (detail, yaml(ingress)),
        None => (format!("no path of the host matches {}{unused}", Quoted(&request.path)), command),
    };
    explanation.breaks("path", detail, command);
}

/// The command that shows an Ingress.
fn yaml(ingress: &Ingress) -> Option<String> {
    let key = &ingress.meta.key;
    kubectl(&["get", "ingress", &key.name, "--namespace", &key.namespace, "--output=yaml"])
}

fn rewrite(explanation: &mut Explanation, request: &RequestUrl, location: Option<&Location<'_>>, path: &Rewritten) {
    match path {
        Rewritten::To(to) => {
            let to = escaped(to);
            let always = if location.is_some_and(is_rewritten_alike) { ", whatever path is requested" } else { "" };
            explanation.holds("rewrite", format!("the backend receives path {}{always}", Quoted(&to)));
            explanation.upstream_path = Some(to);
        }
        Rewritten::Variable => {
            explanation.holds("rewrite", "the path that the backend receives depends on a variable of the request");
        }
        Rewritten::Untouched | Rewritten::Redirect(_) | Rewritten::Empty => {
            explanation.upstream_path = Some(request.path.clone());
        }
    }
}

/// Returns whether a location rewrites many paths to the same one.
fn is_rewritten_alike(location: &Location<'_>) -> bool {
    let is_fixed = location.target.is_some_and(|target| pieces(target).all(|it| matches!(it, Piece::Literal(_))));
    let is_one_path =
        location.at.is_some_and(|at| at.path.path_type == PathType::Exact) || location.path.ends_with('$');
    is_fixed && (!is_one_path || is_plainly_regex(location.path.trim_end_matches('$')))
}
