//! Reads typed objects from a tree. An error names the field and its node.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::scalar::Scalar;
use super::tree::{Entry, Node, Step, StoredShape};

/// A value that does not have the type of its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The steps from the root to the value.
    pub steps: Vec<Step>,
    /// The reason, such as `must be a string: quote it`.
    pub reason: String,
    /// The reason names the type only, and no part of the value.
    pub is_type: bool,
}

impl Invalid {
    /// A value that must have another type.
    #[must_use]
    pub fn new(steps: Vec<Step>, reason: &str) -> Self {
        Self { steps, reason: reason.to_owned(), is_type: true }
    }

    /// The error of a value, as that of a value with this step to it.
    #[must_use]
    pub fn below(mut self, step: Step) -> Self {
        self.steps.insert(0, step);
        self
    }

    /// The field, as the API server writes it.
    #[must_use]
    pub fn field(&self) -> String {
        let (mut field, mut is_of_map) = (String::new(), false);
        for step in &self.steps {
            let (open, name, close) = match step {
                Step::Index(index) => ("[", &*index.to_string(), "]"),
                Step::Key(name) if is_of_map => ("[", &**name, "]"),
                Step::Key(name) if field.is_empty() => ("", &**name, ""),
                Step::Key(name) => (".", &**name, ""),
            };
            field.extend([open, name, close]);
            is_of_map = matches!(step, Step::Key(name) if MAPS.contains(&&**name));
        }
        field
    }
}

/// The fields whose keys are not fields.
const MAPS: [&str; 7] = ["annotations", "binaryData", "data", "labels", "matchLabels", "selector", "stringData"];

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field() {
            field if field.is_empty() => f.write_str(&self.reason),
            field => write!(f, "{field}: {}", self.reason),
        }
    }
}

impl std::error::Error for Invalid {}

impl de::Error for Invalid {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self { steps: Vec::new(), reason: reason.to_string(), is_type: false }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Vec::new(), reason(found, &expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::new(Vec::new(), "the value is out of range")
    }
}

/// Returns what a value must be. `expected` is the wording of serde.
fn reason(found: Unexpected<'_>, expected: &str) -> &'static str {
    let is_number = |text: &str| text.parse::<i64>().is_ok();
    match expected {
        "a string" | "a borrowed string" | "str" => match found {
            Unexpected::Bool(_) | Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_) => {
                "must be a string: quote it"
            }
            _ => "must be a string",
        },
        "a boolean" => match found {
            Unexpected::Str("true" | "false") => "must be a boolean: remove the quotes",
            _ => "must be a boolean",
        },
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => match found {
            Unexpected::Str(text) if is_number(text) => "must be a number: remove the quotes",
            Unexpected::Float(_) => "must be a whole number",
            _ => "must be a number",
        },
        "a sequence" => "must be a list",
        _ if expected.starts_with("struct ") || expected.starts_with("a map") => "must be a map",
        _ => "has the wrong type",
    }
}

impl Node<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match self.scalar() {
            None if self.is_map() => Unexpected::Map,
            None => Unexpected::Seq,
            Some(Scalar::Null) => Unexpected::Unit,
            Some(Scalar::Bool(value)) => Unexpected::Bool(*value),
            Some(Scalar::Integer(number)) => Unexpected::Signed(*number),
            Some(Scalar::Unsigned(number)) => Unexpected::Unsigned(*number),
            Some(Scalar::Float(number)) => Unexpected::Float(*number),
            Some(Scalar::Text(text)) => Unexpected::Str(text),
        }
    }
}

impl<'t> Deserializer<'t> for Node<'t> {
    type Error = Invalid;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match &self.target().stored().shape {
            StoredShape::Scalar(Scalar::Null, _) | StoredShape::Alias(_) => visitor.visit_unit(),
            StoredShape::Scalar(Scalar::Bool(value), _) => visitor.visit_bool(*value),
            StoredShape::Scalar(Scalar::Integer(number), _) => visitor.visit_i64(*number),
            StoredShape::Scalar(Scalar::Unsigned(number), _) => visitor.visit_u64(*number),
            StoredShape::Scalar(Scalar::Float(number), _) => visitor.visit_f64(*number),
            StoredShape::Scalar(Scalar::Text(text), _) => visitor.visit_borrowed_str(text),
            StoredShape::List(_) => visitor.visit_seq(Items { items: self.items().into_iter().flatten().enumerate() }),
            StoredShape::Map { .. } => visitor.visit_map(Fields { fields: self.fields(), current: None }),
        }
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if matches!(self.scalar(), Some(Scalar::Null)) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        match self.text() {
            Some(text) => visitor.visit_enum(StrDeserializer::new(text)),
            None => Err(de::Error::invalid_type(self.unexpected(), &"a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <W: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// The name of a field.
struct Name<'t>(&'t str);

impl<'t> Deserializer<'t> for Name<'t> {
    type Error = Invalid;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(self, _: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        <W: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<I> {
    items: I,
}

impl<'t, I: Iterator<Item = (usize, Node<'t>)>> SeqAccess<'t> for Items<I> {
    type Error = Invalid;

    fn next_element_seed<T: DeserializeSeed<'t>>(&mut self, seed: T) -> Result<Option<T::Value>, Invalid> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|invalid| invalid.below(Step::Index(index)))
    }
}

struct Fields<'t, I> {
    fields: I,
    current: Option<(Entry<'t>, Node<'t>)>,
}

impl<'t, I: Iterator<Item = (Entry<'t>, Node<'t>)>> MapAccess<'t> for Fields<'t, I> {
    type Error = Invalid;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Invalid> {
        self.current = self.fields.next();
        let Some((entry, _)) = self.current else { return Ok(None) };
        seed.deserialize(Name(entry.name())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, Invalid> {
        let Some((entry, value)) = self.current.take() else { return Err(de::Error::custom("a key is missing")) };
        seed.deserialize(value).map_err(|invalid| invalid.below(Step::Key(entry.name().to_owned())))
    }
}
