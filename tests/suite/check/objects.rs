//! Files evaluated together: objects in them, objects outside them, and the effect of flags and configuration.

use std::fs;

use serde_json::{Value, json};

use super::{CLASS, SERVICE, check, check_with, folder, ingress, places, report};

fn reasons(report: &Value) -> Vec<String> {
    let mut reasons: Vec<String> = report["notEvaluated"]
        .as_array()
        .unwrap()
        .iter()
        .map(|not| format!("{} {}", not["code"].as_str().unwrap(), not["reason"].as_str().unwrap()))
        .collect();
    reasons.sort();
    reasons
}

#[test]
fn objects_outside_the_files_are_not_evaluated_and_not_reported() {
    let folder = folder(&[("a.yaml", &ingress("web", "elsewhere", 80))]);
    let (code, open) = report(folder.path(), &["a.yaml"]);
    assert_eq!(code, 0, "{open:#}");
    assert_eq!(open["findings"], json!([]));
    let said = reasons(&open);
    for wanted in [
        "IG101 IngressClass objects that are not in the files are unknown",
        "IG201 Service objects that are not in the files are unknown",
        "IG202 Service objects that are not in the files are unknown",
    ] {
        assert!(said.iter().any(|reason| reason == wanted), "{wanted}: {said:#?}");
    }
    assert_eq!(open["summary"]["notEvaluated"], said.len());

    // The files contain no IngressClass, so its absence is not known.
    let (code, complete) = report(folder.path(), &["a.yaml", "--complete"]);
    assert_eq!(code, 0, "the controller is unknown: {complete:#}");
    assert_eq!(places(&complete), ["IG201 a.yaml:14:19"]);
    assert_eq!(complete["findings"][0]["level"], "warn");

    fs::write(folder.path().join("class.yaml"), CLASS).unwrap();
    let (code, complete) = report(folder.path(), &[".", "--complete"]);
    assert_eq!((code, places(&complete)), (1, vec!["IG201 a.yaml:14:19".to_owned()]));

    let (code, assumed) = report(folder.path(), &[".", "--complete", "--assume-exists", "service/default/elsewhere"]);
    assert_eq!((code, places(&assumed)), (0, Vec::new()));
    let said = reasons(&assumed);
    assert!(said.contains(&"IG202 the contents of a referenced Service are unknown".to_owned()), "{said:#?}");
}

#[test]
fn a_port_that_no_container_names_is_a_fault_where_no_other_workload_exists() {
    let service =
        SERVICE.replace("{ports: [{port: 80}]}", "{selector: {app: web}, ports: [{port: 80, targetPort: http}]}");
    let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{ports: [{name: web, containerPort: 80}]}]}}}}\n";
    let files = [CLASS, &service, deployment, &ingress("web", "web", 80)].join("---\n");
    let folder = folder(&[("a.yaml", &files)]);
    let codes =
        |arguments: &[&str]| places(&report(folder.path(), &[&["a.yaml", "--select", "IG204"], arguments].concat()).1);
    assert_eq!(codes(&[]), Vec::<String>::new());
    assert_eq!(codes(&["--complete"]), ["IG204 a.yaml:20:19"]);
}

#[test]
fn objects_in_the_files_are_used_without_complete() {
    let folder = folder(&[("a.yaml", CLASS), ("b.yaml", SERVICE), ("c.yaml", &ingress("web", "web", 81))]);
    let (code, found) = report(folder.path(), &["."]);
    assert_eq!((code, places(&found)), (1, vec!["IG202 c.yaml:16:23".to_owned()]));
    let finding = &found["findings"][0];
    assert_eq!(finding["field"], "spec.rules[0].http.paths[0].backend.service.port.number");
    assert_eq!((&finding["endLine"], &finding["endColumn"]), (&json!(16), &json!(25)));
    assert_eq!(finding["docs"], "ingress-guard explain IG202");
    assert_eq!(found["summary"]["deny"], 1);

    // Two files with one host are evaluated together.
    let twice = ingress("again", "web", 80).replace("again.example.com", "web.example.com");
    fs::write(folder.path().join("d.yaml"), twice).unwrap();
    let (_, found) = report(folder.path(), &["."]);
    assert!(places(&found).iter().any(|place| place.starts_with("IG501 ")), "{found:#}");
}

