//! `values.schema.json`: its part for `config` is the schema of the configuration file.

use ingress_guard::config::{self, Config};
use serde_json::{Value, json};

use super::{CHART, Helm};

/// Returns the schema of the values. Only the part for `config` is generated.
pub(crate) fn schema() -> String {
    let mut schema: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{CHART}/values.schema.json")).unwrap()).unwrap();
    let mut config = config::schema();
    accept_off(&mut config);
    let fields = config.as_object_mut().unwrap();
    for name in ["$schema", "title"] {
        fields.remove(name);
    }
    // References in a schema begin at its root.
    schema["$defs"] = fields.remove("$defs").unwrap();
    schema["properties"]["config"] = config;
    format!("{schema:#}\n")
}

/// Helm reads `off` as YAML 1.1 does, a boolean. A template writes the word again.
fn accept_off(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("const") == Some(&json!("off")) {
                fields.remove("const");
                fields.remove("type");
                fields.insert("enum".to_owned(), json!(["off", false]));
            }
            for field in fields.values_mut() {
                accept_off(field);
            }
        }
        Value::Array(items) => {
            for item in items {
                accept_off(item);
            }
        }
        _ => {}
    }
}

#[test]
fn misspelt_values_are_refused_by_their_path() {
    let Some(helm) = Helm::find() else { return };
    for (values, path) in [
        (json!({"config": {"profile": "strct"}}), "/config/profile"),
        (json!({"config": {"chekcs": {}}}), "'chekcs'"),
        (json!({"config": {"checks": {"IG201": "refuse"}}}), "/config/checks/IG201"),
        (json!({"config": {"dialects": [{"engine": "apache"}]}}), "/config/dialects/0/engine"),
        (json!({"config": {"checks": {"IG999": "deny"}}}), "/config/checks"),
        (json!({"config": {"rules": "9.9"}}), "/config/rules"),
        (json!({"config": {"namespaces": [{"profile": "observe"}]}}), "/config/namespaces/0"),
        (json!({"config": {"secrets": "watch", "secretNamespaces": ["shop"]}}), "/config/secretNamespaces"),
        (json!({"config": {"waivers": {"checks": ["tls-secret-notfound"]}}}), "/config/waivers/checks/0"),
        (json!({"webhook": {"failurePolicy": "Closed"}}), "/webhook/failurePolicy"),
        (json!({"webhook": {"url": "http://guard.example.com"}}), "/webhook/url"),
        (json!({"webhook": {"timeoutSeconds": 2}}), "/webhook/timeoutSeconds"),
        (json!({"replicaCount": 3}), "'replicaCount'"),
        (json!({"podDisruptionBudget": {"minavailable": 1}}), "'minavailable'"),
        (json!({"livenessProbe": {"httpGet": {"path": "/"}}}), "'httpGet'"),
        (json!({"image": {"digest": "latest"}}), "/image/digest"),
    ] {
        let refusal = helm.refusal(&values);
        assert!(refusal.contains(path), "{path} is not in {refusal}");
    }
}

#[test]
fn levels_that_yaml_reads_as_booleans_stay_words() {
    let Some(helm) = Helm::find() else { return };
    let config = json!({
        "checks": {"IG604": false, "service-not-found": "warn"},
        "secrets": false,
        "discovery": {"mode": false},
        "namespaces": [{"match": "dev", "checks": {"IG201": false}}],
    });
    let rendered = helm.template(&json!({"config": config})).config();
    let expected = json!({
        "profile": "guard",
        "checks": {"IG604": "off", "service-not-found": "warn"},
        "secrets": "off",
        "discovery": {"mode": "off"},
        "namespaces": [{"match": "dev", "checks": {"IG201": "off"}}],
    });
    assert_eq!(serde_saphyr::from_str::<Value>(&rendered).unwrap(), expected);
    Config::parse("config.yaml", &rendered).unwrap();
    // No other key of the configuration has this value.
    let words = config::schema().to_string().matches(r#""const":"off""#).count();
    assert_eq!(words, 3, "the template `ingress-guard.config` converts levels, secrets and discovery.mode");
}

#[test]
fn the_example_configuration_fits_the_schema() {
    let Some(helm) = Helm::find() else { return };
    let example = include_str!("../../../examples/config.yaml");
    let mut config: Value = serde_saphyr::from_str(example).unwrap();
    let rendered = helm.template(&json!({"config": config})).config();
    assert_eq!(config["checks"]["path-exact-root-only"], json!(false));
    config["checks"]["path-exact-root-only"] = json!("off");
    assert_eq!(serde_saphyr::from_str::<Value>(&rendered).unwrap(), config);
    Config::parse("config.yaml", &rendered).unwrap();
}
