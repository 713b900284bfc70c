//! Labels and label selectors.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::key_text::stored;

/// The labels of an object, or those that a selector requires.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "BTreeMap<Box<str>, Option<Box<str>>>")]
pub struct Labels(Box<[(Arc<str>, Box<str>)]>);

impl Labels {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether a Service with this selector selects pods with those labels. A Service without a selector selects none
    /// (`spec.selector` of a Service).
    #[must_use]
    pub fn select(&self, labels: &Self) -> bool {
        !self.is_empty() && self.0.iter().all(|wanted| labels.0.binary_search(wanted).is_ok())
    }
}

impl From<BTreeMap<Box<str>, Option<Box<str>>>> for Labels {
    /// `null` is the empty text, as for Go.
    fn from(labels: BTreeMap<Box<str>, Option<Box<str>>>) -> Self {
        Self(labels.into_iter().map(|(name, value)| (stored(&name), value.unwrap_or_default())).collect())
    }
}

impl From<BTreeMap<Box<str>, Box<str>>> for Labels {
    fn from(labels: BTreeMap<Box<str>, Box<str>>) -> Self {
        Self(labels.into_iter().map(|(name, value)| (stored(&name), value)).collect())
    }
}

impl fmt::Display for Labels {
    /// `app=web,tier=front`, the form of kubectl's `-l`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_selector_matches_objects_with_all_its_labels() {
        let web = labels(r#"{"app": "web", "tier": "front", "empty": null}"#);
        for selector in [r#"{"app": "web"}"#, r#"{"tier": "front", "app": "web"}"#, r#"{"empty": ""}"#] {
            assert!(labels(selector).select(&web), "{selector}");
        }
        for selector in ["{}", r#"{"app": "api"}"#, r#"{"app": "web", "zone": "a"}"#, r#"{"zone": ""}"#] {
            assert!(!labels(selector).select(&web), "{selector}");
        }
        assert_eq!(web.to_string(), "app=web,empty=,tier=front");
    }
}
