//! IG207: ingress-nginx ignores resource backends.

use crate::checks::findings::WARN;
use crate::checks::request::result;
use crate::checks::routed_paths::{ROUTES, of_host};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Backend, Kinds, PathRef};
use crate::routing::{Answer, OptionalBackend, Outcome, Redirect, Scheme, When, plain_samples};

pub(crate) static RESOURCE_BACKEND_UNSERVED: Check = Check {
    code: "IG207",
    name: "resource-backend-unserved",
    summary: "the backend is a `resource`, which ingress-nginx ignores",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("resource_backend_unserved.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let doubt = OptionalBackend::of_every_backend(cx.ingress, &cx.controller);
    for at in cx.ingress.backends().filter(|at| *at.backend == Backend::Resource) {
        // A location redirects before nginx selects a backend. A path without a location does not.
        let is_redirected = |path| {
            let is_redirect = |answer: Answer<'_>| {
                matches!(answer.outcome, Outcome::Redirect(_, Redirect::Annotated | Redirect::Target))
            };
            answer(cx, path).is_none_or(is_redirect)
        };
        if cx.nginx().redirects_everything() && at.path.is_none_or(is_redirected) {
            continue;
        }
        let message = match at.path {
            None => format!("ingress-nginx ignores resource backends: {}", effects::UNMATCHED_NOT_FOUND),
            Some(path) => {
                let instead = instead(cx, path)
                    .unwrap_or_else(|| "returns 404 or goes to the backend of another path".to_owned());
                format!("ingress-nginx ignores resource backends: {} {instead}", Quoted(path.path.routed()))
            }
        };
        let finding = out.add(at.field().field("resource"), format!("{} resource", at.subject()), message);
        of_host(cx, finding).help("use a Service, or a class whose controller supports resources");
        if doubt.is_some() {
            finding.at_most(WARN);
        }
    }
}

/// Returns the response for a path without a location, from the other locations of the host (section 2.4).
fn instead(cx: &Context<'_>, path: PathRef<'_>) -> Option<String> {
    Some(result(cx, &answer(cx, path)?))
}

fn answer<'a>(cx: &Context<'a>, path: PathRef<'_>) -> Option<Answer<'a>> {
    let server = cx.server(&path.rule.host, When::After).found()?;
    let sample = plain_samples(path.path.routed(), path.path.path_type).into_iter().next()?;
    cx.weighed(cx.routes().answer_on(&server, Scheme::Https, &sample, When::After))
}
