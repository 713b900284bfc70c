//! The parts of the text of a manifest file that can be read apart from each other.

use std::ops::Range;

use serde_json::value::RawValue;

/// The bytes of a part of a text from which another thread pays off.
const SHARE: usize = 64 << 10;

/// A part of a text: some documents of a YAML stream, or a whole text.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Range<usize>,
    pub(super) is_json: bool,
}

/// Splits a text into parts that can be read apart, as kubectl does: it is JSON if it begins with a brace and is valid, else YAML.
/// A file whose name ends in `.json` is JSON.
pub(super) fn parts(text: &str, is_json: bool) -> Vec<Part> {
    if is_json || (text.trim_start().starts_with('{') && values(text).all(|value| value.is_ok())) {
        return vec![Part { bytes: 0..text.len(), is_json: true }];
    }
    let (mut parts, mut start) = (Vec::new(), 0);
    for at in markers(text) {
        if at - start >= SHARE && !is_directives(&text[start..at]) {
            parts.push(Part { bytes: start..at, is_json });
            start = at;
        }
    }
    parts.push(Part { bytes: start..text.len(), is_json });
    parts
}

/// The values of a JSON stream. The position of the next one is unknown after a broken one.
pub(super) fn values(text: &str) -> impl Iterator<Item = serde_json::Result<&RawValue>> {
    serde_json::Deserializer::from_str(text).into_iter()
}

/// The byte offsets of the markers of a YAML stream: `---` at the beginning of a line, alone or before a blank.
pub(super) fn markers(text: &str) -> impl Iterator<Item = usize> {
    let first = text.starts_with("---").then_some(0);
    let lines = first.into_iter().chain(text.match_indices("\n---").map(|(at, _)| at + 1));
    lines.filter(|at| text[at + 3..].chars().next().is_none_or(char::is_whitespace))
}

/// Whether a part of a stream contains only directives and comments, so that its document follows.
pub(super) fn is_directives(text: &str) -> bool {
    let mut rows = text.lines().map(str::trim_end).filter(|row| !row.is_empty() && !row.starts_with('#')).peekable();
    rows.peek().is_some() && rows.all(|row| row.starts_with('%'))
}