#[test]
fn objects_without_a_namespace_get_the_one_of_the_flag() {
    let files = [CLASS, SERVICE, &ingress("web", "web", 80)].join("---\n");
    let folder = folder(&[]);
    let outcome = check_with(folder.path(), &["-", "--complete", "-n", "shop", "-o", "json"], files.as_bytes());
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    let outcome = check_with(
        folder.path(),
        &["-", "--complete", "-n", "shop", "-o", "json"],
        files.replace("name: web}, spec", "name: web, namespace: x}, spec").as_bytes(),
    );
    assert_eq!(outcome.code, 1, "{}", outcome.out);
    let report: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(places(&report), ["IG201 -:18:19"]);
    assert_eq!(report["findings"][0]["namespace"], "shop");
}

#[test]
fn the_same_object_twice_is_said_and_the_last_one_counts() {
    let folder = folder(&[
        ("a.yaml", &format!("{CLASS}---\n{SERVICE}")),
        ("b.yaml", &ingress("web", "web", 81)),
        ("c.yaml", &format!("# again\n---\n{}", ingress("web", "web", 80))),
    ]);
    let (code, found) = report(folder.path(), &["a.yaml", "b.yaml", "c.yaml", "b.yaml"]);
    assert_eq!((code, places(&found)), (0, Vec::new()));
    assert_eq!(
        found["diagnostics"],
        json!([{
            "severity": "warning",
            "message": "duplicate Ingress default/web, also defined in b.yaml:1: the last definition is used, as with kubectl apply",
            "file": "c.yaml", "line": 3, "column": 1
        }])
    );
    assert_eq!(found["summary"]["ingresses"], 1);
}

#[test]
fn a_folder_without_an_ingress_is_not_green_in_silence() {
    let folder = folder(&[("a/b.yaml", SERVICE)]);
    let outcome = check(folder.path(), &["a"]);
    assert_eq!(outcome.code, 0);
    assert_eq!(
        outcome.out,
        "warning: a: no Ingress found (only .yaml, .yml and .json files are read)\n\n0 Ingresses analyzed\n"
    );
}

#[test]
fn checks_are_selected_and_ignored_by_codes_and_names() {
    let folder = folder(&[(
        "a.yaml",
        &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81).replace("path: /\n", "path: /a/\n")),
    )]);
    let codes = |arguments: &[&str]| -> (i32, Vec<String>) {
        let (code, found) = report(folder.path(), &[&["a.yaml", "--complete"], arguments].concat());
        (code, places(&found).iter().map(|place| place[..5].to_owned()).collect())
    };
    assert_eq!(codes(&[]), (1, vec!["IG202".to_owned(), "IG307".to_owned()]));
    assert_eq!(codes(&["--select", "IG2*"]), (1, vec!["IG202".to_owned()]));
    assert_eq!(codes(&["--select", "path-*,ig201"]), (0, vec!["IG307".to_owned()]));
    assert_eq!(codes(&["--ignore", "service-*"]), (0, vec!["IG307".to_owned()]));
    assert_eq!(
        codes(&["--select", "IG?0?", "--ignore", "IG202", "--fail-on", "warn", "--profile", "strict"]),
        (1, vec!["IG307".to_owned()])
    );
    assert_eq!(codes(&["--select", "IG307", "--profile", "strict"]), (0, vec!["IG307".to_owned()]));
    assert_eq!(codes(&["--profile", "observe"]), (0, vec!["IG202".to_owned(), "IG307".to_owned()]));
}

