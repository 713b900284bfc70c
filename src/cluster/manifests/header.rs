//! What documents and items of lists have in common: version, kind, labels and annotations.

use serde_json::Value;

use crate::model::Kind;
use crate::validation::ApiVersion;
use crate::yaml::{Invalid, Node, Scalar, Step};

/// Version and kind of a document or item.
#[derive(Default, Clone, Copy)]
pub(super) struct Header<'t> {
    /// `apiVersion`.
    pub(super) api_version: Option<&'t str>,
    /// `kind`.
    pub(super) kind: Option<&'t str>,
}

impl<'t> Header<'t> {
    /// Reads those of a node.
    pub(super) fn of(node: Node<'t>) -> Self {
        let text = |name| node.get(name).and_then(Node::text);
        Self { api_version: text("apiVersion"), kind: text("kind") }
    }

    /// Whether this is a list: `List`, or a typed list such as `IngressList`, whose items may lack their kind. Other
    /// kinds can end in `List` without being lists.
    pub(super) fn is_list(self) -> bool {
        let item = self.kind.and_then(|kind| kind.strip_suffix("List"));
        item.is_some_and(|item| item.is_empty() || Kind::ALL.iter().any(|kind| kind.name() == item))
    }

    /// Completes those of an item of a list.
    pub(super) fn or_item_of(self, list: Self) -> Self {
        let item = list.kind.and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
        Self { kind: self.kind.or(item), api_version: self.api_version.or(list.api_version) }
    }

    /// Whether this is an Ingress in any API version.
    pub(super) fn is_ingress(self) -> bool {
        self.api_version.zip(self.kind).is_some_and(|(version, kind)| ApiVersion::named(version, kind).is_some())
    }

    /// Adds to an item of a list what only the list states.
    pub(super) fn completed(self, mut item: Value) -> Value {
        if let Some(fields) = item.as_object_mut() {
            for (name, text) in [("apiVersion", self.api_version), ("kind", self.kind)] {
                fields.entry(name).or_insert_with(|| text.unwrap_or_default().into());
            }
        }
        item
    }

    /// The kind, if checks read it.
    pub(super) fn known_kind(self) -> Option<Kind> {
        let kind = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == self.kind)?;
        let version = match kind.group() {
            "" => self.api_version,
            group => self.api_version?.strip_prefix(group)?.strip_prefix('/'),
        };
        (version == Some(kind.version())).then_some(kind)
    }
}

/// Checks that the values of annotations and labels are texts, also of those that no check reads: the API server refuses others.
pub(super) fn texts(node: Node<'_>) -> Result<(), Invalid> {
    for field in ["annotations", "labels"] {
        let Some(map) = node.get("metadata").and_then(|metadata| metadata.get(field)) else { continue };
        for (entry, value) in map.fields() {
            let reason = match value.scalar() {
                Some(Scalar::Text(_) | Scalar::Null) => continue,
                Some(_) => "must be a string: quote it",
                None => "must be a string",
            };
            let steps = ["metadata", field, entry.name()].map(|name| Step::Key(name.to_owned()));
            return Err(Invalid::new(steps.to_vec(), reason));
        }
    }
    Ok(())
}
