//! Writes scalars as YAML in the style of the value they replace.

use serde_json::Value;

use crate::yaml::ScalarStyle;

/// Writes a scalar in this style if possible, else in quotes.
pub(super) fn write(value: &Value, style: ScalarStyle) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(_) | Value::Bool(_) => return Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(match style {
        ScalarStyle::SingleQuoted if !text.contains(char::is_control) => single_quoted(text),
        ScalarStyle::Plain if is_plain(text) => text.clone(),
        ScalarStyle::Plain if text.contains(['\\', '"']) && !text.contains(char::is_control) => single_quoted(text),
        // JSON strings are valid YAML.
        _ => value.to_string(),
    })
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a text is a plain scalar in every context. Errs on the side of quotes.
fn is_plain(text: &str) -> bool {
    let may_begin = |first: char| first.is_ascii_alphabetic() || first == '/';
    let may_hold = |character: char| character.is_ascii_alphanumeric() || "/-_.$()+*?^|~=%;@<>".contains(character);
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(may_begin)
        && text.chars().all(may_hold)
        && !words.iter().any(|word| text.eq_ignore_ascii_case(word))
}
