//! What configuration says to checks.

use crate::routing::{ClassRules, Dialects};

/// What configuration says to checks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which classes are served.
    pub classes: ClassRules,
    /// Whose rules hold for which class.
    pub dialects: Dialects,
    /// Whether messages may name objects of other namespaces.
    pub reveal_other_namespaces: bool,
    /// From how many days before its end a certificate is worth a word.
    pub expiry_warning_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            classes: ClassRules::default(),
            dialects: Dialects::default(),
            reveal_other_namespaces: true,
            expiry_warning_days: 14,
        }
    }
}
