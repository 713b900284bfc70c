//! Traces an Ingress: a sample request for each of its paths.

use std::fmt::Write as _;

use serde::Serialize;

use super::found;
use super::reload::ReloadBlocks;
use super::request::RequestUrl;
use super::trail::{Explanation, Found, ReadyBackend, RequestOutcome, SCHEMA_VERSION, exit_code};
use super::url::{Whose, explain};
use crate::analysis::Analysis;
use crate::budget::Budget;
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView, Lookup};
use crate::model::{Backend, Ingress, PathRef, PathType, PortRef};
use crate::routing::{
    Controllers, Location, NginxAnnotations, Routes, Scheme, When, is_plainly_regex, path_samples, pattern_samples,
    redirects_alike, sample_host,
};

/// The most paths that are traced.
const MOST: usize = 200;

/// The traced paths of an Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressExplanation {
    /// The version of this format.
    pub schema_version: u32,
    /// `namespace/name`
    pub ingress: String,
    /// The paths in order.
    pub paths: Vec<PathExplanation>,
    /// The number of paths beyond the limit, which are not traced.
    pub left_out: usize,
    /// The findings, highest level first.
    pub findings: Vec<Found>,
    /// The checks that were not evaluated, each with the reason.
    pub not_evaluated: Vec<NotEvaluatedCheck>,
}

/// A check that was not evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotEvaluatedCheck {
    /// The check's code.
    pub code: &'static str,
    /// The reason.
    pub reason: String,
}

/// The traced sample request of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathExplanation {
    /// The field of the Ingress.
    pub field: String,
    /// The host of the rule; `*` is any host.
    pub host: String,
    /// The path as written.
    pub path: String,
    /// `pathType`
    pub path_type: &'static str,
    /// Whether this path matches the sample request, or another one with the same effect; otherwise `explanation` has the matching one.
    pub own: bool,
    /// The code of the finding by which the path does not serve the requests that it is intended for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_by: Option<&'static str>,
    /// The traced sample request; `None` if no request certainly matches the path.
    pub explanation: Option<Explanation>,
}

impl PathExplanation {
    /// Whether requests for this path certainly fail, or match another path.
    fn is_broken(&self) -> bool {
        let is_elsewhere = |explanation: &Explanation| !self.own && explanation.outcome != RequestOutcome::Unknown;
        self.broken_by.is_some()
            || self.explanation.as_ref().is_some_and(|explanation| explanation.is_broken() || is_elsewhere(explanation))
    }

    /// Whether requests for this path are served by it.
    fn is_served(&self) -> bool {
        self.own && self.broken_by.is_none() && self.explanation.as_ref().is_none_or(Explanation::is_served)
    }
}

impl IngressExplanation {
    /// 0 if requests for every path are served, 1 if those for some path certainly fail, 2 if the result is unknown.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let is_served = self.paths.iter().all(PathExplanation::is_served);
        exit_code(is_served, self.paths.iter().any(PathExplanation::is_broken))
    }
}

/// Traces every path of an analyzed Ingress.
#[must_use]
pub fn explain_ingress(analysis: &Analysis<'_>, known: ClusterState<'_>, settings: &Settings) -> IngressExplanation {
    let ingress = analysis.ingress;
    let key = ingress.meta.key.to_string();
    let findings = found::all(analysis);
    let not_evaluated = analysis.not_evaluated.iter();
    let blocks = ReloadBlocks::of_one();
    let paths = ingress.paths().take(MOST).map(|at| {
        let mut path = path(&key, ingress, at, known, settings, &blocks);
        path.broken_by = findings.iter().find(|found| found.breaks(&path.field)).map(|found| found.code);
        path
    });
    IngressExplanation {
        schema_version: SCHEMA_VERSION,
        paths: paths.collect(),
        left_out: ingress.paths().count().saturating_sub(MOST),
        findings,
        not_evaluated: not_evaluated
            .map(|it| NotEvaluatedCheck { code: it.check.code, reason: it.why.text() })
            .collect(),
        ingress: key,
    }
}

