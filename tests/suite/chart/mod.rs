//! The chart, as Helm renders it, and its generated files.

mod background;
mod certificates;
mod names;
mod notes;
mod nulls;
mod readme;
mod rendering;
mod roles;
mod schema;
mod signals;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::skipped::skipped;
pub(crate) use readme::readme;
pub(crate) use schema::schema;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/chart");

/// Helm, for the release `ingress-guard` in the namespace `ingress-guard`.
struct Helm(PathBuf);

impl Helm {
    /// Finds Helm; `None`: the test is skipped.
    fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join("go/bin"));
        let folders = std::env::split_paths(&path).chain(home);
        let found = folders.map(|folder| folder.join("helm")).find(|path| path.is_file());
        if found.is_none() {
            skipped("the chart: helm not found");
        }
        found.map(Self)
    }

    fn run(&self, chart: &str, values: &Value) -> Output {
        self.run_as("ingress-guard", "ingress-guard", chart, values)
    }

    fn run_as(&self, release: &str, namespace: &str, chart: &str, values: &Value) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.json");
        fs::write(&file, values.to_string()).unwrap();
        Command::new(&self.0)
            // Helm's own default depends on its build.
            .args(["template", release, chart, "--namespace", namespace, "--kube-version=1.33.0"])
            .arg(format!("--values={}", file.display()))
            .env("HOME", folder.path())
            .env("KUBECONFIG", "/no/such/kubeconfig")
            .output()
            .unwrap()
    }

    /// Renders the chart with these values.
    #[track_caller]
    fn template(&self, values: &Value) -> Objects {
        self.template_chart(CHART, values)
    }

    #[track_caller]
    fn template_chart(&self, chart: &str, values: &Value) -> Objects {
        Objects::of_output(self.run(chart, values))
    }

    /// Renders the chart as a release of this name in this namespace.
    #[track_caller]
    fn template_as(&self, release: &str, namespace: &str, values: &Value) -> Objects {
        Objects::of_output(self.run_as(release, namespace, CHART, values))
    }

    /// Returns the error with which the values are refused.
    #[track_caller]
    fn refusal(&self, values: &Value) -> String {
        let output = self.run(CHART, values);
        assert!(!output.status.success(), "accepted: {values}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// The rendered objects.
struct Objects(Vec<Value>);

impl Objects {
    #[track_caller]
    fn of_output(output: Output) -> Self {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let documents = text.split("\n---\n").filter_map(|text| serde_saphyr::from_str::<Option<Value>>(text).unwrap());
        Self(documents.collect())
    }

    fn of<'o>(&'o self, kind: &str) -> impl Iterator<Item = &'o Value> + use<'o> {
        let kind = kind.to_owned();
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// Returns the only object of a kind, or the one with this name: `Kind` or `Kind/name`.
    #[track_caller]
    fn one(&self, of: &str) -> &Value {
        let (kind, name) = of.split_once('/').unwrap_or((of, ""));
        let found: Vec<_> =
            self.of(kind).filter(|object| name.is_empty() || object["metadata"]["name"] == name).collect();
        assert_eq!(found.len(), 1, "objects {of}");
        found[0]
    }

    fn config(&self) -> String {
        self.one("ConfigMap/ingress-guard")["data"]["config.yaml"].as_str().unwrap().to_owned()
    }
}

/// Values in which the value at a path, such as `image.tag`, is set.
fn set(values: &mut Value, path: &str, value: Value) {
    let mut at = values;
    for key in path.split('.') {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[key];
    }
    *at = value;
}

fn values() -> Value {
    serde_saphyr::from_str(&fs::read_to_string(format!("{CHART}/values.yaml")).unwrap()).unwrap()
}
