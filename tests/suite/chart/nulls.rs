//! A key without a value, as in a values file in which the lines below the key are comments.

use std::fs;
use std::process::Command;

use serde_json::{Map, Value, json};

use super::{CHART, Helm, values};

/// The parts that are off by default. With them, each template reads its values.
const PARTS: [&str; 7] = [
    "autoscaling",
    "flowSchema",
    "grafanaDashboard",
    "networkPolicy",
    "prometheusRule",
    "serviceMonitor",
    "startupCheck",
];

/// The releases that share the keys: a rendering for each key would take a minute.
const RELEASES: usize = 16;

/// A key, and whether the schema requires a value.
struct Key {
    path: Vec<String>,
    is_required: bool,
}

fn keys() -> Vec<Key> {
    fn collect(path: &[String], values: &Map<String, Value>, schema: &Value, found: &mut Vec<Key>) {
        for (name, value) in values {
            let path = [path, std::slice::from_ref(name)].concat();
            let required = schema["required"].as_array();
            let is_required = required.is_some_and(|required| required.contains(&json!(name)));
            if let Value::Object(fields) = value {
                collect(&path, fields, &schema["properties"][name], found);
            }
            found.push(Key { path, is_required });
        }
    }
    let schema = fs::read_to_string(format!("{CHART}/values.schema.json")).unwrap();
    let (mut found, schema) = (Vec::new(), serde_json::from_str(&schema).unwrap());
    collect(&[], values().as_object().unwrap(), &schema, &mut found);
    found
}

/// Renders one release of the chart for each set of keys without a value, in one run of Helm.
fn render(helm: &Helm, releases: &[Vec<&Key>]) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let charts = folder.path().join("charts");
    fs::create_dir(&charts).unwrap();
    assert!(Command::new("cp").arg("-r").arg(CHART).arg(charts.join("ingress-guard")).status().unwrap().success());
    let alias = |release: usize| format!("release{release}");
    let dependency = |release: usize| json!({"name": "ingress-guard", "version": ">=0-0", "alias": alias(release)});
    let dependencies: Vec<Value> = (0..releases.len()).map(dependency).collect();
    let chart = json!({"apiVersion": "v2", "name": "umbrella", "version": "0.1.0", "dependencies": dependencies});
    fs::write(folder.path().join("Chart.yaml"), chart.to_string()).unwrap();
    let mut all = json!({});
    for (release, keys) in releases.iter().enumerate() {
        let mut values: Value = PARTS.iter().map(|part| ((*part).to_owned(), json!({"enabled": true}))).collect();
        for key in keys {
            let at = key.path.iter().fold(&mut values, |at, name| &mut at[name]);
            *at = Value::Null;
        }
        all[alias(release)] = values;
    }
    helm.run(folder.path().to_str().unwrap(), &all)
}

#[test]
fn a_key_without_a_value_has_no_effect_or_is_refused_by_its_name() {
    let Some(helm) = Helm::find() else { return };
    let keys = keys();
    let (required, optional): (Vec<&Key>, Vec<&Key>) = keys.iter().partition(|key| key.is_required);
    assert!(required.len() > 50 && optional.len() > 100, "{} {}", required.len(), optional.len());

    // A section without a value hides its keys, so that sections and their keys are in different releases.
    let mut releases: Vec<Vec<&Key>> = (0..RELEASES).map(|_| Vec::new()).collect();
    for (position, key) in optional.into_iter().enumerate() {
        let half = RELEASES / 2;
        releases[position % half + if key.path.len() == 1 { half } else { 0 }].push(key);
    }
    let output = render(&helm, &releases);
    let errors = String::from_utf8_lossy(&output.stderr);
    let names: Vec<Vec<String>> =
        releases.iter().map(|keys| keys.iter().map(|key| key.path.join(".")).collect()).collect();
    assert!(output.status.success(), "{errors}\n{names:#?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for artefact in ["<nil>", "<no value>", "%!"] {
        assert!(!text.contains(artefact), "{artefact}");
    }

    let releases: Vec<Vec<&Key>> = required.iter().map(|key| vec![*key]).collect();
    let output = render(&helm, &releases);
    let errors = String::from_utf8_lossy(&output.stderr);
    for (release, key) in required.iter().enumerate() {
        let (name, section) = key.path.split_last().unwrap();
        let root = if section.is_empty() { "" } else { "/" };
        let path = section.join("/");
        let expected = format!("release{release}:\n- at '{root}{path}': missing property '{name}'\n");
        assert!(errors.contains(&expected), "{expected}{errors}");
    }
}
