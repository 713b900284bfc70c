//! A manifest as text: where the fields of its objects stand, and how a patch is done to it so that every other byte stays as it
//! is. What the text means is read elsewhere.

mod lines;
mod mend;
mod scalar;
mod tree;

use std::ops::Range;

pub use lines::Lines;
pub use mend::{Edit, Refusal, apply, mend};
use tree::{Node, Shape};

use crate::model::{FieldPath, Segment};

/// One document of a file, parsed for its places.
#[derive(Debug)]
pub struct Document {
    root: Node,
    /// Where it begins in the text of the file.
    start: usize,
}

impl Document {
    /// Parse the document that is `bytes` of a text, YAML or JSON; nothing where it has no places to tell.
    #[must_use]
    pub fn parse(text: &str, bytes: Range<usize>) -> Option<Self> {
        let start = bytes.start;
        Some(Self { root: Node::parse(text.get(bytes)?)?, start })
    }

    /// The bytes of the file at which a field stands: a scalar itself, for anything else its key. Where there is no such
    /// field, the nearest around it that is there. `items` leads to the object in a list.
    #[must_use]
    pub fn locate(&self, items: &[usize], field: &FieldPath) -> Range<usize> {
        let mut at = self.root.head();
        let mut node = Some(&self.root);
        for index in items {
            node = node.and_then(|node| node.entry("items")).and_then(|items| items.value.item(*index));
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
                Segment::Field(_) | Segment::Key(_) | Segment::Name(_) => {
                    let name = match segment {
                        Segment::Field(name) => name,
                        Segment::Key(key) | Segment::Name(key) => &**key,
                        Segment::Index(_) => "",
                    };
                    let is_about_value = !matches!(segment, Segment::Name(_));
                    let entry = inner.entry(name);
                    at = entry.map_or(at, |entry| match entry.value.shape {
                        Shape::Scalar { .. } if is_about_value && !entry.value.span.is_empty() => {
                            entry.value.span.clone()
                        }
                        _ => entry.key.clone(),
                    });
                    entry.map(|entry| &entry.value)
                }
            };
        }
        self.start + at.start..self.start + at.end
    }
}
