//! The bounds of a check: its budget, and path matching that is left out for an Ingress with too many hosts and paths.

use super::Context;
use crate::budget::{Budget, BudgetExceeded};
use crate::routing::Pattern;

impl Context<'_> {
    /// Sets whether the Ingress has too many hosts and paths to match paths with requests.
    #[must_use]
    pub fn oversized(mut self, is_oversized: bool) -> Self {
        self.is_oversized = is_oversized;
        self
    }

    /// Returns whether paths are compared with requests. If not, the check counts as not evaluated.
    pub(super) fn matches_paths(&self) -> bool {
        if self.is_oversized {
            self.left_out_matching.set(true);
        }
        !self.is_oversized
    }

    /// Returns true if the check has left path matching out.
    #[must_use]
    pub fn left_out_matching(&self) -> bool {
        self.left_out_matching.get()
    }

    /// Returns the answer, or `None` if the budget for path matching is exceeded. The check then counts as not evaluated.
    pub fn weighed<T>(&self, answer: Result<T, BudgetExceeded>) -> Option<T> {
        if answer.is_err() {
            self.exceeded_budget.set(true);
        }
        answer.ok()
    }

    /// Returns the answer to a question about the content of the Ingress itself, or `None` as [`Context::weighed`] does. If the check
    /// cannot be waived, the Ingress is then too costly to evaluate.
    pub fn weighed_own<T>(&self, work: impl FnOnce(&Budget) -> Result<T, BudgetExceeded>) -> Option<T> {
        let budget = self.routes().budget();
        let answer = budget.for_own(|| work(budget));
        if answer.is_err() {
            self.exceeded_by_own.set(true);
        }
        answer.ok()
    }

    /// Returns true if [`Context::weighed_own`] had no answer.
    #[must_use]
    pub fn exceeded_by_own(&self) -> bool {
        self.exceeded_by_own.get()
    }

    /// Returns a path of the Ingress as nginx compiles it, or nothing if it is invalid or the budget is exceeded.
    pub(super) fn pattern(&self, path: &str) -> Option<Pattern> {
        let budget = self.routes().budget();
        budget.for_own(|| Pattern::location(path, budget)).ok()
    }

    /// Returns true if the budget for path matching was exceeded.
    #[must_use]
    pub fn exceeded_budget(&self) -> bool {
        self.exceeded_budget.get() || self.exceeded_by_own.get()
    }
}
