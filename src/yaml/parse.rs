//! Builds the tree of a YAML document from the parser's events.

use std::borrow::Cow;
use std::ops::Range;

use foldhash::{HashMap, HashMapExt as _};
use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag};

use super::SyntaxError;
use super::scalar::{Scalar, resolve};
use super::tree::{Bytes, NodeId, Stored, StoredEntry, StoredShape, Tree, index};

/// The maximum nesting of a document with its aliases. Kubernetes objects have about a dozen levels, schemas about a hundred.
const DEPTH: usize = 200;

impl<'a> Tree<'a> {
    /// Parses the first document of a text. `None`: there is none.
    ///
    /// # Errors
    /// If kubectl could not decode it.
    pub fn parse(text: &'a str) -> Result<Option<Self>, SyntaxError> {
        if u32::try_from(text.len()).is_err() {
            return Err(SyntaxError { at: 0, reason: "larger than 4 GiB".to_owned() });
        }
        let mut options = granit_parser::options! { flow_nesting_limit: DEPTH, block_nesting_limit: DEPTH };
        options.set_emit_comments(false);
        let events = Parser::new_from_str_with_options(text, options);
        let mut builder = Builder {
            events,
            tree: Self::default(),
            anchors: HashMap::new(),
            expanded: Expanded::default(),
            at: 0,
            depth: 0,
            deepest: 0,
        };
        loop {
            match builder.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(None),
                (event, bytes) => {
                    builder.tree.root = builder.node(event, bytes)?;
                    // Content after the document is an error, unless `...` ends it.
                    builder.next()?;
                    builder.tree.repeated.sort_by_key(|key| key.at);
                    return Ok(Some(builder.tree));
                }
            }
        }
    }
}

/// A node with an anchor.
struct Anchor {
    node: NodeId,
    /// The number of nodes in it, with those of aliases.
    nodes: u64,
    /// The number of levels in it, with those of aliases.
    levels: usize,
}

/// The nodes of a document with its aliases in the place of them, as go-yaml v2 counts them.
#[derive(Default)]
struct Expanded {
    all: u64,
    by_aliases: u64,
}

struct Builder<'a> {
    events: Parser<'a, StrInput<'a>>,
    tree: Tree<'a>,
    anchors: HashMap<usize, Anchor>,
    expanded: Expanded,
    /// The byte offset of the last event.
    at: usize,
    depth: usize,
    /// The deepest level so far.
    deepest: usize,
}

