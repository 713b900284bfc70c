//! The command: what it prints, and how it ends.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::WORLD;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    // Nothing above it is its configuration.
    fs::create_dir(folder.path().join(".git")).unwrap();
    fs::write(folder.path().join("world.yaml"), &*WORLD).unwrap();
    folder
}

fn audit(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    command.arg("audit").args(arguments).current_dir(folder.path()).env("KUBECONFIG", "/no/such/kubeconfig");
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn findings_decide_the_exit_code() {
    let folder = folder();
    let (code, out, err) = audit(&folder, &["--manifests", "world.yaml"]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(
        out.contains("deny[IG201 service-not-found]: Service \"wish\" does not exist in namespace \"shop\""),
        "{out}"
    );
    assert!(out.contains("8 Ingresses analyzed; findings: "), "{out}");
    let only = ["--manifests", "world.yaml", "--select", "IG204"];
    assert_eq!(audit(&folder, &only).0, 0);
    assert_eq!(audit(&folder, &[&only[..], &["--fail-on", "warn"]].concat()).0, 1);
    let (code, _, err) = audit(&folder, &[]);
    assert_eq!((code, err.contains("kubeconfig")), (2, true), "{err}");
    assert_eq!(audit(&folder, &["--snapshot", "world.yaml"]).0, 2, "not a snapshot");
}

#[test]
fn names_command_no_terminal() {
    let folder = folder();
    let ingress = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: \"a\\e[31m\", namespace: \"::n\\e[2J\"}, spec: {ingressClassName: none}}\n";
    let class =
        "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: x}}\n";
    fs::write(folder.path().join("hostile.yaml"), format!("{ingress}---\n{class}")).unwrap();
    for what_if in [&[][..], &["--what-if", "guard"]] {
        let (code, out, err) = audit(&folder, &[&["--manifests", "hostile.yaml"], what_if].concat());
        assert_eq!((code, err.as_str()), (1, ""), "{out}");
        assert!(out.contains("n\\u{1b}[2J/a\\u{1b}[31m") && !out.contains('\u{1b}'), "{out:?}");
        assert!(!out.lines().any(|line| line.trim_start().starts_with("::")), "a command of GitHub Actions: {out}");
    }
}

#[test]
fn every_format_at_once() {
    let folder = folder();
    let outputs = ["json=a.json", "sarif=a.sarif", "junit=a.xml", "github=a.txt", "html=a.html"];
    let outputs: Vec<&str> = outputs.iter().flat_map(|output| ["-o", output]).collect();
    let (code, out, err) = audit(&folder, &[&["--manifests", "world.yaml"], &outputs[..]].concat());
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (1, "", "HTML report written to a.html\n8 Ingresses analyzed; findings: 4 deny, 5 warn, 4 audit, 1 waived\n")
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("a.json")).unwrap();
    let sarif: Value = serde_json::from_str(&read("a.sarif")).unwrap();
    assert_eq!(report["summary"]["ingresses"], 8);
    let routes = report["routes"].as_array().unwrap();
    let old = routes.iter().find(|host| host["host"] == "old.example.com").unwrap_or_else(|| panic!("{routes:?}"));
    assert_eq!(
        (&old["controller"], &old["certificate"]["standing"], &old["certificate"]["secret"]),
        (&json!("k8s.io/ingress-nginx"), &json!("broken"), &json!("shop/old-tls")),
        "{old:#}"
    );
    assert_eq!(
        old["paths"],
        json!([{"path": "/", "matchType": "Prefix", "ingress": "shop/old", "service": "web", "port": "81",
                "standing": "broken", "detail": "the Service has no such port"}])
    );
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    let names = findings.iter().map(|finding| (finding["namespace"].as_str(), finding["ingress"].as_str()));
    assert!(names.is_sorted(), "{findings:?}");
    roxmltree::Document::parse(&read("a.xml")).unwrap();
    assert!(read("a.txt").contains("::error"));
    assert!(read("a.html").starts_with("<!doctype html>"));
}

#[test]
fn denials_of_a_profile_are_listed_by_namespace() {
    let folder = folder();
    fs::write(folder.path().join("observe.yaml"), "profile: observe\nnamespaces: [{match: pay, profile: observe}]\n")
        .unwrap();
    let observing = ["--manifests", "world.yaml", "--config", "observe.yaml"];
    assert_eq!(audit(&folder, &observing).0, 0, "nothing is denied under observe");
    let (code, out, _) = audit(&folder, &[&observing[..], &["--what-if", "guard"]].concat());
    let list = "\
Audit of manifests world.yaml

shop: 3 of 5 Ingresses
  shop/lost  IG101
  shop/old  IG202, IG301
  shop/storefront-2  IG201
3 of 8 Ingresses would be denied under profile guard if created now; an update of a stored Ingress is denied only for problems it introduces
";
    assert!(out.starts_with(list), "{out}");
    assert_eq!(code, 1);
    let (_, strict, _) = audit(&folder, &[&observing[..], &["--what-if", "strict"]].concat());
    assert!(strict.contains("would be denied under profile strict"), "{strict}");
    assert!(!strict.contains("shop/waived"), "a waiver is honoured: {strict}");
    let (code, page, _) = audit(&folder, &[&observing[..], &["--what-if", "strict", "-o", "html"]].concat());
    assert!(page.contains("preview of profile strict"), "{code}");
}

#[test]
fn waivers_and_exceptions_in_force_are_listed() {
    let folder = folder();
    let config = "exceptions:\n- {namespace: 'vendor-*', checks: [IG304], field: spec.rules*, owner: platform, reason: chart, until: 2100-01-01}\n\
                  - {namespace: old, checks: [IG304], owner: platform, reason: has ended, until: 2020-01-01}\n";
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    let arguments = ["--manifests", "world.yaml", "--config", "config.yaml", "--waivers"];
    let (_, out, err) = audit(&folder, &arguments);
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(lines.iter().any(|line| line.starts_with(&["annotation", "shop/waived", "IG201"])), "{out}{err}");
    let exception = ["exception", "vendor-*/*", "IG304", "spec.rules*", "2100-01-01", "platform", "chart"];
    assert!(lines.iter().any(|line| *line == exception), "{out}");
    assert!(out.contains("\n1 waiver and 1 exception in force; 0 end within 14 days\n"), "{out}");
    let (_, json, _) = audit(&folder, &[&arguments[..], &["-o", "json"]].concat());
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["waivers"].as_array().unwrap().len(), 2, "{json}");
    assert_eq!(report["waivers"][1]["owner"], "platform");
}

#[test]
fn the_newest_rules_are_previewed_without_an_override() {
    let folder = folder();
    let until = jiff::Timestamp::now() + std::time::Duration::from_hours(1);
    let config = format!("rules: '0.1'\noverride: {{until: '{until}', profile: observe, reason: INC-7}}\n");
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    let arguments = ["--manifests", "world.yaml", "--config", "config.yaml"];
    let (code, _, err) = audit(&folder, &arguments);
    assert_eq!(code, 0, "the override applies to an audit as well");
    let warning =
        format!("warning: an override of the configuration is in force: profile observe until {until} (INC-7)\n");
    assert_eq!(err, warning);
    let (_, out, err) = audit(&folder, &[&arguments[..], &["--what-if", "--rules", "latest"]].concat());
    let line = "3 of 8 Ingresses would be denied under the configured profiles with rules latest if created now";
    assert!(out.contains(line) && err.is_empty(), "{out}{err}");
    let (code, _, err) = audit(&folder, &[&arguments[..], &["--rules", "0.9"]].concat());
    assert!(code == 2 && err.contains("use \"latest\" or a release from \"0.1\""), "{err}");
}
