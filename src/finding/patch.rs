//! Patches that fix a finding.

use serde::Serialize;
use serde_json::Value;

use crate::model::FieldPath;

/// An RFC 6902 patch that fixes the finding. It begins with a `test`, so that it never applies to an object other than the
/// one that was evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Patch(Vec<PatchOperation>);

/// One step of a [`Patch`]. Paths are JSON pointers (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum PatchOperation {
    /// Continue only if `path` has `value`.
    Test {
        /// The field.
        path: String,
        /// The value that it must have.
        value: Value,
    },
    /// Add `value` at `path`, which did not exist.
    Add {
        /// The field.
        path: String,
        /// The new value.
        value: Value,
    },
    /// Remove `path`.
    Remove {
        /// The field.
        path: String,
    },
    /// Replace the value at `path` with `value`.
    Replace {
        /// The field.
        path: String,
        /// The new value.
        value: Value,
    },
}

impl Patch {
    /// Creates a patch for an object in which `field` has `value`.
    #[must_use]
    pub fn on(field: &FieldPath, value: impl Into<Value>) -> Self {
        Self(vec![PatchOperation::Test { path: field.pointer(), value: value.into() }])
    }

    /// Returns the steps in order.
    #[must_use]
    pub fn operations(&self) -> &[PatchOperation] {
        &self.0
    }

    /// Appends a step that adds `value` at `field`.
    #[must_use]
    pub fn add(mut self, field: &FieldPath, value: impl Into<Value>) -> Self {
        self.0.push(PatchOperation::Add { path: field.pointer(), value: value.into() });
        self
    }

    /// Appends a step that removes `field`.
    #[must_use]
    pub fn remove(mut self, field: &FieldPath) -> Self {
        self.0.push(PatchOperation::Remove { path: field.pointer() });
        self
    }

    /// Appends a step that replaces the value of `field` with `value`.
    #[must_use]
    pub fn replace(mut self, field: &FieldPath, value: impl Into<Value>) -> Self {
        self.0.push(PatchOperation::Replace { path: field.pointer(), value: value.into() });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_begins_with_a_test() {
        let field = FieldPath::spec().field("ingressClassName");
        let patch = Patch::on(&field, "ngnix").replace(&field, "nginx");
        assert_eq!(
            serde_json::to_string(&patch).unwrap(),
            r#"[{"op":"test","path":"/spec/ingressClassName","value":"ngnix"},{"op":"replace","path":"/spec/ingressClassName","value":"nginx"}]"#
        );
    }
}
