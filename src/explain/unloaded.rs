//! Ingresses that the controller does not load because of an annotation: section 7.0.

use super::trail::{Explanation, RequestOutcome, Step, kubectl};
use crate::model::Ingress;

/// The most Ingresses that notes name.
const MOST: usize = 3;

/// An Ingress that may serve the host and that the controller does not load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unloaded<'a> {
    pub(super) ingress: &'a Ingress,
    /// The annotation, without its prefix.
    pub(super) annotation: &'static str,
}

/// Adds a note for each of these Ingresses, and a failed step if no other Ingress takes the request.
pub(super) fn without(explanation: &mut Explanation, unloaded: &[Unloaded<'_>]) {
    for Unloaded { ingress, annotation } in unloaded.iter().take(MOST) {
        let key = &ingress.meta.key;
        explanation.notes.push(format!(
            "the controller does not load Ingress {key} because of annotation {annotation}: this is the answer without it; \
             until the controller restarts it may be the one from before the change"
        ));
    }
    let Some(Unloaded { ingress, annotation }) = unloaded.first() else { return };
    if explanation.outcome == RequestOutcome::DefaultBackend && explanation.backend.is_none() {
        let key = &ingress.meta.key;
        let detail = format!("the controller does not load Ingress {key}: annotation {annotation} is invalid");
        let command = kubectl(&["get", "ingress", &key.name, "--namespace", &key.namespace, "--output=yaml"]);
        let at = explanation.steps.iter().position(|step| step.ok == Some(false)).unwrap_or(explanation.steps.len());
        explanation.steps.insert(at, Step { ok: Some(false), what: "loading", detail, command });
    }
}