/// A key of a map.
struct Key<'a> {
    name: Cow<'a, str>,
    bytes: Bytes,
    style: ScalarStyle,
    is_merge: bool,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), SyntaxError> {
        let (event, span): (Event<'a>, Span) = match self.events.next_event() {
            Some(Ok(next)) => next,
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(self.at);
                return Err(SyntaxError { at, reason: error.info() });
            }
            None => return Ok((Event::StreamEnd, self.at..self.at)),
        };
        let bytes = span.byte_range().unwrap_or(self.at..self.at);
        self.at = bytes.start;
        Ok((event, bytes))
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.at, reason: reason.into() })
    }

    fn store(&mut self, bytes: Range<usize>, is_anchored: bool, shape: StoredShape<'a>) -> NodeId {
        let id = index(self.tree.nodes.len());
        self.tree.nodes.push(Stored { bytes: Bytes::of(&bytes), is_anchored, shape });
        id
    }

    fn node(&mut self, event: Event<'a>, bytes: Range<usize>) -> Result<NodeId, SyntaxError> {
        self.expanded.all += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return self.fault("more than 200 levels deep");
        }
        let (nodes, deepest) = (self.expanded.all, std::mem::replace(&mut self.deepest, self.depth));
        let (id, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(text, style, tag.as_deref())?.in_json();
                let value = value.or_else(|reason| self.fault(reason))?;
                (self.store(bytes, anchor != 0, StoredShape::Scalar(value, style)), anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, bytes)?, 0),
            Event::SequenceStart(style, anchor, _) => {
                let (end, list) = self.list()?;
                let items = &self.tree.items[list.start as usize..];
                let inner_end = items.last().map(|id| self.tree.nodes[*id as usize].bytes.end as usize);
                let bytes = whole(&bytes, style, inner_end, &end);
                (self.store(bytes, anchor != 0, StoredShape::List(list)), anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                let (end, entries, is_simple) = self.map()?;
                let inner_end = self
                    .tree
                    .entries(&entries)
                    .last()
                    .map(|entry| self.tree.nodes[entry.value as usize].bytes.end.max(entry.key.end) as usize);
                let bytes = whole(&bytes, style, inner_end, &end);
                let is_flow = style == StructureStyle::Flow;
                (self.store(bytes, anchor != 0, StoredShape::Map { is_flow, is_simple, entries }), anchor)
            }
            _ => return self.fault("a value is missing"),
        };
        if anchor != 0 {
            let anchored = Anchor { node: id, nodes: 1 + self.expanded.all - nodes, levels: self.deepest - self.depth };
            self.anchors.insert(anchor, anchored);
        }
        self.deepest = self.deepest.max(deepest);
        self.depth -= 1;
        Ok(id)
    }

    fn scalar(&self, text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Scalar<'a>, SyntaxError> {
        resolve(text, tag, style == ScalarStyle::Plain).or_else(|reason| self.fault(reason))
    }

    fn alias(&mut self, anchor: usize, bytes: Range<usize>) -> Result<NodeId, SyntaxError> {
        self.tree.refers = true;
        let Some(&Anchor { node, nodes, levels }) = self.anchors.get(&anchor) else {
            return self.fault("an anchor contains an alias of itself");
        };
        self.expanded.all = self.expanded.all.saturating_add(nodes);
        self.expanded.by_aliases = self.expanded.by_aliases.saturating_add(nodes);
        if self.expanded.is_excessive() {
            return self.fault("the aliases expand to too many values");
        }
        if self.depth + levels > DEPTH {
            return self.fault("more than 200 levels deep");
        }
        self.deepest = self.deepest.max(self.depth + levels);
        Ok(self.store(bytes, false, StoredShape::Alias(node)))
    }

    /// The items of a list, up to its end.
    fn list(&mut self) -> Result<(Range<usize>, Range<u32>), SyntaxError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let start = index(self.tree.items.len());
                    self.tree.items.append(&mut items);
                    return Ok((end, start..index(self.tree.items.len())));
                }
                (event, bytes) => items.push(self.node(event, bytes)?),
            }
        }
    }

    /// The entries of a map, up to its end. Returns whether it has neither merge keys nor repeated keys.
    fn map(&mut self) -> Result<(Range<usize>, Range<u32>, bool), SyntaxError> {
        let mut entries: Vec<StoredEntry<'a>> = Vec::new();
        let end = loop {
            let (event, bytes) = match self.next()? {
                (Event::MappingEnd, end) => break end,
                next => next,
            };
            let Key { name, bytes: key, style, is_merge } = self.key(event, bytes)?;
            let (event, bytes) = self.next()?;
            let value = self.node(event, bytes)?;
            if is_merge {
                self.tree.refers = true;
                self.mergeable(value)?;
            }
            entries.push(StoredEntry { name, key, style, is_merge, value });
        };
        let is_simple = !self.tree.repeats(&entries) && !entries.iter().any(|entry| entry.is_merge);
        let start = index(self.tree.entries.len());
        self.tree.entries.append(&mut entries);
        Ok((end, start..index(self.tree.entries.len()), is_simple))
    }

    fn key(&mut self, event: Event<'a>, bytes: Range<usize>) -> Result<Key<'a>, SyntaxError> {
        let place = Bytes::of(&bytes);
        let (name, style, is_merge) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.expanded.all += 1;
                let is_merge = text == "<<"
                    && match &tag {
                        None => style == ScalarStyle::Plain,
                        Some(tag) => tag.suffix() == "merge" || tag.suffix().is_empty(),
                    };
                let value = self.scalar(text, style, tag.as_deref())?;
                if anchor != 0 {
                    let value = value.clone().in_json().or_else(|reason| self.fault(reason))?;
                    let node = self.store(bytes, true, StoredShape::Scalar(value, style));
                    self.anchors.insert(anchor, Anchor { node, nodes: 1, levels: 0 });
                }
                (value.into_key(), style, is_merge)
            }
            Event::Alias(anchor) => {
                let alias = self.alias(anchor, bytes)?;
                let StoredShape::Alias(target) = self.tree.nodes[alias as usize].shape else {
                    return self.fault("a map or a list cannot be a key");
                };
                match &self.tree.nodes[target as usize].shape {
                    StoredShape::Scalar(value, _) => (value.clone().into_key(), ScalarStyle::Plain, false),
                    _ => return self.fault("a map or a list cannot be a key"),
                }
            }
            _ => return self.fault("a map or a list cannot be a key"),
        };
        Ok(Key { name: name.or_else(|reason| self.fault(reason))?, bytes: place, style, is_merge })
    }

    /// Checks the value of a merge key: a map, or a list of maps.
    fn mergeable(&self, value: NodeId) -> Result<(), SyntaxError> {
        let shape = |id: NodeId| &self.tree.nodes[id as usize].shape;
        let is_map = |id: NodeId| match shape(id) {
            StoredShape::Map { .. } => true,
            StoredShape::Alias(target) => matches!(shape(*target), StoredShape::Map { .. }),
            _ => false,
        };
        let is_mergeable = match shape(value) {
            StoredShape::List(items) => {
                self.tree.items[items.start as usize..items.end as usize].iter().all(|item| is_map(*item))
            }
            _ => is_map(value),
        };
        if is_mergeable { Ok(()) } else { self.fault("the value of a merge key must be a map or a list of maps") }
    }
}

impl Expanded {
    /// The limit of go-yaml v2 for the share of nodes that aliases add.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no precision")]
    fn is_excessive(&self) -> bool {
        const LOW: f64 = 400_000.0;
        const HIGH: f64 = 4_000_000.0;
        let (all, by_aliases) = (self.all as f64, self.by_aliases as f64);
        let allowed = 0.99 - 0.89 * ((all - LOW) / (HIGH - LOW)).clamp(0.0, 1.0);
        self.by_aliases > 100 && self.all > 1000 && by_aliases / all > allowed
    }
}

/// The byte range of a collection, up to its closing bracket or the end of its last item.
fn whole(start: &Range<usize>, style: StructureStyle, inner_end: Option<usize>, end: &Range<usize>) -> Range<usize> {
    match style {
        StructureStyle::Flow => start.start..end.end,
        StructureStyle::Block => start.start..inner_end.unwrap_or(start.end),
    }
}
