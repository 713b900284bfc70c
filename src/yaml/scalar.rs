//! The values of scalars and the texts of keys, as go-yaml v2 resolves them and `sigs.k8s.io/yaml` converts them to JSON.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use granit_parser::Tag;

/// The value of a scalar as JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer, also one that is written as `80.0`.
    Integer(i64),
    /// An integer above those of 64 bits with a sign.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
}

/// The prefix of the tags of YAML's own types, written as `!!`.
const CORE: &str = "tag:yaml.org,2002:";

/// Integers below are exact as floating-point numbers, and JSON has them without an exponent.
const EXACT: f64 = 9.2e18;

/// Returns the value of a scalar. `is_plain` means without quotes.
///
/// # Errors
/// If the text does not fit the tag.
pub(super) fn resolve<'a>(text: Cow<'a, str>, tag: Option<&Tag>, is_plain: bool) -> Result<Scalar<'a>, String> {
    let Some(tag) = tag.filter(|tag| !(tag.handle() == "!" && tag.suffix().is_empty())) else {
        return Ok(if is_plain || tag.is_some() { plain(text) } else { Scalar::Text(text) });
    };
    let core = tag.suffix_in_namespace(CORE);
    let value = match core.as_deref() {
        Some("bool" | "int" | "float" | "null") => plain(text),
        Some("binary") => return binary(&text),
        // Other tags have no meaning for JSON.
        _ => return Ok(Scalar::Text(text)),
    };
    let value = match value {
        #[expect(clippy::cast_precision_loss, reason = "the tag asks for a floating-point number")]
        Scalar::Integer(number) if core.as_deref() == Some("float") => Scalar::Float(number as f64),
        value => value,
    };
    match (core.as_deref(), &value) {
        (Some("bool"), Scalar::Bool(_))
        | (Some("int"), Scalar::Integer(_) | Scalar::Unsigned(_))
        | (Some("float"), Scalar::Float(_))
        | (Some("null"), Scalar::Null) => Ok(value),
        (kind, _) => Err(format!("the value is not of the type !!{}", kind.unwrap_or_default())),
    }
}

/// Returns the value of a scalar without quotes and tags.
fn plain(text: Cow<'_, str>) -> Scalar<'_> {
    match text.as_bytes().first() {
        None | Some(b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O') => word(&text),
        Some(b'.') => special(&text).or_else(|| finite(&text.replace('_', "")).map(Scalar::Float)),
        Some(b'0'..=b'9' | b'+' | b'-') => special(&text).or_else(|| number(&text.replace('_', ""))),
        Some(_) => None,
    }
    .unwrap_or(Scalar::Text(text))
}

fn word<'a>(text: &str) -> Option<Scalar<'a>> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        _ => return None,
    })
}

fn special<'a>(text: &str) -> Option<Scalar<'a>> {
    let (sign, name) = match text.as_bytes() {
        [b'+', ..] => (1.0, &text[1..]),
        [b'-', ..] => (-1.0, &text[1..]),
        _ => (1.0, text),
    };
    match name {
        ".inf" | ".Inf" | ".INF" => Some(Scalar::Float(sign * f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if name.len() == text.len() => Some(Scalar::Float(f64::NAN)),
        _ => None,
    }
}

/// Go's `strconv.ParseInt` with base 0, `ParseUint`, then a decimal number with a fraction or exponent.
fn number<'a>(text: &str) -> Option<Scalar<'a>> {
    let (sign, digits) = match text.as_bytes() {
        [b'+', ..] => ("", &text[1..]),
        [b'-', ..] => ("-", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) {
        if let Ok(number) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
            return Some(Scalar::Integer(number));
        }
        if !text.starts_with(['+', '-'])
            && let Ok(number) = u64::from_str_radix(digits, radix)
        {
            return Some(Scalar::Unsigned(number));
        }
    }
    let is_decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if is_decimal { finite(text).map(Scalar::Float) } else { None }
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A value in base64, of which bytes that are not UTF-8 are replaced.
fn binary<'a>(text: &str) -> Result<Scalar<'a>, String> {
    let bytes = BASE64_STANDARD.decode(text.replace(['\r', '\n'], ""));
    let bytes = bytes.map_err(|_| "the value of !!binary is not valid base64".to_owned())?;
    let text = bytes.utf8_chunks().map(|chunk| chunk.valid().to_owned() + &"\u{fffd}".repeat(chunk.invalid().len()));
    Ok(Scalar::Text(text.collect::<String>().into()))
}

impl<'a> Scalar<'a> {
    /// Returns the value in JSON: a number without a fraction is an integer, and infinity does not exist.
    pub(super) fn in_json(self) -> Result<Self, String> {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "it is an integer below the limit")]
            Self::Float(number) if number.fract() == 0.0 && number.abs() < EXACT => Ok(Self::Integer(number as i64)),
            Self::Float(number) if !number.is_finite() => Err("JSON has no value for infinity and .nan".to_owned()),
            other => Ok(other),
        }
    }

    /// Returns the text of a key. JSON has only texts as keys.
    pub(super) fn into_key(self) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Bool(value) => Ok(Cow::Borrowed(if value { "true" } else { "false" })),
            Self::Integer(number) => Ok(number.to_string().into()),
            Self::Float(number) => Ok(float_key(number).into()),
            Self::Null => Err("null cannot be a key".to_owned()),
            Self::Unsigned(_) => Err("the number is too large for a key".to_owned()),
        }
    }
}

/// Go's `strconv.FormatFloat(number, 'g', -1, 32)`.
#[expect(clippy::cast_possible_truncation, reason = "Go formats 32 bits")]
fn float_key(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    let number = number as f32;
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}
