//! The parts of the text of a manifest file that can be read apart from each other.

use std::ops::Range;

use serde_json::value::RawValue;

use crate::model::placeholder::with_numbers;
use crate::yaml::documents;

/// The bytes of a part of a text from which another thread pays off.
const SHARE: usize = 64 << 10;

/// A part of a text: some documents of a YAML stream, or a whole text.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Range<usize>,
    pub(super) is_json: bool,
}

/// Splits a text into parts that can be read apart, as kubectl does: it is JSON if it begins with a brace and is valid, else YAML.
/// A file whose name ends in `.json` is JSON. Placeholders may stand for numbers in it.
pub(super) fn parts(text: &str, is_json: bool) -> Vec<Part> {
    if is_json || (text.trim_start().starts_with('{') && values(&with_numbers(text)).all(|value| value.is_ok())) {
        return vec![Part { bytes: 0..text.len(), is_json: true }];
    }
    let (mut parts, mut start) = (Vec::new(), 0);
    for document in documents(text) {
        if document.end - start >= SHARE || document.end == text.len() {
            parts.push(Part { bytes: start..document.end, is_json });
            start = document.end;
        }
    }
    parts
}

/// The values of a JSON stream. The position of the next one is unknown after a broken one.
pub(super) fn values(text: &str) -> impl Iterator<Item = serde_json::Result<&RawValue>> {
    serde_json::Deserializer::from_str(text).into_iter()
}
