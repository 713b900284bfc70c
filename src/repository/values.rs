//! The documents of a YAML file as JSON values.

use std::path::Path;

use serde_json::{Map, Value};

use crate::file;
use crate::yaml::{Lines, SyntaxError, Tree, directive, documents};

/// The most bytes of a file that describes how manifests are made.
const LARGEST: u64 = 4 << 20;

/// Reads the documents of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Value>, String> {
    let text = file::read_text(path, LARGEST).map_err(|error| error.to_string())?;
    of(&text)
}

/// The documents of a text; the first problem, if one cannot be parsed.
pub(super) fn of(text: &str) -> Result<Vec<Value>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut values = Vec::new();
    let mut directives = None;
    for bytes in documents(text) {
        let start = directives.take().unwrap_or(bytes.start);
        if bytes.end < text.len() && is_directives(&text[bytes.clone()]) {
            directives = Some(start);
            continue;
        }
        let tree = Tree::parse(&text[start..bytes.end]).map_err(|SyntaxError { at, reason }| {
            let line = Lines::of(text).position(start + at).0;
            format!("line {line}: {reason}")
        })?;
        values.extend(tree.map(|tree| tree.root().to_json()).filter(|value| !value.is_null()));
    }
    Ok(values)
}

/// Whether a part of a stream has directives alone, such as `%YAML 1.1`. Unlike kubectl, kustomize and helm accept them before the
/// marker of a document.
fn is_directives(part: &str) -> bool {
    directive(part).is_some() && part.lines().all(|line| line.trim().is_empty() || line.starts_with(['%', '#']))
}

/// Returns the text at a path of keys.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str()
}

/// Returns the value at a path of keys.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Returns the items of a list at a path of keys; none if there is no list.
pub(super) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns a value with all keys in lower case, as Go compares the names of fields. An object with two keys that differ in their
/// letters alone is an error: which one counts is not certain.
pub(super) fn with_lower_case_keys(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(fields) => {
            let mut lower = Map::new();
            for (key, value) in fields {
                let name = key.to_lowercase();
                if lower.insert(name, with_lower_case_keys(value)?).is_some() {
                    return Err(format!("the field {key:?} is ambiguous"));
                }
            }
            Ok(lower.into())
        }
        Value::Array(items) => {
            items.into_iter().map(with_lower_case_keys).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        other => Ok(other),
    }
}