/// Returns requests that the path is intended to match on its controller.
fn samples(ingress: &Ingress, at: PathRef<'_>, known: ClusterState<'_>, settings: &Settings) -> Vec<String> {
    let view = ClusterView::unrestricted(known);
    sample_requests(ingress, at, Controllers::new(&view, &settings.classes, &settings.dialects))
}

/// Returns requests that a path is intended to match on its controller, as a request line has them.
#[must_use]
pub fn sample_requests(ingress: &Ingress, at: PathRef<'_>, controllers: Controllers<'_>) -> Vec<String> {
    let controller = controllers.of(ingress);
    let reads_nginx_annotations = controller.dialect.family.reads_nginx_annotations();
    if !reads_nginx_annotations && controller.known.is_some() {
        return vec![controller.meaning(ingress, at.path).sample()];
    }
    let mut samples = path_samples(at);
    if reads_nginx_annotations && !is_plainly_regex(at.path.routed()) {
        samples.extend(pattern_samples(at.path.routed(), &Budget::default()).unwrap_or_default());
    }
    samples.iter().map(|sample| as_sent(sample)).collect()
}

/// Returns whether a request reaches the backend of a path, by whatever path of its Ingress.
fn is_same_backend(explanation: &Explanation, at: PathRef<'_>) -> bool {
    let Some(ReadyBackend { service, port, .. }) = &explanation.backend else { return false };
    let Backend::Service { name, port: own } = &*at.path.backend else { return false };
    let own = own.as_ref().map(PortRef::plain);
    *service == **name && *port == own
}

/// Returns whether the path of another Ingress takes a request for a path that has a location, and answers it alike.
fn is_taken_alike<'a>(
    explanation: &Explanation,
    (ingress, at): (&'a Ingress, PathRef<'a>),
    known: ClusterState<'a>,
    settings: &Settings,
) -> bool {
    let view = ClusterView::unrestricted(known);
    let dialects = settings.dialects.with_observed_settings(&view);
    let controllers = Controllers::new(&view, &settings.classes, &dialects);
    let controller = controllers.of(ingress);
    let routes = Routes::of(controllers, controller, None);
    let Lookup::Found(server) = routes.server(&at.rule.host, When::After) else { return false };
    let takes_it = |location: &Location<'_>| {
        location.ingress.map(|of| of.meta.key.to_string()) == explanation.ingress
            && location.at.map(|at| at.field().to_string()) == explanation.field
    };
    let is_alike = |location: &Location<'_>| takes_it(location) && location.is_equivalent(ingress, at);
    controller.dialect.family.reads_nginx_annotations()
        && routes.loading(ingress).refusal.is_none()
        && server.locates(at)
        && server.locations.iter().any(is_alike)
}

/// Returns whether the path that takes a request has the text and type of this one.
fn is_repeated(explanation: &Explanation, ingress: &Ingress, at: PathRef<'_>) -> bool {
    let taking = ingress.paths().find(|of| Some(&*of.field().to_string()) == explanation.field.as_deref());
    let is_exact = |at: PathRef<'_>| at.path.path_type == PathType::Exact;
    taking.is_some_and(|of| of.path.routed() == at.path.routed() && is_exact(of) == is_exact(at))
}

/// Returns whether a controller that reads nginx annotations has a location for a path; `None` for others, and if that is unknown.
fn has_location<'a>(
    (ingress, at): (&'a Ingress, PathRef<'a>),
    known: ClusterState<'a>,
    settings: &Settings,
) -> Option<bool> {
    let view = ClusterView::unrestricted(known);
    let dialects = settings.dialects.with_observed_settings(&view);
    let controllers = Controllers::new(&view, &settings.classes, &dialects);
    let controller = controllers.of(ingress);
    let routes = Routes::of(controllers, controller, None);
    let reads_annotations = controller.dialect.family.reads_nginx_annotations();
    match routes.server(&at.rule.host, When::After) {
        Lookup::Found(server) if reads_annotations => Some(server.locates(at)),
        Lookup::Absent if reads_annotations => Some(false),
        _ => None,
    }
}

/// Returns whether a request is redirected to the path with a slash.
fn adds_slash(explanation: &Explanation) -> bool {
    explanation.redirect.as_ref().is_some_and(|to| *to == format!("{}/", explanation.url))
}

