//! Applies a patch to the text of a document. A patch that would change anything else is refused. The result is parsed again and
//! compared with the patched object.

use std::ops::Range;

use serde_json::Value;
use thiserror::Error;

use super::scalar;
use crate::finding::{Patch, PatchOperation};
use crate::yaml::{Entry, Node, ScalarStyle, Shape, Tree};

/// A range of bytes and its replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The replaced bytes; empty for an insertion.
    pub bytes: Range<usize>,
    /// The replacement.
    pub text: String,
}

/// The reason why a patch cannot be applied to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfixable {
    /// The document cannot be parsed, or does not have the values that the patch expects.
    #[error("the file does not have the expected values")]
    Mismatch,
    /// An anchor, an alias or a merge key would apply the change elsewhere too.
    #[error("an anchor or alias would apply the change elsewhere too")]
    Shared,
    /// The YAML style of the value does not allow changing it alone.
    #[error("the edit would change more than this value")]
    Form,
}

/// Returns the edits that apply a patch to the object of a text, in order.
pub(super) fn fix(text: &str, patch: &Patch) -> Result<Vec<Edit>, Unfixable> {
    let tree = parsed(text)?;
    let before = tree.root().to_json();
    let wanted = patched(&before, patch)?;
    let editor = Editor { text, root: tree.root(), before: &before };
    let changes: Vec<_> =
        patch.operations().iter().filter(|operation| !matches!(operation, PatchOperation::Test { .. })).collect();
    let mut edits = match *changes {
        [PatchOperation::Remove { path: from }, PatchOperation::Add { path: to, value }]
            if parent(from) == parent(to) && before.pointer(from) == Some(value) =>
        {
            editor.rename(from, to)?
        }
        _ => {
            let mut edits = Vec::new();
            for operation in changes {
                edits.push(match operation {
                    PatchOperation::Replace { path, value } => editor.replace(path, value),
                    PatchOperation::Add { path, value } => editor.add(path, value).map(|edit| vec![edit]),
                    PatchOperation::Remove { path } => editor.remove(path).map(|edit| vec![edit]),
                    PatchOperation::Test { .. } => Ok(Vec::new()),
                }?);
            }
            edits.concat()
        }
    };
    edits.sort_by_key(|edit| edit.bytes.start);
    let overlap = edits.windows(2).any(|pair| pair[0].bytes.end > pair[1].bytes.start);
    if overlap || without_empty_annotations(read(&apply(text, &edits))?) != wanted {
        return Err(Unfixable::Form);
    }
    Ok(edits)
}

/// Applies edits, which are in order and do not overlap.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.bytes.start]);
        out.push_str(&edit.text);
        at = edit.bytes.end;
    }
    out.push_str(&text[at..]);
    out
}

fn parsed(text: &str) -> Result<Tree<'_>, Unfixable> {
    Tree::parse(text).ok().flatten().ok_or(Unfixable::Mismatch)
}

fn read(text: &str) -> Result<Value, Unfixable> {
    Ok(parsed(text)?.root().to_json())
}

/// Checks that two texts of a document differ in one object only, and that this object equals `text` in the second one.
pub(super) fn differ_in(items: &[usize], text: &str, [before, after]: [&str; 2]) -> Result<(), Unfixable> {
    let pointer = items.iter().fold(String::new(), |pointer, item| format!("{pointer}/items/{item}"));
    let mut wanted = read(before)?;
    *wanted.pointer_mut(&pointer).ok_or(Unfixable::Mismatch)? = read(text)?;
    if read(after).is_ok_and(|after| after == wanted) { Ok(()) } else { Err(Unfixable::Shared) }
}

/// Returns the patched object.
fn patched(before: &Value, patch: &Patch) -> Result<Value, Unfixable> {
    let mut after = before.clone();
    let patch = serde_json::to_value(patch).and_then(serde_json::from_value::<json_patch::Patch>);
    json_patch::patch(&mut after, &patch.map_err(|_| Unfixable::Mismatch)?).map_err(|_| Unfixable::Mismatch)?;
    Ok(without_empty_annotations(after))
}

/// Removes an empty map of annotations, which equals an absent one.
fn without_empty_annotations(mut object: Value) -> Value {
    if let Some(meta) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        if meta.get("annotations").is_some_and(is_empty) {
            meta.remove("annotations");
        }
    }
    object
}

/// Splits off the last step of a JSON pointer.
fn split(pointer: &str) -> (&str, String) {
    let (parent, last) = pointer.rsplit_once('/').unwrap_or(("", ""));
    (parent, last.replace("~1", "/").replace("~0", "~"))
}

fn parent(pointer: &str) -> &str {
    split(pointer).0
}

struct Editor<'a> {
    text: &'a str,
    root: Node<'a>,
    before: &'a Value,
}