#[test]
fn the_configuration_is_found_upwards_within_the_repository() {
    let folder = folder(&[
        (".ingress-guard.yaml", "checks: {IG202: warn}\n"),
        ("deep/down/a.yaml", &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81))),
        ("other/.git/HEAD", ""),
        ("strict.yaml", "profile: strict\nchecks: {IG202: deny}\n"),
    ]);
    let deep = folder.path().join("deep/down");
    assert_eq!(report(&deep, &["a.yaml"]).0, 0);
    assert_eq!(report(&deep, &["a.yaml", "--config", "../../strict.yaml"]).0, 1);
    assert_eq!(report(&folder.path().join("other"), &["../deep/down/a.yaml"]).0, 1, "not beyond a repository");
    fs::write(folder.path().join(".ingress-guard.yaml"), "chekcs: {}\n").unwrap();
    let outcome = check(&deep, &["a.yaml"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.err.contains(".ingress-guard.yaml:1:1: unknown key \"chekcs\"; did you mean \"checks\"?"),
        "{}",
        outcome.err
    );
}

#[test]
fn a_baseline_accepts_known_findings_and_no_new_ones() {
    let folder = folder(&[("a.yaml", &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81)))]);
    let (code, _) = report(folder.path(), &["a.yaml", "--baseline", "base.json", "--write-baseline"]);
    assert_eq!(code, 0);
    // It has moved, and is the same.
    let mut text = fs::read_to_string(folder.path().join("a.yaml")).unwrap();
    text = format!("# moved\n\n---\n{text}");
    fs::write(folder.path().join("a.yaml"), &text).unwrap();
    let (code, found) = report(folder.path(), &["a.yaml", "--baseline", "base.json"]);
    assert_eq!((code, &found["summary"]["baseline"], &found["summary"]["deny"]), (0, &json!(1), &json!(0)));
    assert_eq!(found["findings"][0]["baseline"], true);
    fs::write(folder.path().join("b.yaml"), ingress("other", "web", 82)).unwrap();
    let (code, found) = report(folder.path(), &["a.yaml", "b.yaml", "--baseline", "base.json"]);
    assert_eq!((code, &found["summary"]["baseline"], &found["summary"]["deny"]), (1, &json!(1), &json!(1)));
    let sarif = check(folder.path(), &["a.yaml", "--baseline", "base.json", "-o", "sarif"]).out;
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["suppressions"][0]["kind"], "external");

    fs::write(folder.path().join("base.json"), "{\"schemaVersion\": 1, \"acepted\": {}}").unwrap();
    let outcome = check(folder.path(), &["a.yaml", "--baseline", "base.json"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.starts_with("error: base.json: line 1, column 30: not a baseline"), "{}", outcome.err);
    fs::write(folder.path().join("base.json"), "{\"schemaVersion\": 9, \"accepted\": {}}").unwrap();
    assert!(check(folder.path(), &["a.yaml", "--baseline", "base.json"]).err.contains("schemaVersion 9"));
}

