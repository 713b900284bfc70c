//! The JSON schema of the configuration file, for editors and for the values of the chart.

use serde_json::{Map, Value, json};

use super::raw::RawConfig;
use crate::checks::{self, Release};

/// A line of text, as for reasons: not blank, without control characters.
const LINE: &str = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$";
/// A line that may be empty.
const OPTIONAL_LINE: &str = r"^[^\x00-\x1f\x7f]*$";
const DATE: &str = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
/// Without seconds too.
const TIME: &str = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)";
const CONFIG_MAP: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?$";
const VERSION: &str = r"^(unknown|v?[0-9]+\.[0-9]+\.[0-9]+)$";
const HOST: &str = r"^(\*|(\*\.)?[^*]*[^*.][^*]*)$";

/// Returns the JSON schema of the configuration file.
///
/// It refuses what [`Config::parse`](super::Config::parse) refuses, as far as a schema can express it. The end of an override within
/// seven days, one level for the code and the name of a check, and the syntax of label selectors are beyond it.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(RawConfig).to_value();
    let names: Vec<&str> = checks::ALL.iter().flat_map(|check| [check.code, check.name]).collect();
    // Properties, and not names of properties that match a list: Helm prints a wrong place for those.
    let keys: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!(true))).collect();
    let codes = codes();
    let definitions = json!({
        "CheckName": {
            "description": "A check, by code or name.",
            "type": "string",
            "anyOf": [{"enum": names}, {"pattern": codes}],
        },
        "ByCheckName": {"properties": keys, "patternProperties": {codes: true}, "additionalProperties": false},
    });
    for (place, more) in constraints().into_iter().chain([("/$defs", definitions)]) {
        let (Some(Value::Object(at)), Value::Object(more)) = (schema.pointer_mut(place), more) else { continue };
        merge(at, more);
    }
    schema
}

/// What the types of the keys do not say, by the place in the schema.
fn constraints() -> Vec<(&'static str, Value)> {
    let check = json!({"$ref": "#/$defs/CheckName"});
    let by_check = || json!({"allOf": [{"$ref": "#/$defs/ByCheckName"}]});
    let line = || json!({"pattern": LINE, "maxLength": 120});
    let releases: Vec<String> = releases().map(|release| release.to_string()).chain(["latest".to_owned()]).collect();
    vec![
        (
            "",
            json!({
                "if": {"properties": {"secrets": {"const": "watch"}}, "required": ["secrets"]},
                "then": {"properties": {"secretNamespaces": {"maxItems": 0}}},
            }),
        ),
        ("/properties/checks", by_check()),
        ("/properties/rules", json!({"enum": releases})),
        ("/properties/support", json!({"pattern": OPTIONAL_LINE, "maxLength": 120})),
        ("/$defs/RawNamespace", json!({"oneOf": [{"required": ["match"]}, {"required": ["selector"]}]})),
        ("/$defs/RawNamespace/properties/checks", by_check()),
        ("/$defs/RawDialectMatch", json!({"minProperties": 1, "maxProperties": 1})),
        ("/$defs/RawDialect/properties/version", json!({"pattern": VERSION})),
        ("/$defs/RawDialect/properties/configMap", json!({"pattern": CONFIG_MAP})),
        ("/$defs/RawDiscovery/properties/selector", json!({"pattern": r"\S"})),
        ("/$defs/RawHostOwnership/properties/hosts/items", json!({"pattern": HOST})),
        ("/$defs/RawException/properties/checks", json!({"minItems": 1, "items": check})),
        ("/$defs/RawException/properties/owner", line()),
        ("/$defs/RawException/properties/reason", line()),
        ("/$defs/RawException/properties/until", json!({"pattern": format!("^{DATE}$")})),
        ("/$defs/RawWaiverBounds/properties/checks", json!({"items": check})),
        (
            "/$defs/RawOverride",
            json!({"anyOf": [
                {"required": ["profile"]},
                {"required": ["checks"], "properties": {"checks": {"minProperties": 1}}},
            ]}),
        ),
        (
            "/$defs/RawOverride/properties/checks",
            json!({
                "allOf": [{"$ref": "#/$defs/ByCheckName"}],
                "additionalProperties": {"type": "string", "enum": ["audit", "warn"]},
            }),
        ),
        ("/$defs/RawOverride/properties/reason", line()),
        ("/$defs/RawOverride/properties/until", json!({"pattern": format!("^{DATE}[T ]{TIME}$")})),
    ]
}

/// The pattern of the codes of checks in any case.
fn codes() -> String {
    let numbers: Vec<&str> = checks::ALL.iter().map(|check| check.code.trim_start_matches("IG")).collect();
    format!("^[Ii][Gg]({})$", numbers.join("|"))
}

/// The releases whose rules this program has.
fn releases() -> impl Iterator<Item = Release> {
    (Release::FIRST.1..=Release::CURRENT.1).map(|minor| Release(Release::FIRST.0, minor))
}

fn merge(at: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        at.insert(key, value);
    }
}
