//! The values of files that contain placeholders, and the flags that substitute them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::counted;

/// The values that another program substitutes before the files are applied. What depends on them is not evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unsubstituted {
    /// The number of values.
    pub values: usize,
    /// The number of Ingresses with such values.
    pub ingresses: usize,
    /// The variables in them.
    pub variables: BTreeSet<String>,
}

/// The most variables that the summary names.
const SHOWN: usize = 5;

impl Unsubstituted {
    /// Returns the lines of the summary.
    #[must_use]
    pub fn lines(&self) -> [String; 2] {
        let Self { values, ingresses, variables } = self;
        let (values, ingresses) = (counted(*values, "value"), counted(*ingresses, "Ingress"));
        let names: Vec<&str> = variables.iter().map(|name| &**name).take(SHOWN).collect();
        let which = match variables.len().saturating_sub(SHOWN) {
            _ if names.is_empty() => String::new(),
            0 => format!(": {}", names.join(", ")),
            more => format!(": {} and {more} more", names.join(", ")),
        };
        let advice = match variables.first() {
            Some(name) => format!("substitute them with --set-var {name}=VALUE, or with --vars-from FILE"),
            None => "render the templates before check".to_owned(),
        };
        [format!("not substituted: {values} of {ingresses}{which}"), advice]
    }
}
