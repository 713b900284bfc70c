//! The nodes of a document with their places, built from the parser's events.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// The maximum nesting of a document. Kubernetes objects have about a dozen levels.
const DEPTH: usize = 200;

/// A node. Places are byte offsets in the document.
#[derive(Debug)]
pub(super) struct Node {
    /// The byte range, without the rest of its last line.
    pub(super) span: Range<usize>,
    /// It has an anchor, so that a change of it also changes its aliases.
    pub(super) is_anchored: bool,
    pub(super) shape: Shape,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar { style: ScalarStyle },
    Map { is_flow: bool, entries: Vec<Entry> },
    List { items: Vec<Node> },
    Alias,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    pub(super) style: ScalarStyle,
    pub(super) value: Node,
}

impl Node {
    /// Parses the first document of a text; `None` if there is none or it is invalid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let options = granit_parser::options! { flow_nesting_limit: DEPTH, block_nesting_limit: DEPTH };
        let mut events = Events(Parser::new_from_str_with_options(text, options));
        loop {
            match events.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (event, span) => return events.node(&event, span),
            }
        }
    }

    /// The entry of a key, if this is a map with that key.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        let Shape::Map { entries, .. } = &self.shape else { return None };
        entries.iter().find(|entry| entry.name == name)
    }

    /// An item, if this is a list with that index.
    pub(super) fn item(&self, index: usize) -> Option<&Self> {
        let Shape::List { items } = &self.shape else { return None };
        items.get(index)
    }

    /// Whether it contains aliases or merge keys.
    pub(super) fn refers(&self) -> bool {
        match &self.shape {
            Shape::Alias => true,
            Shape::Scalar { .. } => false,
            Shape::Map { entries, .. } => entries.iter().any(|entry| entry.value.refers()),
            Shape::List { items } => items.iter().any(Self::refers),
        }
    }

    /// The byte range that represents the node in messages: its first key, its opening bracket, or the whole scalar.
    pub(super) fn head(&self) -> Range<usize> {
        match &self.shape {
            Shape::Map { is_flow: false, entries } => {
                entries.first().map_or(self.span.clone(), |entry| entry.key.clone())
            }
            Shape::Map { .. } => self.span.start..self.span.start + 1,
            Shape::List { items } => items.first().map_or(self.span.start..self.span.start, Self::head),
            Shape::Scalar { .. } | Shape::Alias => self.span.clone(),
        }
    }
}

struct Events<'a>(Parser<'a, granit_parser::StrInput<'a>>);

impl<'a> Events<'a> {
    fn next(&mut self) -> Option<(Event<'a>, Range<usize>)> {
        loop {
            let (event, span): (Event<'a>, Span) = self.0.next_event()?.ok()?;
            if !matches!(event, Event::Comment(..)) {
                return Some((event, span.byte_range()?));
            }
        }
    }

    fn node(&mut self, event: &Event<'a>, span: Range<usize>) -> Option<Node> {
        let node = match *event {
            Event::Scalar(_, style, anchor, _) => {
                Node { span, is_anchored: anchor != 0, shape: Shape::Scalar { style } }
            }
            Event::Alias(_) => Node { span, is_anchored: false, shape: Shape::Alias },
            Event::SequenceStart(style, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(&event, span)?),
                    }
                };
                let last = items.last().map(|item| item.span.end);
                let span = whole(&span, style, last, &end);
                Node { span, is_anchored: anchor != 0, shape: Shape::List { items } }
            }
            Event::MappingStart(style, anchor, _) => {
                let mut entries: Vec<Entry> = Vec::new();
                let end = loop {
                    let (name, key, style) = match self.next()? {
                        (Event::MappingEnd, end) => break end,
                        (Event::Scalar(name, style, ..), key) => (name.into_owned(), key, style),
                        // A key that is not a scalar is not a field.
                        (event, span) => (String::new(), self.node(&event, span)?.span, ScalarStyle::Plain),
                    };
                    let (event, span) = self.next()?;
                    entries.push(Entry { name, key, style, value: self.node(&event, span)? });
                };
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key.end));
                let span = whole(&span, style, last, &end);
                let shape = Shape::Map { is_flow: style == StructureStyle::Flow, entries };
                Node { span, is_anchored: anchor != 0, shape }
            }
            _ => return None,
        };
        Some(node)
    }
}

/// The byte range of a collection, up to its closing bracket or the end of its last item.
fn whole(start: &Range<usize>, style: StructureStyle, last: Option<usize>, end: &Range<usize>) -> Range<usize> {
    match style {
        StructureStyle::Flow => start.start..end.end,
        StructureStyle::Block => start.start..last.unwrap_or(start.end),
    }
}
