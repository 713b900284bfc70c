//! A manifest as text: where the fields of its objects stand, and how a patch is done to it so that every other byte stays as it
//! is. What the text means is read elsewhere.

mod fix;
mod lines;
mod scalar;
mod tree;

use std::ops::Range;

pub use fix::{Edit, Unfixable, apply};
pub use lines::Lines;
use tree::{Node, Shape};

use crate::finding::Patch;
use crate::model::{FieldPath, Segment};

/// One document of a file, parsed for its places.
#[derive(Debug)]
pub struct Document {
    root: Node,
    /// Something in it refers to something else, so that a change of one place may change another.
    refers: bool,
    /// Its bytes in the text of the file.
    bytes: Range<usize>,
}

impl Document {
    /// Parse the document that is `bytes` of a text, YAML or JSON; nothing where it has no places to tell.
    #[must_use]
    pub fn parse(text: &str, bytes: Range<usize>) -> Option<Self> {
        let root = Node::parse(text.get(bytes.clone())?)?;
        Some(Self { refers: root.refers(), root, bytes })
    }

    /// The object to which `items` leads, taken out of the file's text: what stands beside it in a list costs nothing.
    ///
    /// # Errors
    /// When it is not there, or something else refers to it.
    pub fn object<'a>(&self, text: &'a str, items: &'a [usize]) -> Result<Object<'a>, Unfixable> {
        let whole = text.get(self.bytes.clone()).ok_or(Unfixable::Mismatch)?;
        let mut node = &self.root;
        for index in items {
            let list = node.entry("items").ok_or(Unfixable::Mismatch)?;
            let item = list.value.item(*index).ok_or(Unfixable::Mismatch)?;
            if [node, &list.value, item].iter().any(|node| node.is_anchored) {
                return Err(Unfixable::Shared);
            }
            node = item;
        }
        let (mut at, mut margin) = (0..whole.len(), 0);
        if !items.is_empty() {
            at = node.span.clone();
            if let Shape::Map { is_flow: false, .. } = node.shape {
                // Its first line begins where it stands, so that the others are as far in as they were.
                let line = whole[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
                margin = whole[line..at.start].chars().count();
                at.end = fix::line_end(whole, at.end);
            }
        }
        let alone = format!("{}{}", " ".repeat(margin), &whole[at.clone()]);
        Ok(Object {
            whole,
            items,
            refers: self.refers && !items.is_empty(),
            start: self.bytes.start,
            at,
            margin,
            text: alone,
        })
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
        self.bytes.start + at.start..self.bytes.start + at.end
    }
}

/// One object of a document by itself, and how it is mended.
#[derive(Debug)]
pub struct Object<'a> {
    /// The document.
    whole: &'a str,
    items: &'a [usize],
    /// It stands in a list, in which something refers to something else.
    refers: bool,
    /// Where the document begins in the text of the file.
    start: usize,
    /// Its bytes in the document.
    at: Range<usize>,
    /// So many blanks stand before its text.
    margin: usize,
    text: String,
}

impl Object<'_> {
    /// The bytes of the file's text in whose place [`Object::text`] belongs.
    #[must_use]
    pub fn bytes(&self) -> Range<usize> {
        self.start + self.at.start..self.start + self.at.end
    }

    /// Its text, with what it was mended by.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text[self.margin..]
    }

    /// Do a patch to it; the edits, in the order of their places, are those of [`Object::text`] as it was.
    ///
    /// # Errors
    /// When that cannot be done without touching anything else.
    pub fn fix(&mut self, patch: &Patch) -> Result<Vec<Edit>, Unfixable> {
        let edits = fix::fix(&self.text, patch).map_err(|refusal| match refusal {
            // As a part of its document it could be read.
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
