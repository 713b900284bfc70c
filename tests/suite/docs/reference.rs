//! `docs/configuration.md`: the key reference, generated from the schema of the configuration file.

use std::fmt::Write as _;

use ingress_guard::config;
use serde_json::Value;

const HEAD: &str = r#"# Configuration

Generated from the schema of the configuration file (`make docs`).

`serve --config FILE` reads one YAML file and [follows it](operations.md#configuration). `check` and `audit` also find `.ingress-guard.yaml` in the working directory or a
parent directory of the same repository. No key is required. [examples/config.yaml](../examples/config.yaml) shows every key, and
[config.schema.json](config.schema.json) is the schema for an editor.

Unknown keys, values and check names are errors with a suggestion:

```text
error: guard.yaml:2:1: unknown key "chekcs"; did you mean "checks"?
```

Flags of the commands, such as `--profile`, override the file. Each flag of `serve` has an environment variable `INGRESS_GUARD_*`.

Editors and Helm use the schema, and refuse most of these errors before a process starts. Three remain: levels for both the code and the name of a check, a
wrong `discovery.selector`, and an override of more than seven days. A process that starts with one of them ends with
exit code 2; a running one keeps the last valid configuration.
"#;

/// Returns the document.
pub(crate) fn configuration() -> String {
    let schema = serde_json::to_value(config::schema()).unwrap();
    let mut text = HEAD.to_owned();
    for (key, value) in schema["properties"].as_object().unwrap() {
        let mut table = "| key | value | default | meaning |\n|---|---|---|---|\n".to_owned();
        rows(&schema, key, value, &mut table);
        let _ = write!(text, "\n## {key}\n\n");
        // The row of a single key has the description already.
        if !table.contains(&format!("| `{key}` |")) {
            let _ = write!(text, "{}\n\n", line(&value["description"]));
        }
        text.push_str(&table);
    }
    text
}

/// Adds a row for each key below `path`.
fn rows(schema: &Value, path: &str, value: &Value, text: &mut String) {
    let target = resolved(schema, value);
    if let Some(properties) = target["properties"].as_object() {
        for (key, value) in properties {
            rows(schema, &format!("{path}.{key}"), value, text);
        }
        return;
    }
    let items = &target["items"];
    if items.is_object() && resolved(schema, items)["properties"].is_object() {
        return rows(schema, &format!("{path}[]"), items, text);
    }
    let default = match &value["default"] {
        Value::Null => String::new(),
        default => format!("`{}`", default.as_str().map_or_else(|| default.to_string(), ToOwned::to_owned)),
    };
    let described = if value["description"].is_string() { value } else { target };
    let meaning = [line(&described["description"]), choices(target)].join(" ");
    let _ = writeln!(text, "| `{path}` | {} | {default} | {} |", form(schema, target), meaning.trim());
}

/// Returns the definition that a schema refers to, also if it may be null.
fn resolved<'a>(schema: &'a Value, value: &'a Value) -> &'a Value {
    let optional = value["anyOf"].as_array().and_then(|any| any.iter().find(|one| one["$ref"].is_string()));
    let value = optional.unwrap_or(value);
    match value["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        Some(name) => &schema["$defs"][name],
        None => value,
    }
}

fn form(schema: &Value, value: &Value) -> String {
    // The names of all checks have a page of their own.
    let choices = value["oneOf"].as_array().or(value["enum"].as_array()).filter(|choices| choices.len() < 20);
    if let Some(choices) = choices {
        let names = choices.iter().map(|choice| choice["const"].as_str().or(choice.as_str()).unwrap_or_default());
        return names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    }
    let kind = match &value["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap_or(&Value::Null),
        kind => kind,
    };
    match kind.as_str() {
        Some("array") => format!("list of {}", form(schema, resolved(schema, &value["items"]))),
        Some("object") => format!("map to {}", form(schema, resolved(schema, &value["additionalProperties"]))),
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("integer") => "number".to_owned(),
        Some("string") => "text".to_owned(),
        other => panic!("a value of type {other:?}: {value}"),
    }
}

fn choices(value: &Value) -> String {
    let described = value["oneOf"].as_array().into_iter().flatten();
    let lines = described
        .filter_map(|choice| Some(format!("`{}`: {}", choice["const"].as_str()?, line(choice.get("description")?))));
    lines.collect::<Vec<_>>().join(" ")
}

/// Returns the text on one line of a table.
fn line(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}