#[test]
fn annotations_identify_the_controller_of_files_without_an_ingress_class() {
    let annotated = |annotation: &str| {
        let metadata = format!("metadata: {{name: web, annotations: {{{annotation}}}}}");
        let text = ingress("web", "web", 80).replace("metadata: {name: web}", &metadata);
        text.replace("path: /\n        pathType: Prefix", "path: /(.*)\n        pathType: ImplementationSpecific")
    };
    let bad = "nginx.ingress.kubernetes.io/rewrite-target: /$2";
    let evaluated = |text: &str, arguments: &[&str]| {
        let folder = folder(&[("a.yaml", text), ("off.yml.txt", "classes: {fromAnnotations: false}\n")]);
        let (_, report) = report(folder.path(), &[&["a.yaml", "--select", "IG310,IG602"], arguments].concat());
        let findings = report["findings"].as_array().unwrap().iter();
        let findings: Vec<String> =
            findings.map(|it| format!("{} {}", it["level"].as_str().unwrap(), it["code"].as_str().unwrap())).collect();
        (findings, report["assumptions"].to_string())
    };
    let (findings, said) = evaluated(&annotated(bad), &[]);
    assert_eq!(findings, ["deny IG310"]);
    assert!(said.contains("1 Ingress evaluated for ingress-nginx by its annotations"), "{said}");
    // The class name nginx is a guess.
    let (findings, said) = evaluated(&annotated("konghq.com/strip-path: \"true\", nginx.org/lb-method: x"), &[]);
    assert_eq!(findings, ["warn IG602", "warn IG602"], "{said}");
    assert!(said.contains("by the class name nginx alone"), "{said}");
    let (findings, said) = evaluated(&annotated("nginx.org/lb-method: x"), &[]);
    assert_eq!(findings, Vec::<String>::new());
    assert!(said.contains("F5 NGINX Ingress Controller by its annotations"), "{said}");
    let (findings, said) = evaluated(&annotated(bad), &["--config", "off.yml.txt"]);
    assert_eq!((findings, said.as_str()), (Vec::new(), "null"));
    // An IngressClass in the files decides.
    let other = CLASS.replace("k8s.io/ingress-nginx", "example.com/other");
    assert_eq!(evaluated(&format!("{other}---\n{}", annotated(bad)), &[]).0, Vec::<String>::new());
}

/// The finding is about the field that the manifest writes, not about the one of version 1.
#[test]
fn findings_on_v1beta1_point_at_the_fields_of_v1beta1() {
    let path = |path: &str, service: &str, port: u16| {
        format!(
            "      - path: {path}\n        backend:\n          serviceName: {service}\n          servicePort: {port}\n"
        )
    };
    let text = format!(
        "{CLASS}---\n{SERVICE}---\napiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {{name: web}}\nspec:\n  \
         ingressClassName: nginx\n  backend:\n    serviceName: web\n  rules:\n  - host: a.example.com\n    \
         http:\n      paths:\n{}{}",
        path("/", "web", 81),
        path("/a", "gone", 80)
    );
    let folder = folder(&[("web.yaml", &text)]);
    let (_, report) = report(folder.path(), &["web.yaml", "--complete", "--select", "IG201,IG202,IG701"]);
    assert_eq!(places(&report), ["IG201 web.yaml:22:24", "IG202 web.yaml:19:24", "IG701 web.yaml:10:3"]);
}

#[test]
fn an_ingress_with_a_generated_name_is_shown_by_its_prefix() {
    let text = ingress("web", "gone", 80).replace("{name: web}", "{generateName: web-}");
    let folder = folder(&[("web.yaml", &format!("{CLASS}---\n{text}"))]);
    let (_, report) = report(folder.path(), &["web.yaml", "--complete"]);
    let finding = &report["findings"][0];
    assert_eq!((finding["code"].as_str(), finding["ingress"].as_str()), (Some("IG201"), Some("web-*")), "{report:#}");
}

#[test]
fn ingresses_with_the_same_prefix_are_several() {
    let generated = |service: &str| {
        ingress("web", service, 80)
            .replace("{name: web}", "{generateName: web-}")
            .replace("web.example", &format!("{service}.example"))
    };
    let texts = [CLASS, &generated("gone"), &generated("lost"), &ingress("web", "no", 80)].join("---\n");
    let folder = folder(&[("a.yaml", &texts), ("b.yaml", &generated("away"))]);
    let (_, report) = report(folder.path(), &[".", "--complete", "--select", "IG201"]);
    let findings = report["findings"].as_array().unwrap();
    let mut found: Vec<(&str, &str, u64)> = findings
        .iter()
        .map(|it| (it["ingress"].as_str().unwrap(), it["file"].as_str().unwrap(), it["line"].as_u64().unwrap()))
        .collect();
    found.sort_unstable();
    let wanted = [("web", "a.yaml", 50), ("web-*", "a.yaml", 16), ("web-*2", "a.yaml", 33), ("web-*3", "b.yaml", 14)];
    assert_eq!(found, wanted);
    assert_eq!(report["diagnostics"], serde_json::json!([]));
}
