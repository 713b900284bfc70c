//! A path of a canary: it shares the location of a main Ingress, which serves the other requests (section 7.1).

use super::backend::backend;
use super::path::{class, doubt, host};
use super::trail::Explanation;
use crate::cluster::ClusterView;
use crate::finding::Quoted;
use crate::model::{Ingress, PathRef};
use crate::routing::{Answer, Location, NginxAnnotations, Routes};

/// The annotations that select requests for a canary.
const SELECTORS: [&str; 3] = ["canary-by-header", "canary-by-cookie", "canary-weight"];

/// Adds the steps of a canary path if a main Ingress has the same path and the controller serves both; returns whether it does.
pub(super) fn share<'a>(
    explanation: &mut Explanation,
    routes: &Routes<'a>,
    answer: &Answer<'a>,
    (canary, at): (&'a Ingress, PathRef<'a>),
    view: &ClusterView<'a>,
) -> bool {
    let is_loaded = routes.loading(canary).not_loaded.is_none() && routes.refusal(answer).is_none();
    if !routes.controller().dialect.family.reads_nginx_annotations() || !is_loaded {
        return false;
    }
    let Some(Location { ingress: Some(main), .. }) = answer.server.shared_with(at) else { return false };
    let annotations = NginxAnnotations::of(canary);
    let of = |name: &str| annotations.value(name).map(|value| format!("{name} {}", Quoted(value)));
    let selectors: Vec<String> = SELECTORS.iter().filter_map(|name| of(name)).collect();
    explanation.controller = routes.controller().name().map(str::to_owned);
    class(explanation, routes, answer);
    host(explanation, routes, &answer.server, false);
    explanation.ingress = Some(canary.meta.key.to_string());
    explanation.field = Some(at.field().to_string());
    let key = &main.meta.key;
    let shared = format!("shares the path of main Ingress {key}");
    if selectors.is_empty() {
        explanation.breaks("canary", format!("{shared}, but no annotation selects requests for it"), None);
    } else {
        explanation.holds("canary", format!("{shared}; {} selects its requests", selectors.join(", ")));
    }
    backend(explanation, routes, canary, &at.path.backend, view);
    doubt(explanation, routes, Some(main));
    doubt(explanation, routes, Some(canary));
    true
}
