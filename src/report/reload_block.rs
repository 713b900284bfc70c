//! The Ingress that stops a controller, in the report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::routing::ReloadBlock;

/// An Ingress for which a controller loads no change of any Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReloadBlockEntry {
    /// Namespace of the Ingress.
    pub namespace: Box<str>,
    /// Name of the Ingress.
    pub ingress: Box<str>,
    /// The reason and its effect.
    pub message: String,
}

impl From<ReloadBlock> for ReloadBlockEntry {
    fn from(block: ReloadBlock) -> Self {
        Self { message: block.to_string(), namespace: block.ingress.namespace, ingress: block.ingress.name }
    }
}
