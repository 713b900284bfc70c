//! Argo CD: Applications whose source is a directory of the repository
//! (<https://argo-cd.readthedocs.io/en/stable/user-guide/application-specification/>).

use serde_json::Value;

use super::deployment::{Deployment, inline};
use super::values::{at, items, text};

pub(super) const GROUP: &str = "argoproj.io/";

/// Returns what an Application applies. One of an `ApplicationSet` is a template, and therefore not known.
pub(super) fn deployments(document: &Value) -> Vec<Deployment> {
    let is_application = text(document, &["apiVersion"]).is_some_and(|version| version.starts_with(GROUP))
        && text(document, &["kind"]) == Some("Application");
    if !is_application {
        return Vec::new();
    }
    let sources = at(document, &["spec", "source"]).into_iter().chain(items(document, &["spec", "sources"]));
    sources.filter_map(|source| deployment(document, source)).collect()
}

fn deployment(document: &Value, source: &Value) -> Option<Deployment> {
    let path = text(source, &["path"])?;
    let has = |path: &[&str]| {
        at(source, path).is_some_and(|value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
    };
    let is_true = |path: &[&str]| at(source, path).and_then(Value::as_bool) == Some(true);
    let files: Vec<&str> = items(source, &["helm", "valueFiles"]).iter().filter_map(Value::as_str).collect();
    // `$name` is a file of another source.
    let is_elsewhere = |file: &&str| file.starts_with('$') || file.contains("://");
    let below_root = |file: &&str| match file.strip_prefix('/') {
        Some(file) => file.to_owned(),
        None => format!("{path}/{file}"),
    };
    let name = text(document, &["metadata", "name"]).unwrap_or_default();
    Some(Deployment {
        path: path.to_owned(),
        namespace: text(document, &["spec", "destination", "namespace"]).map(str::to_owned),
        is_changed: has(&["kustomize"])
            || has(&["directory", "include"])
            || has(&["directory", "exclude"])
            || has(&["directory", "jsonnet"])
            || has(&["helm", "parameters"])
            || has(&["helm", "fileParameters"])
            || files.iter().any(is_elsewhere),
        is_flat: !is_true(&["directory", "recurse"]),
        release: text(source, &["helm", "releaseName"]).unwrap_or(name).to_owned(),
        values_files: files.iter().filter(|file| !is_elsewhere(file)).map(below_root).collect(),
        may_lack_values: is_true(&["helm", "ignoreMissingValueFiles"]),
        inline: inline(at(source, &["helm", "valuesObject"]).or_else(|| at(source, &["helm", "values"]))),
        refusal: has(&["plugin"]).then(|| "its Application uses a plugin".to_owned()),
    })
}
