//! A part of the repository that Flux or Argo CD applies.

use serde_json::Value;

/// A part of the repository that Flux or Argo CD applies.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Deployment {
    /// The directory below the root of the repository.
    pub(super) path: String,
    /// The namespace of objects without one.
    pub(super) namespace: Option<String>,
    /// Whether it changes the objects in a way that is not known here, such as patches.
    pub(super) is_changed: bool,
    /// Whether files in directories below are not applied.
    pub(super) is_flat: bool,
    /// The name of the release, if the directory is a chart.
    pub(super) release: String,
    /// Values files below the root of the repository.
    pub(super) values_files: Vec<String>,
    /// Whether values files that do not exist are left out.
    pub(super) may_lack_values: bool,
    /// Values in the manifest, as YAML.
    pub(super) inline: Option<String>,
    /// Why it is not rendered.
    pub(super) refusal: Option<String>,
}

/// Values of a manifest as YAML, of which JSON is a part.
pub(super) fn inline(values: Option<&Value>) -> Option<String> {
    match values? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        values => Some(values.to_string()),
    }
}
