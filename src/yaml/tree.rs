//! The nodes of a document with their places.

use std::borrow::Cow;
use std::ops::Range;

use foldhash::{HashMap, HashMapExt as _, HashSet};
use granit_parser::ScalarStyle;
use serde_json::Value;

use super::scalar::Scalar;

/// The nodes of one document. A node that has aliases exists once.
#[derive(Debug, Default)]
pub struct Tree<'a> {
    pub(super) nodes: Vec<Stored<'a>>,
    pub(super) entries: Vec<StoredEntry<'a>>,
    pub(super) items: Vec<NodeId>,
    pub(super) root: NodeId,
    /// It contains aliases or merge keys.
    pub(super) refers: bool,
    /// The keys that a map has more than once.
    pub(super) repeated: Vec<RepeatedKey>,
}

/// A key that a map has twice: the last value counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatedKey {
    /// The key.
    pub name: String,
    /// The byte offset of the key before.
    pub before: usize,
    /// The byte offset of the repeated key.
    pub at: usize,
}

/// Maps with more keys are searched for repeated keys by their hash.
const FEW: usize = 12;

pub(super) type NodeId = u32;

/// A range of bytes; 32 bits suffice for the largest file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes {
    pub(super) start: u32,
    pub(super) end: u32,
}

#[derive(Debug)]
pub(super) struct Stored<'a> {
    pub(super) bytes: Bytes,
    pub(super) is_anchored: bool,
    pub(super) shape: StoredShape<'a>,
}

#[derive(Debug)]
pub(super) enum StoredShape<'a> {
    Scalar(Scalar<'a>, ScalarStyle),
    Map {
        is_flow: bool,
        /// It has neither merge keys nor repeated keys.
        is_simple: bool,
        entries: Range<u32>,
    },
    List(Range<u32>),
    Alias(NodeId),
}

#[derive(Debug)]
pub(super) struct StoredEntry<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) key: Bytes,
    pub(super) style: ScalarStyle,
    pub(super) is_merge: bool,
    pub(super) value: NodeId,
}

/// A node of a document. Places are byte offsets in its text.
#[derive(Debug, Clone, Copy)]
pub struct Node<'t> {
    pub(super) tree: &'t Tree<'t>,
    id: NodeId,
}

/// The shape of a node.
#[derive(Debug)]
pub enum Shape<'t> {
    /// A scalar in this style.
    Scalar(&'t Scalar<'t>, ScalarStyle),
    /// A map, in flow style or not.
    Map {
        /// It is in braces.
        is_flow: bool,
        /// The entries in the order of the text.
        entries: Vec<Entry<'t>>,
    },
    /// A list.
    List,
    /// An alias of another node.
    Alias,
}

/// A key of a map with its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'t> {
    tree: &'t Tree<'t>,
    stored: &'t StoredEntry<'t>,
}

/// A step from a node to one in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list.
    Index(usize),
}

impl<'a> Tree<'a> {
    /// The root.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, id: self.root }
    }

    /// Whether it contains aliases or merge keys.
    #[must_use]
    pub fn refers(&self) -> bool {
        self.refers
    }

    /// The keys that a map has more than once, in the order of the text.
    #[must_use]
    pub fn repeated(&self) -> &[RepeatedKey] {
        &self.repeated
    }

    pub(super) fn entries(&self, entries: &Range<u32>) -> &[StoredEntry<'a>] {
        &self.entries[entries.start as usize..entries.end as usize]
    }

    /// Records the keys that occur more than once. Returns whether there are any.
    pub(super) fn repeats(&mut self, entries: &[StoredEntry<'a>]) -> bool {
        let keys = || entries.iter().enumerate().filter(|(_, entry)| !entry.is_merge);
        let is_repeated = if entries.len() <= FEW {
            keys().any(|(at, entry)| entries[..at].iter().any(|before| !before.is_merge && before.name == entry.name))
        } else {
            let mut seen = HashSet::default();
            keys().any(|(_, entry)| !seen.insert(&*entry.name))
        };
        if is_repeated {
            let mut last: HashMap<&str, u32> = HashMap::new();
            for (_, entry) in keys() {
                if let Some(before) = last.insert(&entry.name, entry.key.start) {
                    let name = entry.name.clone().into_owned();
                    self.repeated.push(RepeatedKey { name, before: before as usize, at: entry.key.start as usize });
                }
            }
        }
        is_repeated
    }
}

