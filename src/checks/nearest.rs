//! Suggestions for misspelt names in messages.

use super::Context;
use crate::model::suggest;

impl Context<'_> {
    /// Returns the name that `wanted` most likely means. Searches the first 1000 names, for the first few misspelt names of
    /// an Ingress only: an Ingress can hold five thousand of them.
    pub fn nearest<'n>(&self, wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        const MAX_NAMES: usize = 1000;
        self.takes_hint().then(|| suggest::nearest(wanted, names.take(MAX_NAMES))).flatten()
    }

    /// Uses up one of the suggestions of this check; returns false if none is left.
    pub fn takes_hint(&self) -> bool {
        let left = self.hints_left.get().checked_sub(1);
        self.hints_left.set(left.unwrap_or_default());
        left.is_some()
    }
}
