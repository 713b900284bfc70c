//! The warning on a write that its controller does not load, because another Ingress stops it.

use super::{Case, Reviewer};
use crate::budget::Budget;
use crate::checks::CONTROLLER_BLOCKED;
use crate::cluster::{ClusterState, ClusterView};
use crate::finding::{Finding, Level, Levels};
use crate::model::FieldPath;
use crate::routing::Controllers;

impl Reviewer {
    /// Returns the finding on a write that is stored. The Ingress that stops the controller is known before: no other Ingress is
    /// evaluated.
    pub(super) fn blocked(&self, case: &Case<'_>, known: ClusterState<'_>) -> Option<Finding> {
        let blocks = self.reload_blocks.load();
        if blocks.all().is_empty() || case.request.is_dry_run() {
            return None;
        }
        let settings = case.rules.engine.settings();
        let budget = Budget::new(&case.place.allowance(), 0);
        let view = ClusterView::unrestricted(known).within(&budget);
        let dialects = settings.dialects.with_observed_settings(&view);
        let controllers = Controllers::new(&view, &settings.classes, &dialects);
        let block = blocks.of(case.ingress, controllers, known.store)?;
        let is_own = block.ingress.namespace == case.ingress.meta.key.namespace;
        let warning = block.warning(is_own || settings.reveal_other_namespaces);
        let mut finding = Finding::new(CONTROLLER_BLOCKED.code, FieldPath::spec(), "blocked", warning.as_str());
        finding.at_most(Levels::both(Level::Warn)).shared_warning(warning);
        Some(finding)
    }
}
