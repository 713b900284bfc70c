//! Builds the tree of a JSON document. Its nodes have no places; [`Tree::parse`] finds them where an error needs one.

use std::borrow::Cow;
use std::fmt;

use granit_parser::ScalarStyle;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::scalar::Scalar;
use super::tree::{Bytes, NodeId, Stored, StoredEntry, StoredShape, Tree, index};

/// JSON has no places.
const NOWHERE: Bytes = Bytes { start: 0, end: 0 };

impl<'a> Tree<'a> {
    /// Parses one JSON value.
    ///
    /// # Errors
    /// If it is not valid JSON.
    pub fn parse_json(text: &'a str) -> serde_json::Result<Self> {
        let mut tree = Self::default();
        let mut parser = serde_json::Deserializer::from_str(text);
        tree.root = Value(&mut tree).deserialize(&mut parser)?;
        parser.end()?;
        Ok(tree)
    }

    fn store(&mut self, shape: StoredShape<'a>) -> NodeId {
        self.nodes.push(Stored { bytes: NOWHERE, is_anchored: false, shape });
        index(self.nodes.len()) - 1
    }

    fn scalar(&mut self, value: Scalar<'a>) -> NodeId {
        self.store(StoredShape::Scalar(value, ScalarStyle::DoubleQuoted))
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Value<'v, 'a>(&'v mut Tree<'a>);

impl<'a> DeserializeSeed<'a> for Value<'_, 'a> {
    type Value = NodeId;
    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<NodeId, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Value<'_, 'a> {
    type Value = NodeId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<NodeId, E> {
        Ok(self.0.scalar(Scalar::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<NodeId, E> {
        Ok(self.0.scalar(Scalar::Bool(value)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<NodeId, E> {
        Ok(self.0.scalar(Scalar::Integer(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<NodeId, E> {
        Ok(self.0.scalar(i64::try_from(number).map_or(Scalar::Unsigned(number), Scalar::Integer)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<NodeId, E> {
        Ok(self.0.scalar(Scalar::Float(number)))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<NodeId, E> {
        Ok(self.0.scalar(Scalar::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<NodeId, E> {
        Ok(self.0.scalar(Scalar::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<NodeId, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Value(&mut *self.0))? {
            items.push(item);
        }
        let start = index(self.0.items.len());
        self.0.items.append(&mut items);
        let end = index(self.0.items.len());
        Ok(self.0.store(StoredShape::List(start..end)))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<NodeId, A::Error> {
        let mut entries = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            let value = map.next_value_seed(Value(&mut *self.0))?;
            entries.push(StoredEntry { name, key: NOWHERE, style: ScalarStyle::DoubleQuoted, is_merge: false, value });
        }
        let is_simple = !self.0.repeats(&entries);
        let start = index(self.0.entries.len());
        self.0.entries.append(&mut entries);
        let end = index(self.0.entries.len());
        Ok(self.0.store(StoredShape::Map { is_flow: true, is_simple, entries: start..end }))
    }
}
