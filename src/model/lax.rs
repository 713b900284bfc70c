//! Lenient decoding as in Go: `null` in the place of a value is the zero value of its type.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "lax::null")]`.
pub(super) fn null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// The same for a value that is parsed from a string, of which no copy is made.
pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: for<'t> From<&'t str>,
{
    struct Text<T>(PhantomData<T>);
    impl<'de, T: for<'t> From<&'t str>> Visitor<'de> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            Ok(T::from(text))
        }
        fn visit_unit<E: Error>(self) -> Result<T, E> {
            Ok(T::from(""))
        }
        fn visit_none<E: Error>(self) -> Result<T, E> {
            Ok(T::from(""))
        }
        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            deserializer.deserialize_str(self)
        }
    }
    deserializer.deserialize_option(Text(PhantomData))
}

/// Text; any other value is the empty text. For fields that the API server alone validates: a file may have a number there.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "AnyText")]
pub(super) struct Text(pub(super) Box<str>);

/// A list of texts; any other value is an empty list.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "AnyTexts")]
pub(super) struct Texts(pub(super) Vec<Text>);

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyText {
    Text(Box<str>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyTexts {
    Texts(Vec<Text>),
    Other(IgnoredAny),
}

impl From<AnyText> for Text {
    fn from(any: AnyText) -> Self {
        if let AnyText::Text(text) = any { Self(text) } else { Self::default() }
    }
}

impl From<AnyTexts> for Texts {
    fn from(any: AnyTexts) -> Self {
        if let AnyTexts::Texts(texts) = any { Self(texts) } else { Self::default() }
    }
}
