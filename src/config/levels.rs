//! Checks by code or name, with their levels.

use std::collections::BTreeMap;

use super::error::ConfigFault;
use crate::checks::{self, Check};
use crate::finding::Level;
use crate::model::suggest;
use crate::policy::Overrides;

pub(super) fn overrides(key: &str, levels: BTreeMap<String, Level>) -> Result<Overrides, ConfigFault> {
    let mut overrides = BTreeMap::new();
    for (name, level) in levels {
        let unknown = || ConfigFault { key: key.to_owned(), message: unknown_check(&name) };
        let check = checks::find(&name).ok_or_else(unknown)?;
        if overrides.insert(check.code, level).is_some() {
            let message = format!("{} {} is set twice, by code and by name", check.code, check.name);
            return Err(ConfigFault { key: key.to_owned(), message });
        }
    }
    Ok(Overrides(overrides))
}

/// The error message for a name that is neither the code nor the name of a check, with a suggestion.
pub(crate) fn unknown_check(name: &str) -> String {
    let hint = nearest_check(name).unwrap_or_else(|| "run \"ingress-guard checks\" for the list".to_owned());
    format!("unknown check {name:?}; {hint}")
}

/// Suggests the check that a name most likely means.
pub(crate) fn nearest_check(name: &str) -> Option<String> {
    suggest::did_you_mean(name, checks::ALL.iter().flat_map(|check: &&Check| [check.code, check.name]))
}
