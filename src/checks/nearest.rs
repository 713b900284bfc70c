//! "Did you mean …?"

use super::Context;

impl Context<'_> {
    /// The name that `wanted` was most likely meant to be.
    pub fn nearest<'n>(&self, wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        const NAMES: usize = 1000;
        const LENGTH: usize = 64;
        if wanted.len() > LENGTH {
            return None;
        }
        self.hints_left.set(self.hints_left.get().checked_sub(1)?);
        let mistakes = (wanted.chars().count() / 3).clamp(1, 3);
        let alike = names.take(NAMES).filter(|name| name.len().abs_diff(wanted.len()) <= 2 * mistakes);
        let scored = alike.map(|name| (strsim::damerau_levenshtein(wanted, name), name));
        scored.filter(|(distance, _)| *distance <= mistakes).min().map(|(_, name)| name)
    }
}