impl<'a> Editor<'a> {
    /// The node at a pointer. An anchor or alias on the way is an error.
    fn node(&self, pointer: &str) -> Result<Node<'a>, Unfixable> {
        let mut node = self.root;
        for step in pointer.split('/').skip(1) {
            let name = step.replace("~1", "/").replace("~0", "~");
            let inner = match node.shape() {
                Shape::List => name.parse().ok().and_then(|index: usize| node.item(index)),
                _ => node.entry(&name).map(Entry::value),
            };
            // The patch fits the parsed object, so the node comes from a merge key.
            node = inner.ok_or(Unfixable::Shared)?;
            if node.is_anchored() || matches!(node.shape(), Shape::Alias) {
                return Err(Unfixable::Shared);
            }
        }
        Ok(node)
    }

    fn map(&self, pointer: &str) -> Result<(Node<'a>, bool, Vec<Entry<'a>>), Unfixable> {
        let node = self.node(pointer)?;
        match node.shape() {
            Shape::Map { is_flow, entries } => Ok((node, is_flow, entries)),
            _ => Err(Unfixable::Form),
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<Vec<Edit>, Unfixable> {
        let (parent, old) = split(from);
        let (node, ..) = self.map(parent)?;
        let entry = node.entry(&old).ok_or(Unfixable::Shared)?;
        let text = scalar::write(&Value::String(split(to).1), entry.style()).ok_or(Unfixable::Form)?;
        Ok(vec![Edit { bytes: entry.key(), text }])
    }

    fn replace(&self, path: &str, value: &Value) -> Result<Vec<Edit>, Unfixable> {
        let node = self.node(path)?;
        match (node.shape(), value) {
            (Shape::Scalar(..), _) => Ok(vec![scalar_edit(node, value)?]),
            // `port: {name: http}` becomes `port: {number: 80}`, in any style.
            (Shape::Map { entries, .. }, Value::Object(new)) => match (&*entries, new.iter().next()) {
                ([entry], Some((name, value))) if new.len() == 1 => {
                    let value = scalar_edit(entry.value(), value)?;
                    let name = scalar::write(&Value::String(name.clone()), entry.style()).ok_or(Unfixable::Form)?;
                    let key = Edit { bytes: entry.key(), text: name };
                    Ok([key, value].into_iter().filter(|edit| self.text[edit.bytes.clone()] != *edit.text).collect())
                }
                _ => Err(Unfixable::Form),
            },
            _ => Err(Unfixable::Form),
        }
    }

    fn remove(&self, path: &str) -> Result<Edit, Unfixable> {
        let (parent, name) = split(path);
        let (node, is_flow, entries) = self.map(parent)?;
        let index = entries.iter().rposition(|entry| entry.name() == name).ok_or(Unfixable::Shared)?;
        let (key, value) = (entries[index].key(), entries[index].value());
        // An alias may refer to it.
        if value.is_anchored() {
            return Err(Unfixable::Shared);
        }
        let bytes = match (is_flow, entries.get(index + 1)) {
            (true, _) if entries.len() == 1 => node.bytes().start + 1..node.bytes().end - 1,
            (true, Some(next)) => key.start..next.key().start,
            (true, None) => entries[index - 1].value().bytes().end..value.bytes().end,
            // A map in block style cannot be empty, so it is removed with its last entry.
            (false, _) if entries.len() == 1 && parent.ends_with("/annotations") => return self.remove(parent),
            (false, _) if entries.len() == 1 => return Err(Unfixable::Form),
            (false, next) => {
                let start = self.line_start(key.start);
                if self.text[start..key.start].trim().is_empty() {
                    start..line_end(self.text, value.bytes().end.max(key.end))
                } else {
                    // After the dash of a list item.
                    key.start..next.ok_or(Unfixable::Form)?.key().start
                }
            }
        };
        // A comment between two entries may belong to either.
        let has_comment = self.text[value.bytes().end.max(key.end)..bytes.end.max(value.bytes().end)]
            .lines()
            .skip(1)
            .any(|line| line.contains('#'));
        if has_comment { Err(Unfixable::Form) } else { Ok(Edit { bytes, text: String::new() }) }
    }

    fn add(&self, path: &str, value: &Value) -> Result<Edit, Unfixable> {
        let (parent, name) = split(path);
        let (node, is_flow, entries) = self.map(parent)?;
        if self.before.pointer(path).is_some() {
            return Err(Unfixable::Form);
        }
        let Some(first) = entries.first() else { return Err(Unfixable::Form) };
        let styles = entries.iter().filter_map(|entry| match entry.value().shape() {
            Shape::Scalar(_, style) if matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => {
                Some(style)
            }
            _ => None,
        });
        let style = styles.into_iter().next().unwrap_or(first.style());
        let key = scalar::write(&Value::String(name), first.style()).ok_or(Unfixable::Form)?;
        let entry = format!("{key}: {}", scalar::write(value, style).ok_or(Unfixable::Form)?);
        let start = self.line_start(first.key().start);
        let indent = &self.text[start..first.key().start];
        let end_of_line = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        if indent.trim().is_empty() && (!is_flow || start > node.bytes().start) {
            // On its own line at the start of the map, so that comments stay with their entries.
            let comma = if is_flow { "," } else { "" };
            let at = if is_flow { start } else { self.below_key(parent).unwrap_or(start) };
            return Ok(Edit { bytes: at..at, text: format!("{indent}{entry}{comma}{end_of_line}") });
        }
        let at = first.key().start;
        let text = if is_flow {
            format!("{entry}, ")
        } else {
            format!("{entry}{end_of_line}{}", " ".repeat(indent.chars().count()))
        };
        Ok(Edit { bytes: at..at, text })
    }

    /// The start of the line below the key of a map.
    fn below_key(&self, pointer: &str) -> Option<usize> {
        let (parent, name) = split(pointer);
        Some(line_end(self.text, self.node(parent).ok()?.entry(&name)?.key().end))
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }
}

/// The start of the next line, or `at` if that is one.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    if at > 0 && text[..at].ends_with('\n') {
        return at;
    }
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

fn scalar_edit(node: Node<'_>, value: &Value) -> Result<Edit, Unfixable> {
    match node.shape() {
        Shape::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded) => Err(Unfixable::Form),
        Shape::Scalar(_, style) if !node.bytes().is_empty() && !node.is_anchored() => {
            Ok(Edit { bytes: node.bytes(), text: scalar::write(value, style).ok_or(Unfixable::Form)? })
        }
        _ => Err(Unfixable::Shared),
    }
}
