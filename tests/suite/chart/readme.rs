//! `chart/README.md`: generated from `README.md.gotmpl` and the comments of `values.yaml` by the conventions of helm-docs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::{CHART, values};

/// The place of the table in the template.
const TABLE: &str = "{{ template \"chart.valuesSection\" . }}";

/// Returns the document.
pub(crate) fn readme() -> String {
    let template = fs::read_to_string(format!("{CHART}/README.md.gotmpl")).unwrap();
    assert!(template.contains(TABLE), "README.md.gotmpl does not contain {TABLE}");
    template.replace(TABLE, &table())
}

/// Returns the section with all values, in the order of their names.
fn table() -> String {
    let descriptions = descriptions(&fs::read_to_string(format!("{CHART}/values.yaml")).unwrap());
    let (values, mut rows) = (values(), Vec::new());
    collect("", &values, &descriptions, &mut rows);
    let mut table =
        String::from("## Values\n\n| Key | Type | Default | Description |\n|-----|------|---------|-------------|\n");
    for (path, value) in rows {
        let kind = match value {
            Value::Bool(_) => "bool",
            Value::Number(_) => "int",
            Value::Null | Value::String(_) => "string",
            Value::Array(_) => "list",
            Value::Object(_) => "object",
        };
        let _ = writeln!(table, "| {path} | {kind} | `{value}` | {} |", descriptions[path.as_str()]);
    }
    table.trim_end().to_owned()
}

/// A value is one row if it has a description. A map without one is a row for each of its values.
fn collect<'v>(
    path: &str,
    value: &'v Value,
    descriptions: &BTreeMap<String, String>,
    rows: &mut Vec<(String, &'v Value)>,
) {
    if descriptions.contains_key(path) {
        return rows.push((path.to_owned(), value));
    }
    let Value::Object(fields) = value else { panic!("values.yaml: {path} has no description (# -- …)") };
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(&path, value, descriptions, rows);
    }
}

/// Returns the descriptions, which begin with `# --` above a key, by the path of the key.
fn descriptions(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut parents: Vec<(usize, &str)> = Vec::new();
    let mut description = String::new();
    for line in text.lines() {
        let content = line.trim_start();
        if let Some(first) = content.strip_prefix("# -- ") {
            first.clone_into(&mut description);
            continue;
        }
        if let Some(more) = content.strip_prefix("# ").filter(|_| !description.is_empty()) {
            let _ = write!(description, " {more}");
            continue;
        }
        let text = std::mem::take(&mut description);
        let Some((key, _)) = content.split_once(':').filter(|_| !content.starts_with(['#', '-'])) else { continue };
        let depth = line.len() - content.len();
        parents.retain(|(parent, _)| *parent < depth);
        parents.push((depth, key));
        if !text.is_empty() {
            let path: Vec<&str> = parents.iter().map(|(_, key)| *key).collect();
            found.insert(path.join("."), text);
        }
    }
    found
}

#[test]
fn descriptions_belong_to_the_key_below_them() {
    let text =
        "# A comment.\na:\n  # -- First\n  # line.\n  b: 1\n  # Not a description.\n  c: 2\n# -- List.\nd:\n  - e: 1\n";
    let expected = [("a.b", "First line."), ("d", "List.")].map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(descriptions(text), BTreeMap::from(expected));
}
