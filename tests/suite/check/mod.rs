//! `ingress-guard check` as its users see it: the binary in a folder of files.

mod fixing;
mod formats;
mod input;
mod listing;
mod manifests;
mod objects;
mod outside;
mod overlay;
mod placeholders;
mod rendering;
mod repositories;
mod safety;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run came to.
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

/// Run `ingress-guard check` in a folder, with this on its standard input.
fn check_with(folder: &Path, arguments: &[&str], input: &[u8]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    command.arg("check").args(arguments).current_dir(folder);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

fn check(folder: &Path, arguments: &[&str]) -> Outcome {
    check_with(folder, arguments, b"")
}

/// The report as JSON, with the exit code.
fn report(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let outcome = check(folder, &[&["-o", "json"], arguments].concat());
    let report =
        serde_json::from_str(&outcome.out).unwrap_or_else(|error| panic!("{error}: {}{}", outcome.out, outcome.err));
    (outcome.code, report)
}

/// `CODE file:line:column` of each finding.
fn places(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let place = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        format!("{} {}:{}:{}", text("code"), text("file"), finding["line"], finding["column"])
    };
    findings.iter().map(place).collect()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    // Nothing above it is its configuration.
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const CLASS: &str = "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}\n";
const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}\n";

/// An Ingress that sends everything on a host to port `port` of `service`.
fn ingress(name: &str, service: &str, port: u16) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}}}\nspec:\n  ingressClassName: nginx\n  rules:\n  - host: {name}.example.com\n    http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend:\n          service:\n            name: {service}\n            port:\n              number: {port}\n"
    )
}
