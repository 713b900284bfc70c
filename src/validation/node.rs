//! A value of a manifest with its place. Absent and `null` are the zero value of a type, as in Go.

use serde_json::Value;

use crate::model::FieldPath;
use crate::model::placeholder::is_placeholder;

/// A value with its place in the object.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    value: Option<&'a Value>,
    pub(super) at: FieldPath,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value: Some(value), at: FieldPath::default() }
    }

    pub(super) fn field(&self, name: &'static str) -> Self {
        Self { value: self.value.and_then(|value| value.get(name)), at: self.at.clone().field(name) }
    }

    /// The same value, reported at another place.
    pub(super) fn reported_at(self, at: FieldPath) -> Self {
        Self { at, ..self }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> {
        let items = self.value.and_then(Value::as_array).into_iter().flatten();
        items.enumerate().map(|(index, value)| Self { value: Some(value), at: self.at.clone().index(index) })
    }

    /// The keys and texts of a map.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let entries = self.value.and_then(Value::as_object).into_iter().flatten();
        entries.map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
    }

    pub(super) fn text(&self) -> &'a str {
        self.value.and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self) -> i64 {
        self.value.and_then(number).unwrap_or_default()
    }

    /// Whether it is neither absent nor `null`.
    pub(super) fn is_set(&self) -> bool {
        self.value.is_some_and(|value| !value.is_null())
    }

    /// Whether a placeholder stands in its place.
    pub(super) fn is_unknown(&self) -> bool {
        self.value.is_some_and(is_unknown)
    }
}

/// Whether a value is text with a placeholder.
pub(super) fn is_unknown(value: &Value) -> bool {
    value.as_str().is_some_and(is_placeholder)
}

/// Returns the integer of a number. YAML writes `80.0` for it as well.
pub(super) fn number(value: &Value) -> Option<i64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "the number is an integer below 2^53")]
    let of_float = |float: f64| (float.fract() == 0.0 && float.abs() <= MOST).then_some(float as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(of_float))
}
