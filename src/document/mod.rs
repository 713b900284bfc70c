//! Manifests as text: the places of fields, and patches that keep every other byte. The cluster module parses the objects.

mod fix;
mod scalar;

use std::ops::Range;

pub use fix::{Edit, Unfixable, apply};

use crate::finding::Patch;
use crate::model::{FieldPath, Segment};
pub use crate::yaml::Lines;
use crate::yaml::{Entry, Node, Shape, Tree};

/// A document of a file, with the places of its nodes.
#[derive(Debug)]
pub struct Document<'a> {
    tree: Tree<'a>,
    /// The byte range in the file.
    bytes: Range<usize>,
}

impl<'a> Document<'a> {
    /// Parses the document in a byte range of a file, as YAML or JSON. Returns `None` if there is nothing to parse.
    #[must_use]
    pub fn parse(text: &'a str, bytes: Range<usize>) -> Option<Self> {
        let tree = Tree::parse(text.get(bytes.clone())?).ok()??;
        Some(Self { tree, bytes })
    }

    /// Extracts the object at `items`, the indexes of nested lists. The size of the rest of a list does not matter.
    ///
    /// # Errors
    /// If the object is not there, or is part of an anchor.
    pub fn object<'t>(&self, text: &'t str, items: &'t [usize]) -> Result<Object<'t>, Unfixable> {
        let whole = text.get(self.bytes.clone()).ok_or(Unfixable::Mismatch)?;
        let mut node = self.tree.root();
        for index in items {
            let list = node.entry("items").ok_or(Unfixable::Mismatch)?.value();
            let item = list.item(*index).ok_or(Unfixable::Mismatch)?;
            if [node, list, item].iter().any(|node| node.is_anchored()) {
                return Err(Unfixable::Shared);
            }
            node = item;
        }
        let (mut at, mut margin) = (0..whole.len(), 0);
        if !items.is_empty() {
            at = node.bytes();
            if let Shape::Map { is_flow: false, .. } = node.shape() {
                // Indent the first line like the others.
                let line = whole[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
                margin = whole[line..at.start].chars().count();
                at.end = fix::line_end(whole, at.end);
            }
        }
        let alone = format!("{}{}", " ".repeat(margin), &whole[at.clone()]);
        Ok(Object {
            whole,
            items,
            refers: self.tree.refers() && !items.is_empty(),
            start: self.bytes.start,
            at,
            margin,
            text: alone,
        })
    }

    /// Returns the byte range of a field in the file: the value of a scalar, the key of anything else. For a missing field, it
    /// returns the range of the nearest parent. `items` are the indexes of nested lists.
    #[must_use]
    pub fn locate(&self, items: &[usize], field: &FieldPath) -> Range<usize> {
        let root = self.tree.root();
        let mut at = root.head();
        let mut node = Some(root);
        for index in items {
            node = node.and_then(|node| node.entry("items")).and_then(|items| items.value().item(*index));
            at = node.map_or(at, Node::head);
        }
        for segment in field.segments() {
            let Some(inner) = node else { break };
            node = match segment {
                Segment::Index(index) => {
                    let item = inner.item(*index);
                    at = item.map_or(at, Node::head);
                    item
                }
                Segment::Field(_) | Segment::Unknown(_) | Segment::Key(_) | Segment::Name(_) => {
                    let name = match segment {
                        Segment::Field(name) => *name,
                        Segment::Unknown(key) | Segment::Key(key) | Segment::Name(key) => &**key,
                        Segment::Index(_) => "",
                    };
                    let is_about_value = !matches!(segment, Segment::Name(_) | Segment::Unknown(_));
                    let entry = inner.entry(name);
                    at = entry.map_or(at, |entry| match entry.value().shape() {
                        Shape::Scalar(..) if is_about_value && !entry.value().bytes().is_empty() => {
                            entry.value().bytes()
                        }
                        _ => entry.key(),
                    });
                    entry.map(Entry::value)
                }
            };
        }
        self.bytes.start + at.start..self.bytes.start + at.end
    }
}

/// An object extracted from its document, to which patches can be applied.
#[derive(Debug)]
pub struct Object<'a> {
    /// The document.
    whole: &'a str,
    items: &'a [usize],
    /// It is in a list that contains aliases or merge keys.
    refers: bool,
    /// The start of the document in the file, in bytes.
    start: usize,
    /// The byte range in the document.
    at: Range<usize>,
    /// The number of spaces before its text.
    margin: usize,
    text: String,
}

impl Object<'_> {
    /// The byte range of the file that [`Object::text`] replaces.
    #[must_use]
    pub fn bytes(&self) -> Range<usize> {
        self.start + self.at.start..self.start + self.at.end
    }

    /// The text with all applied patches.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text[self.margin..]
    }

    /// Applies a patch. Returns the edits, in order, relative to the previous [`Object::text`].
    ///
    /// # Errors
    /// If the patch cannot be applied without changing anything else. The text then stays as it was.
    pub fn fix(&mut self, patch: &Patch) -> Result<Vec<Edit>, Unfixable> {
        let edits = fix::fix(&self.text, patch).map_err(|reason| match reason {
            // The whole document can be parsed, so an alias is missing in this part.
            Unfixable::Mismatch if self.refers => Unfixable::Shared,
            other => other,
        })?;
        if edits.iter().any(|edit| edit.bytes.start < self.margin) {
            return Err(Unfixable::Form);
        }
        let after = apply(&self.text, &edits);
        if self.refers {
            let whole =
                format!("{}{}{}", &self.whole[..self.at.start], &after[self.margin..], &self.whole[self.at.end..]);
            fix::differ_in(self.items, &after, [self.whole, &whole])?;
        }
        self.text = after;
        let shifted = |Edit { bytes, text }| Edit { bytes: bytes.start - self.margin..bytes.end - self.margin, text };
        Ok(edits.into_iter().map(shifted).collect())
    }
}
