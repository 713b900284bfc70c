//! Repositories of common shapes in `tests/repos`: the whole output of `check`, and the exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::rendering::{Tools, tools};
use super::{CLASS, SERVICE, check, folder, ingress, places, report};

/// Each shape with its arguments.
const SHAPES: [(&str, &[&str]); 14] = [
    ("argo", &["."]),
    ("components", &["."]),
    ("environments", &[".", "--complete"]),
    ("flat", &["."]),
    ("flux", &["."]),
    ("helmfile", &["."]),
    ("overlays", &[".", "--complete"]),
    ("remote", &[".", "--require-complete"]),
    ("snippets", &["."]),
    ("umbrella", &[".", "--complete"]),
    ("values", &["."]),
    ("values", &[".", "--values", "values-*.yaml"]),
    ("values", &[".", "--render", "never"]),
    ("workflows", &["."]),
];

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/repos")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn output(Tools { path, .. }: &Tools, shape: &str, arguments: &[&str]) -> String {
    let repository = folder(&[]);
    copy(&data().join(shape), repository.path());
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    command.arg("check").args(arguments).env("PATH", path).current_dir(repository.path());
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    let line = arguments.join(" ");
    format!("$ ingress-guard check {line}\n{text}exit code {}\n", output.status.code().unwrap())
}