/// Returns whether a request is redirected to another path of its host, by `app-root` or to the path with a slash.
fn is_detour(explanation: &Explanation) -> bool {
    explanation.outcome == RequestOutcome::Redirect && (explanation.ingress.is_none() || adds_slash(explanation))
}

/// Encodes the characters of a path that a request line cannot contain.
fn as_sent(path: &str) -> String {
    let mut sent = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic() {
            sent.push(char::from(byte));
        } else {
            let _ = write!(sent, "%{byte:02X}");
        }
    }
    sent
}

fn path<'a>(
    key: &str,
    ingress: &'a Ingress,
    at: PathRef<'a>,
    known: ClusterState<'a>,
    settings: &Settings,
    blocks: &ReloadBlocks,
) -> PathExplanation {
    let field = at.field().to_string();
    let scheme = if ingress.tls.is_empty() { Scheme::Http } else { Scheme::Https };
    let has_no_location = || has_location((ingress, at), known, settings) == Some(false);
    let is_own = |explanation: &Explanation| {
        let took_it = explanation.ingress.as_deref() == Some(key);
        match explanation.outcome {
            // A path with a location of its own gets no slash.
            RequestOutcome::Redirect if adds_slash(explanation) => false,
            // `app-root` redirects the root of a host, also if another Ingress defines it. A host without a server may redirect to another.
            RequestOutcome::Redirect => {
                let annotations = NginxAnnotations::of(ingress);
                let is_for_all = *at.path.backend == Backend::Resource && annotations.redirects_everything();
                // A capture group is another one where the regex of another path matches.
                let is_of_another = explanation.field.as_deref() != Some(&field)
                    && annotations.redirects_everything()
                    && !redirects_alike(annotations);
                (took_it || explanation.ingress.is_none()) && !is_of_another && (is_for_all || !has_no_location())
            }
            _ if took_it && explanation.field.as_deref() == Some(&field) => true,
            RequestOutcome::Service if !is_same_backend(explanation, at) => false,
            RequestOutcome::Service if took_it => !has_no_location() || is_repeated(explanation, ingress, at),
            RequestOutcome::Service => is_taken_alike(explanation, (ingress, at), known, settings),
            _ => false,
        }
    };
    // Whether a path such as `/wiki/(a)` is meant literally is not known.
    let text = at.path.routed();
    let may_be_regex = text.contains(|c| "\\^$|?*+()[]{}".contains(c)) && !is_plainly_regex(text);
    let explained = |scheme: Scheme, path: &str| {
        let host = sample_host(&at.rule.host);
        let request = RequestUrl { scheme, host, path: path.to_owned(), query: None, notes: Vec::new() };
        explain(&request, known, settings, Whose::Path(ingress, at), blocks).ok()
    };
    let mut explained = samples(ingress, at, known, settings).into_iter().filter_map(|path| {
        let first = explained(scheme, &path)?;
        if scheme == Scheme::Https || first.outcome != RequestOutcome::Redirect {
            return Some(first);
        }
        // After a redirect to HTTPS, the client sends the request again.
        let again = explained(Scheme::Https, &path).filter(|again| again.outcome != RequestOutcome::Redirect);
        again.or(Some(first))
    });
    // A more specific path may take a request and leave others to this one. A redirect to another path of the host may lead to any
    // path, so it decides only if every sample gets one.
    let (mut other, mut detour) = (None, None);
    let decisive = explained.find_map(|explanation| {
        match () {
            () if is_detour(&explanation) => detour = detour.take().or(Some(explanation)),
            () if is_own(&explanation) => return Some(explanation),
            () => other = other.take().or(Some(explanation)),
        }
        None
    });
    let explanation = decisive.or_else(|| match other {
        Some(other) => {
            let is_certain = !may_be_regex
                || other.blocked_by.is_some()
                || other.outcome == RequestOutcome::NotLoaded
                || has_no_location();
            is_certain.then_some(other)
        }
        None => detour,
    });
    PathExplanation {
        own: explanation.as_ref().is_none_or(is_own),
        broken_by: None,
        field,
        host: at.rule.host.to_string(),
        path: at.path.path.to_string(),
        path_type: at.path.path_type.name(),
        explanation,
    }
}
