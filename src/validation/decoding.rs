//! Decoding: fields that the API does not have, and values that do not fit their fields.

use jiff::Timestamp;
use serde_json::Value;

use super::fault::{Fault, Faults, Reason};
use super::node::{is_unknown, number};
use super::schema::{Field, Struct, Type};
use crate::model::FieldPath;
use crate::model::suggest::nearest;

/// A field that the API does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// The field.
    pub field: FieldPath,
    /// Its name.
    pub name: String,
    /// The name of a field beside it that was probably meant.
    pub meant: Option<&'static str>,
    /// The place of a field of this name in the object, if there is one elsewhere.
    pub belongs_to: Option<String>,
}

/// Returns the fields of an object that its type does not have, in the order of the manifest.
pub(super) fn unknown_fields(value: &Value, of: &'static Struct) -> Vec<UnknownField> {
    let mut unknown = Vec::new();
    if knows(value, &Type::Object(of)) {
        return unknown;
    }
    collect_unknown(value, &Type::Object(of), &FieldPath::default(), of, &mut unknown);
    unknown
}

/// Whether a type has all fields of a value. Nearly always so: places are recorded only otherwise.
fn knows(value: &Value, of: &Type) -> bool {
    match (of, value) {
        (Type::Object(of), Value::Object(entries)) => {
            entries.iter().all(|(name, value)| of.field(name).is_some_and(|field| knows(value, &field.of)))
        }
        (Type::List(of), Value::Array(items)) => items.iter().all(|item| knows(item, of)),
        _ => true,
    }
}

fn collect_unknown(value: &Value, of: &Type, at: &FieldPath, root: &'static Struct, out: &mut Vec<UnknownField>) {
    match (of, value) {
        (Type::Object(of), Value::Object(entries)) => {
            for (name, value) in entries {
                match of.field(name) {
                    Some(field) => collect_unknown(value, &field.of, &at.clone().field(field.name), root, out),
                    None => out.push(UnknownField {
                        field: at.clone().unknown(name),
                        name: name.clone(),
                        meant: meant(name, of),
                        belongs_to: place_of(name, root, ""),
                    }),
                }
            }
        }
        (Type::List(of), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                collect_unknown(item, of, &at.clone().index(index), root, out);
            }
        }
        _ => {}
    }
}

/// Returns the field that a name was probably meant for: nearly the same name, or a longer one.
fn meant(name: &str, of: &Struct) -> Option<&'static str> {
    let names = || of.fields.iter().map(|field| field.name);
    let is_start = |longer: &&'static str| name.len() > 3 && longer.to_lowercase().starts_with(&name.to_lowercase());
    nearest(name, names()).or_else(|| names().find(is_start))
}

/// Returns the place of the first field of this name, such as `spec.rules[].http.paths`.
fn place_of(name: &str, of: &'static Struct, at: &str) -> Option<String> {
    let below = |field: &'static Field| {
        let at = if at.is_empty() { field.name.to_owned() } else { format!("{at}.{}", field.name) };
        if field.name == name {
            return Some(at);
        }
        match &field.of {
            Type::Object(of) => place_of(name, of, &at),
            Type::List(Type::Object(of)) => place_of(name, of, &format!("{at}[]")),
            _ => None,
        }
    };
    // The status is written by controllers.
    of.fields
        .iter()
        .filter(|field| !matches!(field.name, "status" | "ownerReferences" | "managedFields"))
        .find_map(below)
}

/// Returns the values that do not fit their fields, except placeholders.
pub(super) fn misfits(value: &Value, of: &'static Struct) -> Vec<Fault> {
    if fits_throughout(value, &Type::Object(of)) {
        return Vec::new();
    }
    let mut faults = Faults::default();
    let mut go = Go { holder: of.name, fields: Vec::new() };
    collect_misfits(value, &Type::Object(of), &FieldPath::default(), &mut go, &mut faults);
    faults.into_inner()
}

/// Whether a value fits its type, and each part of it. Nearly always so: places are recorded only otherwise.
fn fits_throughout(value: &Value, of: &Type) -> bool {
    match (of, value) {
        (Type::Object(of), Value::Object(entries)) => {
            entries.iter().all(|(name, value)| of.field(name).is_none_or(|field| fits_throughout(value, &field.of)))
        }
        (Type::List(of), Value::Array(items)) => items.iter().all(|item| fits_throughout(item, of)),
        (Type::Map, Value::Object(entries)) => entries.values().all(|value| fits(value, &TEXT)),
        _ => fits(value, of),
    }
}