impl<'t> Node<'t> {
    pub(super) fn stored(self) -> &'t Stored<'t> {
        &self.tree.nodes[self.id as usize]
    }

    /// The byte range, without the rest of its last line.
    #[must_use]
    pub fn bytes(self) -> Range<usize> {
        self.stored().bytes.range()
    }

    /// It has an anchor, so that a change of it also changes its aliases.
    #[must_use]
    pub fn is_anchored(self) -> bool {
        self.stored().is_anchored
    }

    /// The shape, as written.
    #[must_use]
    pub fn shape(self) -> Shape<'t> {
        match &self.stored().shape {
            StoredShape::Scalar(value, style) => Shape::Scalar(value, *style),
            StoredShape::Map { is_flow, entries, .. } => {
                let entries = self.tree.entries(entries).iter();
                let entries = entries.map(|stored| Entry { tree: self.tree, stored }).collect();
                Shape::Map { is_flow: *is_flow, entries }
            }
            StoredShape::List(_) => Shape::List,
            StoredShape::Alias(_) => Shape::Alias,
        }
    }

    /// The entry of a key as written, without aliases and merge keys. The last one counts.
    #[must_use]
    pub fn entry(self, name: &str) -> Option<Entry<'t>> {
        let StoredShape::Map { entries, .. } = &self.stored().shape else { return None };
        let entries = self.tree.entries(entries).iter();
        let stored = entries.rev().find(|entry| !entry.is_merge && entry.name == name)?;
        Some(Entry { tree: self.tree, stored })
    }

    /// An item as written, if this is a list with that index.
    #[must_use]
    pub fn item(self, index: usize) -> Option<Self> {
        let StoredShape::List(items) = &self.stored().shape else { return None };
        let at = items.start.checked_add(u32::try_from(index).ok()?)?;
        items.contains(&at).then(|| Self { id: self.tree.items[at as usize], ..self })
    }

    /// The node that an alias refers to, else this node.
    #[must_use]
    pub fn target(self) -> Self {
        match self.stored().shape {
            StoredShape::Alias(id) => Self { id, ..self },
            _ => self,
        }
    }

    /// The value of a key, through aliases and merge keys.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Self> {
        self.fields().find(|(entry, _)| entry.name() == name).map(|(_, value)| value)
    }

    /// The items of a list, through an alias.
    #[must_use]
    pub fn items(self) -> Option<impl Iterator<Item = Self>> {
        let node = self.target();
        let StoredShape::List(items) = &node.stored().shape else { return None };
        Some(self.tree.items[items.start as usize..items.end as usize].iter().map(move |id| Self { id: *id, ..self }))
    }

    /// The text of a scalar, through an alias.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        match self.scalar() {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a scalar, through an alias.
    #[must_use]
    pub fn scalar(self) -> Option<&'t Scalar<'t>> {
        if let StoredShape::Scalar(value, _) = &self.target().stored().shape { Some(value) } else { None }
    }

    /// Whether this is a map, or an alias of one.
    #[must_use]
    pub fn is_map(self) -> bool {
        matches!(self.target().stored().shape, StoredShape::Map { .. })
    }

    /// The fields of a map that count, through aliases and merge keys: each key once.
    pub fn fields(self) -> impl Iterator<Item = (Entry<'t>, Self)> {
        let node = self.target();
        let (mut simple, mut merged): (&[StoredEntry<'t>], _) = (&[], Vec::new());
        match &node.stored().shape {
            StoredShape::Map { entries, is_simple: true, .. } => simple = self.tree.entries(entries),
            StoredShape::Map { .. } => {
                node.collect(&mut merged);
                // As in go-yaml v2, a merge key overwrites the keys above it. The last one counts.
                let mut seen = HashSet::default();
                merged.reverse();
                merged.retain(|(entry, _)| seen.insert(entry.name()));
                merged.reverse();
            }
            _ => {}
        }
        let simple =
            simple.iter().map(move |stored| (Entry { tree: self.tree, stored }, Self { id: stored.value, ..self }));
        simple.chain(merged)
    }

    /// Appends the fields of this map and of its merge keys in the order in which they are assigned.
    fn collect(self, all: &mut Vec<(Entry<'t>, Self)>) {
        let node = self.target();
        match &node.stored().shape {
            StoredShape::Map { entries, .. } => {
                for stored in self.tree.entries(entries) {
                    let value = Self { id: stored.value, ..self };
                    if stored.is_merge {
                        value.collect(all);
                    } else {
                        all.push((Entry { tree: self.tree, stored }, value));
                    }
                }
            }
            // Earlier maps of a list take precedence.
            StoredShape::List(_) => {
                let maps: Vec<Self> = node.items().into_iter().flatten().collect();
                maps.into_iter().rev().for_each(|map| map.collect(all));
            }
            StoredShape::Scalar(..) | StoredShape::Alias(_) => {}
        }
    }

    /// The node at these steps, through aliases and merge keys; the nearest node above it if there is none.
    #[must_use]
    pub fn at(self, steps: &[Step]) -> Self {
        let mut node = self;
        for step in steps {
            let next = match step {
                Step::Key(name) => node.get(name),
                Step::Index(index) => node.target().item(*index),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// The byte range that represents the node in messages: its first key, its opening bracket, or the whole scalar.
    #[must_use]
    pub fn head(self) -> Range<usize> {
        let Range { start, end } = self.bytes();
        match &self.stored().shape {
            StoredShape::Map { is_flow: false, entries, .. } => {
                self.tree.entries(entries).first().map_or(start..end, |entry| entry.key.range())
            }
            StoredShape::Map { .. } => start..start + 1,
            StoredShape::List(_) => self.item(0).map_or(start..start, Self::head),
            StoredShape::Scalar(..) | StoredShape::Alias(_) => start..end,
        }
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_json(self) -> Value {
        let node = self.target();
        match &node.stored().shape {
            StoredShape::Scalar(Scalar::Null, _) | StoredShape::Alias(_) => Value::Null,
            StoredShape::Scalar(Scalar::Bool(value), _) => Value::Bool(*value),
            StoredShape::Scalar(Scalar::Integer(number), _) => Value::from(*number),
            StoredShape::Scalar(Scalar::Unsigned(number), _) => Value::from(*number),
            StoredShape::Scalar(Scalar::Float(number), _) => Value::from(*number),
            StoredShape::Scalar(Scalar::Text(text), _) => Value::from(&**text),
            StoredShape::List(_) => node.items().into_iter().flatten().map(Self::to_json).collect(),
            StoredShape::Map { .. } => {
                node.fields().map(|(entry, value)| (entry.name().to_owned(), value.to_json())).collect()
            }
        }
    }
}

impl<'t> Entry<'t> {
    /// The key as JSON has it.
    #[must_use]
    pub fn name(self) -> &'t str {
        &self.stored.name
    }

    /// The byte range of the key.
    #[must_use]
    pub fn key(self) -> Range<usize> {
        self.stored.key.range()
    }

    /// The style of the key.
    #[must_use]
    pub fn style(self) -> ScalarStyle {
        self.stored.style
    }

    /// The value as written.
    #[must_use]
    pub fn value(self) -> Node<'t> {
        Node { tree: self.tree, id: self.stored.value }
    }
}

impl Bytes {
    pub(super) fn of(bytes: &Range<usize>) -> Self {
        Self { start: index(bytes.start), end: index(bytes.end) }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Offsets have 32 bits, and each node and entry takes at least one byte of the text.
pub(super) fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
