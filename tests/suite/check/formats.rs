//! What `check` prints, to the letter, and whether others can read it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{CLASS, check, folder, ingress, report};

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/check")
}

/// The report on the shop in one format.
fn shop(format: &str) -> String {
    let outcome = check(&data(), &["shop", "--complete", "-o", format]);
    assert_eq!(outcome.code, 2, "some documents are broken: {}", outcome.err);
    assert_eq!(outcome.err, "");
    outcome.out
}

/// The version changes without the format.
fn without_version(text: &str) -> String {
    text.replace(&format!("\"semanticVersion\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"semanticVersion\": \"VERSION\"")
}

#[test]
fn every_format_is_unchanged() {
    let mut wrong = Vec::new();
    for (format, file) in [
        ("text", "text.txt"),
        ("json", "report.json"),
        ("sarif", "report.sarif"),
        ("junit", "junit.xml"),
        ("github", "github.txt"),
        ("gitlab", "gitlab.json"),
        ("table", "table.txt"),
    ] {
        let path = data().join("expected").join(file);
        let found = without_version(&shop(format));
        if std::env::var_os("UPDATE_PAGES").is_some() {
            fs::write(&path, &found).unwrap();
        }
        if found != fs::read_to_string(&path).unwrap_or_default() {
            wrong.push(format!("--- {file}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "outputs that differ from what is expected (make bless):\n{}", wrong.join("\n"));
}

/// What a schema has against a document.
fn faults(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn json(path: &str) -> Value {
    let text = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Reports with and without findings.
fn reports(format: &str) -> Vec<String> {
    let empty = folder(&[("a.yaml", "{apiVersion: v1, kind: ConfigMap}")]);
    vec![shop(format), check(empty.path(), &["a.yaml", "-o", format]).out]
}

#[test]
fn json_matches_its_schema() {
    let schema = json("docs/report.schema.json");
    for report in reports("json") {
        let mut report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(faults(&schema, &report), Vec::<String>::new());
        report["summary"]["deny"] = "many".into();
        assert!(!faults(&schema, &report).is_empty(), "the schema refuses nothing");
    }
}

#[test]
fn sarif_matches_its_schema() {
    let mut schema = json("tests/data/sarif-2.1.0.schema.json");
    // A pattern of two of its definitions is not a valid ECMAScript regex.
    for definition in ["run", "toolComponent"] {
        let language = schema["definitions"][definition]["properties"]["language"].as_object_mut().unwrap();
        assert!(language.remove("pattern").is_some());
    }
    for (log, is_clean) in reports("sarif").into_iter().zip([false, true]) {
        let mut log: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(faults(&schema, &log), Vec::<String>::new());
        let run = &log["runs"][0];
        let results = run["results"].as_array().expect("results are there even where there are none");
        assert_eq!(results.is_empty(), is_clean);
        for result in results {
            let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# IG"));
        }
        log["runs"][0]["results"] = "none".into();
        assert!(!faults(&schema, &log).is_empty(), "the schema refuses nothing");
    }
}

/// What `junit-10.xsd` of Jenkins allows, as far as it matters here: elements, what is in them, and their attributes.
#[test]
fn junit_has_the_elements_that_its_readers_know() {
    let allowed: [(&str, &[&str], &[&str]); 6] = [
        ("testsuites", &["testsuite"], &["name"]),
        ("testsuite", &["testcase", "system-out"], &["name", "tests", "failures", "errors"]),
        ("testcase", &["failure", "error", "system-out"], &["name", "classname"]),
        ("failure", &[], &["message", "type"]),
        ("error", &[], &["message", "type"]),
        ("system-out", &[], &[]),
    ];
    for report in reports("junit") {
        let document = roxmltree::Document::parse(&report).unwrap();
        assert_eq!(document.root_element().tag_name().name(), "testsuites");
        for node in document.descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            let (_, children, attributes) =
                allowed.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("{name}"));
            let inside: BTreeSet<&str> =
                node.children().filter(roxmltree::Node::is_element).map(|child| child.tag_name().name()).collect();
            assert!(inside.iter().all(|child| children.contains(child)), "{name} holds {inside:?}");
            let named: Vec<&str> = node.attributes().map(|attribute| attribute.name()).collect();
            assert_eq!(named.iter().collect::<BTreeSet<_>>(), attributes.iter().collect::<BTreeSet<_>>(), "{name}");
            if name == "testsuite" {
                let count =
                    |wanted: &str| node.descendants().filter(|inner| inner.has_tag_name(wanted)).count().to_string();
                for (attribute, element) in [("tests", "testcase"), ("failures", "failure"), ("errors", "error")] {
                    assert_eq!(node.attribute(attribute), Some(&*count(element)), "{attribute}");
                }
            }
        }
    }
}

#[test]
fn several_formats_go_to_several_files_at_once() {
    let folder = folder(&[("a.yaml", &ingress("web", "web", 80))]);
    let outcome = check(folder.path(), &["a.yaml", "-o", "sarif=out.sarif", "-o", "text", "-o", "junit=out.xml"]);
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    assert!(outcome.out.starts_with("1 Ingress analyzed; no findings\n"), "{}", outcome.out);
    assert!(fs::read_to_string(folder.path().join("out.sarif")).unwrap().contains("\"results\": []"));
    assert!(
        fs::read_to_string(folder.path().join("out.xml"))
            .unwrap()
            .contains("<testcase classname=\"a.yaml\" name=\"default/web\">")
    );

    for (arguments, said) in [
        (&["a.yaml", "-o", "text", "-o", "json"][..], "error: only one format can go to standard output"),
        (&["a.yaml", "-o", "yaml"], "expected text, table, json, sarif, junit, github, gitlab or html"),
        (&["a.yaml", "-o", "json="], "the file name after = is empty"),
        (&["a.yaml", "-o", "json=no/such/folder/x"], "error: cannot write no/such/folder/x: No such file"),
        (&["-", "-"], "- (standard input) can be given only once"),
        (&["-", "--fix"], "--fix cannot change standard input"),
        (
            &["a.yaml", "--select", "service-not-fond"],
            "--select: unknown check \"service-not-fond\"; did you mean \"service-not-found\"?",
        ),
        (&["a.yaml", "--select", "ig3"], "--select: unknown check \"ig3\"; did you mean \"IG3*\"?"),
        (&["a.yaml", "--ignore", "ig2020"], "--ignore: unknown check \"ig2020\"; did you mean \"IG202\"?"),
        (&["a.yaml", "--ignore", "XY*"], "--ignore: no check matches \"XY*\""),
        (&["a.yaml", "--assume-exists", "pod/a/b"], "expected service/NAMESPACE/NAME"),
        (&["a.yaml", "--write-baseline"], "--baseline <FILE>"),
        (&[], "<PATH>..."),
    ] {
        let outcome = check(folder.path(), arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}");
        assert!(outcome.err.contains(said), "{arguments:?}: {}", outcome.err);
    }
}

/// The file and the place that text names are those of JSON, however little of a line is shown.
#[test]
fn the_column_of_a_long_line_is_that_of_the_file() {
    let object = serde_json::json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "j", "annotations": {"a": "x".repeat(300)}},
        "spec": {"defaultBackend": {"service": {"name": "absent", "port": {"number": 80}}}}});
    let folder = folder(&[("a.json", &object.to_string())]);
    let report: Value =
        serde_json::from_str(&check(folder.path(), &["a.json", "--complete", "-o", "json"]).out).unwrap();
    let finding = report["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "IG201").unwrap();
    let text = check(folder.path(), &["a.json", "--complete"]).out;
    assert!(text.contains(&format!("--> a.json:1:{}\n", finding["column"])), "{finding:#}\n{text}");
}

/// Where the name of an annotation is the fault, the caret is below the name.
#[test]
fn a_wrong_name_is_pointed_at() {
    let text = ingress("web", "web", 80).replace(
        "metadata: {name: web}",
        "metadata:\n  name: web\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-body-sise: 8m",
    );
    let folder = folder(&[("a.yaml", &format!("{CLASS}---\n{text}"))]);
    let out = check(folder.path(), &["a.yaml", "--select", "IG601"]).out;
    assert!(out.contains("--> a.yaml:8:5\n"), "{out}");
    let carets = format!("{}\n", "^".repeat("nginx.ingress.kubernetes.io/proxy-body-sise".len()));
    assert!(out.contains(&carets), "{out}");
}

#[test]
fn checks_that_were_not_evaluated_are_in_every_format() {
    // No controller is assumed for this class.
    let folder = folder(&[("a.yaml", &ingress("web", "web", 80).replace("nginx", "edge"))]);
    for format in ["text", "sarif", "junit", "github", "html"] {
        let out = check(folder.path(), &["a.yaml", "-o", format]).out;
        assert!(out.to_lowercase().contains("not evaluated"), "{format}: {out}");
        assert!(out.contains("IG306 to IG314"), "{format}: {out}");
    }
}

/// Three Ingresses with the same gap are three entries per check in JSON, and one check on the page.
#[test]
fn the_page_counts_checks_that_were_not_evaluated_once() {
    let names = ["one", "two", "three"];
    let files = names.map(|name| (format!("{name}.yaml"), ingress(name, "web", 80)));
    let folder = folder(&files.each_ref().map(|(name, text)| (name.as_str(), text.as_str())));
    let (_, report) = report(folder.path(), &["."]);
    let entries = report["notEvaluated"].as_array().unwrap();
    let codes: BTreeSet<&str> = entries.iter().map(|entry| entry["code"].as_str().unwrap()).collect();
    assert!(entries.len() > codes.len(), "{report:#}");
    let page = check(folder.path(), &[".", "-o", "html"]).out;
    let card = format!(
        "<span class=\"number\">{}</span> <span class=\"what\">checks not evaluated on 3 Ingresses</span>",
        codes.len()
    );
    assert!(page.contains(&card), "{card} is not on the page");
}

#[test]
fn output_to_a_file_has_no_colour() {
    assert!(!shop("text").contains('\u{1b}'));
}