/// The place of a value as Go's decoder names it.
struct Go {
    /// The struct that holds the field.
    holder: &'static str,
    /// The fields from the root on, without indexes.
    fields: Vec<&'static str>,
}

fn collect_misfits(value: &Value, of: &Type, at: &FieldPath, go: &mut Go, out: &mut Faults) {
    match (of, value) {
        (Type::Object(of), Value::Object(entries)) => {
            let holder = go.holder;
            for (name, value) in entries {
                let Some(field) = of.field(name) else { continue };
                let depth = go.fields.len();
                go.holder = of.name;
                go.fields.extend(field.embedded.iter().copied().chain([field.name]));
                collect_misfits(value, &field.of, &at.clone().field(field.name), go, out);
                go.fields.truncate(depth);
            }
            go.holder = holder;
        }
        (Type::List(of), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                collect_misfits(item, of, &at.clone().index(index), go, out);
            }
        }
        (Type::Map, Value::Object(entries)) => {
            for (key, value) in entries {
                if !fits(value, &TEXT) {
                    out.add(at.clone().key(key), undecodable(value, &TEXT, go)).help(advice(value, &TEXT));
                }
            }
        }
        _ if fits(value, of) || is_unknown(value) => {}
        _ => out.add(at.clone(), undecodable(value, of, go)).help(advice(value, of)),
    }
}

const TEXT: Type = Type::Text("string");

/// Whether a value has the type of its field; a list or an object of the right type may contain values that do not fit.
fn fits(value: &Value, of: &Type) -> bool {
    match (of, value) {
        (_, Value::Null)
        | (Type::Any, _)
        | (Type::Text(_) | Type::IntOrText, Value::String(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::List(_), Value::Array(_))
        | (Type::Map | Type::Object(_), Value::Object(_)) => true,
        (Type::Int32 | Type::IntOrText, _) => number(value).is_some_and(|number| i32::try_from(number).is_ok()),
        (Type::Int64, _) => number(value).is_some(),
        (Type::Time, Value::String(text)) => text.parse::<Timestamp>().is_ok(),
        _ => false,
    }
}

/// Returns the error of Go's decoder.
fn undecodable(value: &Value, of: &Type, go: &Go) -> Reason {
    let of = match (value, of) {
        (Value::String(text), Type::Time) => {
            return Reason::Undecodable(format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\""));
        }
        (_, of) => of.go(),
    };
    let json = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::Number(number) if of.starts_with("int") => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
    };
    let Go { holder, fields } = go;
    let fields = fields.join(".");
    Reason::Undecodable(format!("json: cannot unmarshal {json} into Go struct field {holder}.{fields} of type {of}"))
}

/// Returns what to write instead.
fn advice(value: &Value, of: &Type) -> String {
    match (of, value) {
        (Type::Text(_), Value::Number(_) | Value::Bool(_)) => format!("quote it: \"{value}\""),
        (Type::Int32 | Type::Int64, Value::String(text)) if text.parse::<i32>().is_ok() => {
            format!("write {text} without quotation marks")
        }
        (Type::List(_), Value::Object(_) | Value::String(_)) => "write a list".to_owned(),
        _ => String::new(),
    }
}

/// Returns a value without the parts that do not fit.
pub(super) fn fitting(value: &Value, of: &'static Struct) -> Value {
    fitting_type(value, &Type::Object(of))
}

fn fitting_type(value: &Value, of: &Type) -> Value {
    match (of, value) {
        (Type::Object(of), Value::Object(entries)) => {
            let known = entries.iter().filter_map(|(name, value)| Some((name, value, of.field(name)?)));
            known.map(|(name, value, field)| (name.clone(), fitting_type(value, &field.of))).collect()
        }
        (Type::Map, Value::Object(entries)) => {
            entries.iter().map(|(key, value)| (key.clone(), fitting_type(value, &TEXT))).collect()
        }
        (Type::List(of), Value::Array(items)) => items.iter().map(|item| fitting_type(item, of)).collect(),
        (Type::Int32 | Type::Int64, _) => number(value).filter(|_| fits(value, of)).into(),
        _ if fits(value, of) => value.clone(),
        _ => Value::Null,
    }
}