#[test]
fn repositories_of_common_shapes_are_read_as_their_owners_apply_them() {
    let Some(tools) = tools() else { return };
    let mut wrong = Vec::new();
    for shape in fs::read_dir(data()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir()) {
        let shape = shape.file_name().into_string().unwrap();
        let outputs =
            SHAPES.iter().filter(|(name, _)| *name == shape).map(|(name, arguments)| output(&tools, name, arguments));
        let found = outputs.collect::<Vec<_>>().join("\n");
        let path = data().join(format!("{shape}.txt"));
        if std::env::var_os("UPDATE_PAGES").is_some() {
            fs::write(&path, &found).unwrap();
        }
        assert!(!found.is_empty(), "{shape} has no arguments");
        if found != fs::read_to_string(&path).unwrap_or_default() {
            wrong.push(format!("--- {shape}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "outputs that differ from what is expected (make bless):\n{}", wrong.join("\n"));
}

/// `dev` and `prod` of one shop: the Service of `dev` has another port.
fn environments() -> tempfile::TempDir {
    let dev = format!("{CLASS}---\n{}---\n{}", SERVICE.replace("80", "81"), ingress("web", "web", 80));
    let prod = format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 80));
    folder(&[("dev/web.yaml", &dev), ("prod/web.yaml", &prod)])
}

#[test]
fn folders_that_define_the_same_object_are_evaluated_apart() {
    let (code, report) = report(environments().path(), &["."]);
    assert_eq!((code, places(&report)), (1, vec!["IG202 dev/web.yaml:20:23".to_owned()]));
    assert_eq!(report["summary"]["ingresses"], 2);
    assert_eq!(report["findings"][0]["root"], "dev");
    let names: Vec<&str> =
        report["roots"].as_array().unwrap().iter().map(|root| root["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dev", "prod"]);
    assert_eq!(report["diagnostics"].as_array().unwrap().len(), 0);
}

#[test]
fn files_that_define_an_ingress_differently_are_evaluated_apart() {
    let dev = ingress("web", "web", 81);
    let others = format!("{CLASS}---\n{SERVICE}");
    let folder =
        folder(&[("web-dev.yaml", &dev), ("web-prod.yaml", &ingress("web", "web", 80)), ("shared.yaml", &others)]);
    let (code, report) = report(folder.path(), &[".", "--complete"]);
    assert_eq!((code, places(&report)), (1, vec!["IG202 web-dev.yaml:16:23".to_owned()]), "{report:#}");
    assert_eq!((&report["summary"]["ingresses"], &report["findings"][0]["root"]), (&2.into(), &"web-dev.yaml".into()));
    let said = report["diagnostics"][0]["message"].as_str().unwrap();
    assert!(said.starts_with("duplicate Ingress default/web, also defined in web-dev.yaml:1: each file"), "{said}");
    let given = ["web-dev.yaml", "web-prod.yaml", "shared.yaml"];
    let outcome = check(folder.path(), &given);
    assert_eq!(outcome.code, 0, "the last file that is given applies: {}", outcome.out);
}

/// One file contains everything, another one a variant of one Ingress: what only one of them contains may exist.
#[test]
fn a_file_beside_alternatives_may_contain_what_they_lack() {
    let api = SERVICE.replace("name: web", "name: api");
    let all = [CLASS, SERVICE, &api, &ingress("web", "web", 80), &ingress("api", "api", 80)].join("---\n");
    let variant = format!("{}---\n{}", ingress("web", "api", 80), ingress("blog", "blog", 80));
    let blog = SERVICE.replace("name: web", "name: blog");
    let folder = folder(&[("all.yaml", &all), ("variant.yaml", &variant), ("z/blog.yaml", &blog)]);
    let (code, report) = report(folder.path(), &[".", "--complete"]);
    assert_eq!((code, places(&report)), (0, Vec::new()), "{report:#}");
    assert_eq!(report["summary"]["ingresses"], 4);
    assert_eq!(report["assumptions"], serde_json::Value::Null, "the class of all.yaml: {report:#}");
}

#[test]
fn services_that_files_define_differently_are_unknown() {
    let other = SERVICE.replace("80", "81");
    let web = format!("{CLASS}---\n{}", ingress("web", "web", 80));
    let folder = folder(&[("a.yaml", SERVICE), ("b.yaml", &other), ("web.yaml", &web)]);
    for (arguments, codes, said) in [
        (&[".", "--complete"][..], Vec::<String>::new(), "the definitions differ, so its contents count as unknown"),
        (&["a.yaml", "b.yaml", "web.yaml"], vec!["IG202 web.yaml:18:23".to_owned()], "the last definition is used"),
    ] {
        let (_, report) = report(folder.path(), arguments);
        assert_eq!(places(&report), codes, "{report:#}");
        let message = report["diagnostics"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("duplicate Service default/web") && message.contains(said), "{message}");
    }
}

#[test]
fn an_ingress_class_may_be_defined_alike_in_several_folders() {
    let folder = folder(&[
        ("a/class.yaml", CLASS),
        ("b/class.yaml", CLASS),
        ("web.yaml", &format!("{SERVICE}---\n{}", ingress("web", "web", 80))),
    ]);
    let (_, report) = report(folder.path(), &["."]);
    assert_eq!(report["diagnostics"].as_array().unwrap().len(), 0, "{report:#}");
}

#[test]
fn folders_that_complement_each_other_are_evaluated_together() {
    let folder = folder(&[
        ("cluster/class.yaml", CLASS),
        ("services/web.yaml", SERVICE),
        ("ingresses/web.yaml", &ingress("web", "web", 81)),
    ]);
    for arguments in [&["."][..], &["cluster", "services", "ingresses"], &[".", "--root", "."]] {
        let (code, report) = report(folder.path(), arguments);
        assert_eq!((code, places(&report)), (1, vec!["IG202 ingresses/web.yaml:16:23".to_owned()]), "{arguments:?}");
        assert!(report["roots"].is_null() && report["findings"][0]["root"].is_null(), "{report:#}");
    }
}

#[test]
fn files_that_are_given_by_name_replace_objects() {
    let (_, report) = report(environments().path(), &["dev/web.yaml", "prod/web.yaml"]);
    assert_eq!(report["summary"]["ingresses"], 1);
    assert_eq!(report["diagnostics"].as_array().unwrap().len(), 2, "duplicates: {report:#}");
}

#[test]
fn files_outside_of_alternatives_are_part_of_each() {
    let both = |port: u16| format!("{}---\n{}", SERVICE.replace("80", &port.to_string()), ingress("web", "web", 80));
    let folder = folder(&[("class.yaml", CLASS), ("a/web.yaml", &both(81)), ("b/web.yaml", &both(80))]);
    let (code, report) = report(folder.path(), &[".", "--complete"]);
    assert_eq!((code, places(&report)), (1, vec!["IG202 a/web.yaml:18:23".to_owned()]));
}

#[test]
fn one_root_is_selected_by_its_name() {
    let folder = environments();
    let (code, report) = report(folder.path(), &[".", "--root", "./prod/"]);
    assert_eq!((code, report["summary"]["ingresses"].as_u64()), (0, Some(1)));
    let outcome = check(folder.path(), &[".", "--root", "staging"]);
    assert_eq!((outcome.code, &*outcome.err), (2, "error: --root staging: no such root: dev, prod\n"));
}

#[test]
fn fingerprints_and_baselines_tell_roots_apart() {
    let folder = environments();
    fs::copy(folder.path().join("dev/web.yaml"), folder.path().join("prod/web.yaml")).unwrap();
    let (_, report) = report(folder.path(), &[".", "--select", "IG202"]);
    let fingerprints: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(fingerprints.len(), 2);
    assert_ne!(fingerprints[0], fingerprints[1]);
    let arguments = ["--select", "IG202", "--baseline", "baseline.json"];
    let outcome = check(folder.path(), &[&["dev"][..], &arguments, &["--write-baseline"]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let outcome = check(folder.path(), &[&["."][..], &arguments, &["--write-baseline"]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let baseline = fs::read_to_string(folder.path().join("baseline.json")).unwrap();
    assert!(
        baseline.contains("\"IG202 dev: default/web ") && baseline.contains("\"IG202 prod: default/web "),
        "{baseline}"
    );
    let junit = check(folder.path(), &[".", "--select", "IG202", "-o", "junit"]).out;
    assert!(junit.contains("name=\"dev: default/web\"") && junit.contains("name=\"prod: default/web\""), "{junit}");
}

#[test]
fn patterns_exclude_files_and_hidden_folders_are_not_read() {
    let broken = "apiVersion: v1\nkind: Ingress\nmetadata: [\n";
    let folder = folder(&[
        ("web.yaml", &ingress("web", "web", 80)),
        ("vendor/a.yaml", broken),
        ("legacy/old.yaml", broken),
        ("legacy/new.yaml", &ingress("new", "web", 80)),
        (".github/workflows/ci.yaml", broken),
        ("app/node_modules/x/chart.yaml", broken),
        ("sub/.ingress-guardignore", "*\n"),
        (".ingress-guardignore", "# Not ours\nvendor/\nold.yaml\n"),
    ]);
    let (code, all) = report(folder.path(), &["."]);
    assert_eq!((code, all["summary"]["ingresses"].as_u64()), (0, Some(2)), "{all:#}");
    let (_, fewer) = report(folder.path(), &[".", "--exclude", "legacy"]);
    assert_eq!(fewer["summary"]["ingresses"], 1);
    let (_, below) = report(folder.path(), &["legacy"]);
    assert_eq!(below["summary"]["ingresses"], 1, "patterns of a folder above apply");
    let (code, again) = report(folder.path(), &[".", "--exclude", "!vendor/"]);
    assert_eq!((code, again["diagnostics"][0]["file"].as_str()), (2, Some("vendor/a.yaml")));
    let (code, given) = report(folder.path(), &["vendor/a.yaml"]);
    assert_eq!((code, given["diagnostics"][0]["file"].as_str()), (2, Some("vendor/a.yaml")), "a given file is read");
}

#[test]
fn nothing_to_check_can_be_an_error() {
    let folder = folder(&[("values.yaml", "a: b\n")]);
    assert_eq!(check(folder.path(), &["."]).code, 0);
    let outcome = check(folder.path(), &[".", "--fail-on-empty"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.out.starts_with("error: .: no Ingress found"), "{}", outcome.out);
}

#[test]
fn many_errors_of_a_folder_are_one_line() {
    let broken = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: {{ .Values.name }}}\n";
    let files: Vec<(String, String)> = (0..40)
        .map(|number| (format!("a/{number}.yaml"), broken.to_owned()))
        .chain([("b/0.yaml".to_owned(), broken.to_owned())])
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    let outcome = check(folder(&files).path(), &["."]);
    let errors: Vec<&str> = outcome.out.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(outcome.code, 2);
    assert_eq!(errors.len(), 2, "{}", outcome.out);
    assert!(errors[0].starts_with("error: a: 40 problems, such as a/0.yaml:3:18: a template"), "{}", errors[0]);
    assert!(errors[1].starts_with("error: b/0.yaml:3:18: a template"), "{}", errors[1]);
}

#[test]
fn a_directory_that_argo_cd_applies_without_recursion_may_be_part_of_another_one() {
    let application = |name: &str, path: &str, recurse: bool| {
        format!(
            "{{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {{name: {name}}}, spec: {{source: {{path: {path}, directory: {{recurse: {recurse}}}}}, destination: {{namespace: {name}}}}}}}\n"
        )
    };
    let applications = [application("outer", "apps", true), application("inner", "apps/web", false)].join("---\n");
    let folder = folder(&[
        ("argo/applications.yaml", &applications),
        ("apps/web/a.yaml", &ingress("web", "web", 80)),
        ("apps/web/sub/b.yaml", &ingress("sub", "web", 80)),
    ]);
    let (_, report) = report(folder.path(), &["."]);
    let roots = report["roots"].as_array().unwrap().iter();
    let mut found: Vec<(&str, u64)> =
        roots.map(|it| (it["name"].as_str().unwrap(), it["ingresses"].as_u64().unwrap())).collect();
    found.retain(|(_, ingresses)| *ingresses > 0);
    assert_eq!(found, [("apps", 1), ("apps/web", 1)], "{report:#}");
}

#[test]
fn a_directive_before_a_chart_or_kustomization_is_accepted() {
    let web = [CLASS, SERVICE, &ingress("web", "gone", 80)].join("---\n");
    for directive in ["%YAML 1.1\n---\n", "# comment\n%YAML 1.2\n\n--- # first\n"] {
        let folder =
            folder(&[("web/kustomization.yaml", &format!("{directive}resources: [a.yaml]\n")), ("web/a.yaml", &web)]);
        let (_, report) = report(folder.path(), &[".", "--complete", "--select", "IG201"]);
        assert_eq!(places(&report), ["IG201 web/a.yaml:18:19"], "{directive:?}: {report:#}");
    }
}

#[test]
fn many_alternatives_of_one_folder_are_found_in_time() {
    let texts: Vec<(String, String)> =
        (1..=1000).map(|port| (format!("{port}.yaml"), ingress("web", "web", port))).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (&**name, &**text)).collect();
    let folder = folder(&files);
    let begin = std::time::Instant::now();
    let (_, report) = report(folder.path(), &["."]);
    assert_eq!(report["summary"]["ingresses"], 1000);
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}
