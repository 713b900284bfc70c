//! The reasons for which the API server refuses an object, as it prints them.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::node::Node;
use crate::finding::is_invisible;
use crate::model::{CLASS_ANNOTATION, FieldPath};

/// A value that the API server refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: FieldPath,
    /// The rule or path that contains it, which identifies it in several versions of the object; may be empty.
    pub place: String,
    /// The reason.
    pub reason: Reason,
    /// What to write instead; may be empty.
    pub help: String,
}

/// The reason of a [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A required value is missing.
    Required(Cow<'static, str>),
    /// The value is not allowed.
    Invalid(BadValue, Cow<'static, str>),
    /// The value is none of those that are allowed.
    Unsupported(BadValue, Cow<'static, str>),
    /// The value is too long, in bytes.
    TooLong(usize),
    /// The value cannot be decoded.
    Undecodable(String),
}

/// A value as the API server prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadValue {
    /// Text, printed in quotation marks.
    Text(String),
    /// JSON.
    Json(String),
}

impl Fault {
    /// Returns the field as the API server names it: an entry of a map by the map, and the class annotation without `metadata`.
    #[must_use]
    pub fn path(&self) -> String {
        let text = self.field.to_string();
        if self.field == FieldPath::annotation(CLASS_ANNOTATION) {
            return format!("annotations.{CLASS_ANNOTATION}");
        }
        match text.split_once('[') {
            Some((map @ ("metadata.annotations" | "metadata.labels"), _)) => map.to_owned(),
            _ => text,
        }
    }

    /// Sets what to write instead.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        self.help = help.into();
    }
}

impl fmt::Display for Reason {
    /// Writes the reason as the API server does, e.g. `Required value: pathType must be specified`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required(detail) if detail.is_empty() => f.write_str("Required value"),
            Self::Required(detail) => write!(f, "Required value: {detail}"),
            Self::Invalid(value, detail) => write!(f, "Invalid value: {value}: {detail}"),
            Self::Unsupported(value, detail) => write!(f, "Unsupported value: {value}: {detail}"),
            Self::TooLong(most) => write!(f, "Too long: may not be more than {most} bytes"),
            Self::Undecodable(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Json(json) => return f.write_str(json),
            Self::Text(text) => text,
        };
        f.write_char('"')?;
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c if is_invisible(c) && u32::from(c) > 0xffff => write!(f, "\\U{:08x}", u32::from(c))?,
                c if is_invisible(c) => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// The faults of one object.
#[derive(Debug, Default)]
pub(super) struct Faults {
    found: Vec<Fault>,
    place: String,
}

impl Faults {
    /// Names the rule or path that the next faults are in.
    pub(super) fn at(&mut self, place: impl Into<String>) {
        self.place = place.into();
    }

    pub(super) fn required(&mut self, node: &Node<'_>, detail: &'static str) -> &mut Fault {
        self.add(node.at.clone(), Reason::Required(detail.into()))
    }

    /// Adds an invalid text.
    pub(super) fn invalid(&mut self, node: &Node<'_>, detail: impl Into<Cow<'static, str>>) -> &mut Fault {
        self.invalid_value(node.at.clone(), BadValue::Text(node.text().to_owned()), detail)
    }

    pub(super) fn invalid_value(
        &mut self,
        field: FieldPath,
        value: BadValue,
        detail: impl Into<Cow<'static, str>>,
    ) -> &mut Fault {
        self.add(field, Reason::Invalid(value, detail.into()))
    }

    pub(super) fn add(&mut self, field: FieldPath, reason: Reason) -> &mut Fault {
        let at = self.found.len();
        self.found.push(Fault { field, place: self.place.clone(), reason, help: String::new() });
        &mut self.found[at]
    }

    pub(super) fn into_inner(self) -> Vec<Fault> {
        self.found
    }
}
