//! Unusable files: a clear message for each, while the rest is analyzed.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use super::{CLASS, SERVICE, check, check_with, folder, ingress, places, report};

/// `file:line:column: message` of each diagnostic.
fn said(report: &Value) -> Vec<String> {
    let line = |diagnostic: &Value| {
        let mut line = diagnostic["file"].as_str().unwrap().to_owned();
        for number in ["line", "column"] {
            if let Some(number) = diagnostic[number].as_u64() {
                line = format!("{line}:{number}");
            }
        }
        format!("{line}: {}", diagnostic["message"].as_str().unwrap())
    };
    report["diagnostics"].as_array().unwrap().iter().map(line).collect()
}

/// Returns the messages about one more file beside valid manifests.
fn beside_good(name: &str, bytes: &[u8]) -> Vec<String> {
    let folder = folder(&[("good.yaml", &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81)))]);
    fs::write(folder.path().join(name), bytes).unwrap();
    messages_beside(folder.path())
}

fn messages_beside(folder: &Path) -> Vec<String> {
    let (code, report) = report(folder, &["."]);
    assert_eq!(places(&report), ["IG202 good.yaml:20:23"], "the rest is analyzed");
    let said = said(&report);
    assert_eq!(code, if said.is_empty() { 1 } else { 2 }, "{said:?}");
    said
}

#[test]
fn documents_that_cannot_be_read_are_named_by_line_and_column() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\n";
    // A check reports such values of an Ingress.
    let service = "apiVersion: v1\nkind: Service\n";
    for (name, text, wanted) in [
        ("a.yaml", format!("{ingress}metadata:\n\tname: x\n"), "a.yaml:4:"),
        (
            "a.yaml",
            format!("{service}metadata: {{name: x}}\nspec: {{ports: [{{name: 1}}]}}\n"),
            "a.yaml:4:23: spec.ports[0].name: must be a string: quote it",
        ),
        (
            "a.yaml",
            format!("{service}metadata:\n  annotations:\n    example.com/x: yes\n"),
            "a.yaml:5:20: metadata.annotations[example.com/x]: must be a string: quote it",
        ),
        (
            "a.yaml",
            format!("{service}metadata: {{labels: {{a: [b]}}}}\n"),
            "a.yaml:3:25: metadata.labels[a]: must be a string",
        ),
        (
            "a.yaml",
            format!("{service}spec: {{ports: [{{port: '80'}}]}}\n"),
            "a.yaml:3:23: spec.ports[0].port: must be a number: remove the quotes",
        ),
        (
            "a.yaml",
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, spec: 1}\n".to_owned(),
            "a.yaml:4:41: spec: must be a map",
        ),
        (
            "a.json",
            r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"annotations": {"a": true}}}"#.to_owned(),
            "a.json:1:75: metadata.annotations[a]: must be a string: quote it",
        ),
        ("a.yaml", format!("{ingress}metadata: {{name: x\n"), "a.yaml:"),
        ("a.yaml", format!("# x\r\n---\r\n{}metadata: [\r\n", ingress.replace('\n', "\r\n")), "a.yaml:"),
        ("a.json", "{\"apiVersion\": \"v1\", \"kind\": \"Ingress\", ".to_owned(), "a.json:1:"),
        ("a.yaml", format!("# é\n---\n{ingress}metadata: {{name: {{{{ .Values.name }}}}}}\n"), "a.yaml:5:18: "),
        ("a.yaml", "{{- if .Values.on }}\napiVersion: v1\nkind: Ingress\n{{- end }}\n".to_owned(), "a.yaml:1:1: "),
    ] {
        let said = beside_good(name, text.as_bytes());
        assert_eq!(said.len(), 1, "{text}: {said:?}");
        assert!(said[0].starts_with(wanted), "{text}: {said:?}");
        assert!(!said[0].contains("Options"), "no word to programmers: {said:?}");
        assert!(!said[0].contains('\n') && !said[0].contains(" at line "), "{said:?}");
        assert_eq!(
            text.contains("{{"),
            said[0]
                .ends_with("a template, not a manifest; render it first: helm template CHART | ingress-guard check -"),
            "{said:?}"
        );
    }
}

#[test]
fn a_repeated_key_has_its_last_value() {
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: twice}\nspec:\n  ports: [{port: 80}]\n  ports: [{port: 81}]\n";
    let files = |port| format!("{CLASS}---\n{}---\n{service}", ingress("web", "twice", port));
    for (port, found) in [(80, 1), (81, 0)] {
        let folder = folder(&[("a.yaml", &files(port))]);
        let (code, report) = report(folder.path(), &["a.yaml", "--complete"]);
        assert_eq!((code, places(&report).len()), (found, usize::try_from(found).unwrap()), "{report:#}");
        assert_eq!(
            said(&report),
            [r#"a.yaml:25:3: duplicate key "ports", also on line 24: the last value is used, as with kubectl apply"#]
        );
    }
    // Objects that no check reads, and JSON.
    let other = "apiVersion: example.com/v1\nkind: Other\nspec: {a: 1, a: 2}\n";
    let json = "{\"apiVersion\": \"v1\",\n\"kind\": \"Service\",\n\"kind\": \"Service\", \"metadata\": {\"name\": \"x\", \"name\": \"y\"}}";
    let folder = folder(&[("a.yaml", &files(81)), ("b.yaml", other), ("c.json", json)]);
    let (_, report) = report(folder.path(), &["b.yaml", "c.json", "a.yaml"]);
    assert_eq!(
        said(&report)[..1],
        [
            r#"c.json:3:1: duplicate key "kind", also on line 2: the last value is used, as with kubectl apply; 1 more key of this document is duplicate"#
        ]
    );
    assert_eq!(said(&report).len(), 2);
}

#[test]
fn integers_and_booleans_as_keys_are_texts() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, labels: {1: a, true: b}}\ndata: {404: a, 503: b}\n";
    assert_eq!(beside_good("a.yaml", map.as_bytes()), Vec::<String>::new());
}

#[test]
fn objects_in_parts_that_cannot_be_read_are_not_missing() {
    let files = format!("{CLASS}---\n{}", ingress("web", "web", 80));
    let args = ["a.yaml", "b.yaml", "--complete", "--select", "IG201"];
    for (second, found) in [("# nothing\n", 1), ("a: [\n", 0), ("apiVersion: v1\nkind: Service\nspec: 1\n", 0)] {
        let folder = folder(&[("a.yaml", &files), ("b.yaml", second)]);
        let (_, report) = report(folder.path(), &args);
        assert_eq!(places(&report).len(), found, "{second}: {report:#}");
        let text = check(folder.path(), &args).out;
        assert_eq!(text.contains("--complete reports no missing object here"), found == 0, "{second}: {text}");
    }
}

#[test]
fn binary_files_are_reported() {
    for (bytes, wanted) in [
        (
            &b"\x7fELF\x02\x01\x01\x00\x00"[..],
            "a.yaml: neither UTF-8 nor UTF-16 text (byte 8); convert the file to UTF-8",
        ),
        (b"kind: \xff\xfe", "a.yaml: neither UTF-8 nor UTF-16 text (byte 7); convert the file to UTF-8"),
        (b"\xff\xfe\0\0k\0\0\0", "a.yaml: neither UTF-8 nor UTF-16 text (byte 3); convert the file to UTF-8"),
    ] {
        assert_eq!(beside_good("a.yaml", bytes), [wanted]);
    }
    assert_eq!(
        beside_good("a.yaml", format!("\u{feff}{}", ingress("bom", "web", 80)).as_bytes()),
        Vec::<String>::new()
    );
}

#[test]
fn a_file_of_a_hundred_megabytes_is_not_read() {
    let folder = folder(&[("good.yaml", &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81)))]);
    // Sparse: it uses no disk space.
    File::create(folder.path().join("big.yaml")).unwrap().set_len(100 << 20).unwrap();
    assert_eq!(messages_beside(folder.path()), ["big.yaml: larger than 64 MiB, the limit for a manifest"]);
    let outcome = check_with(folder.path(), &["-"], &vec![b'#'; (64 << 20) + 1]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.out.starts_with("error: -: larger than 64 MiB, the limit for a manifest"), "{}", outcome.out);
}

#[test]
fn bombs_do_not_go_off() {
    let laughs: String = (1..12)
        .fold(String::new(), |all, n| format!("{all}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 12].join(", ")));
    let bomb =
        format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\na0: &a0 [x, x]\n{laughs}metadata: {{name: *a11}}\n");
    let said = beside_good("a.yaml", bomb.as_bytes());
    assert!(said.len() == 1 && said[0].starts_with("a.yaml:"), "{said:?}");
    let deep = format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: {}1", "[".repeat(100_000));
    let said = beside_good("a.yaml", deep.as_bytes());
    assert!(said.len() == 1 && said[0].starts_with("a.yaml:3:"), "{said:?}");
    let deep = format!(
        "{{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"Ingress\", \"spec\": {}1",
        "[".repeat(100_000)
    );
    let said = beside_good("a.json", deep.as_bytes());
    assert!(said.len() == 1 && said[0].starts_with("a.json:1:"), "{said:?}");
}

const HEAD: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\n";

/// Files are read in parallel and reported in order.
#[test]
fn many_files_are_reported_in_order() {
    let folder = folder(&[("0.yaml", &format!("{CLASS}---\n{SERVICE}"))]);
    for number in 100..180 {
        let text =
            if number % 10 == 3 { format!("{HEAD}a: [\n") } else { ingress(&format!("web-{number}"), "web", 81) };
        fs::write(folder.path().join(format!("{number}.yaml")), text).unwrap();
    }
    let (code, report) = report(folder.path(), &[".", "--select", "IG202"]);
    assert_eq!(code, 2);
    let file = |place: String| place.trim_start_matches("IG202 ").split(':').next().unwrap().to_owned();
    let files = |of: Vec<String>| of.into_iter().map(file).collect::<Vec<_>>();
    let numbered = |is_broken: bool| (100..180).filter(move |number| (number % 10 == 3) == is_broken);
    let named = |is_broken| numbered(is_broken).map(|number| format!("{number}.yaml")).collect::<Vec<_>>();
    assert_eq!(files(said(&report)), named(true));
    assert_eq!(files(places(&report)), named(false));
}

#[test]
fn lists_in_lists_have_an_end() {
    let deep = |depth: usize| {
        let list = r#"{"apiVersion":"v1","kind":"List","items":["#;
        format!("{}{}", list.repeat(depth), "]}".repeat(depth))
    };
    assert_eq!(beside_good("a.json", deep(3).as_bytes()), Vec::<String>::new());
    for name in ["a.json", "a.yaml"] {
        let said = beside_good(name, deep(5_000).as_bytes());
        assert!(said.len() == 1 && said[0].starts_with(&format!("{name}:1:")), "{said:?}");
    }
}

#[test]
fn a_list_of_many_ingresses_is_as_fast_as_separate_documents() {
    let many = 400;
    let item = |number: usize| ingress(&format!("web-{number}"), "web", 81).replace('\n', "\n  ");
    let items: String = (0..many).fold(String::new(), |all, number| all + "- " + item(number).trim_end() + "\n");
    let list = format!("{CLASS}---\n{SERVICE}---\napiVersion: v1\nkind: List\nitems:\n{items}");
    let documents: Vec<String> = (0..many).map(|number| ingress(&format!("web-{number}"), "web", 81)).collect();
    let documents = format!("{CLASS}---\n{SERVICE}---\n{}", documents.join("---\n"));
    let folder = folder(&[("list.yaml", &list), ("documents.yaml", &documents)]);
    let took = |file: &str| {
        let begun = Instant::now();
        let (code, report) = report(folder.path(), &[file, "--select", "IG202"]);
        assert_eq!((code, places(&report).len()), (1, many));
        begun.elapsed()
    };
    let (apart, together) = (took("documents.yaml"), took("list.yaml"));
    assert!(together < 10 * apart, "{apart:?} as documents, {together:?} as one list");
}

#[test]
fn pipes_are_read_and_such_as_lie_in_a_folder_are_not_waited_for() {
    let folder = folder(&[("good.yaml", &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81)))]);
    let path = folder.path().join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(messages_beside(folder.path()), Vec::<String>::new());
    // What bash makes of `check <(helm template .)`.
    let script = "\"$0\" check <(cat good.yaml) -o json";
    let mut bash = Command::new("bash");
    bash.args(["-c", script, env!("CARGO_BIN_EXE_ingress-guard")]).current_dir(folder.path());
    let output = bash.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["code"], "IG202", "{report:#}");
}

#[test]
fn no_value_of_a_secret_is_repeated() {
    for text in [
        "data: {pin: 73501}",
        "stringData: {pin: 73501}",
        "stringData: {tls.key: [73501]}",
        "stringData: 73501",
        "type: 73501",
    ] {
        let secret = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\n{text}\n");
        let said = beside_good("a.yaml", secret.as_bytes());
        assert!(said.len() == 1 && said[0].starts_with("a.yaml:4:") && !said[0].contains("73501"), "{text}: {said:?}");
        let json: Value = serde_saphyr::from_str(&secret).unwrap();
        let said = beside_good("a.json", json.to_string().as_bytes());
        assert!(said.len() == 1 && !said[0].contains("73501"), "{text}: {said:?}");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [json]}).to_string();
        let said = beside_good("a.yaml", list.as_bytes());
        assert!(said.len() == 1 && !said[0].contains("73501"), "{text}: {said:?}");
    }
}

#[test]
fn names_command_no_terminal() {
    let hostile = ingress("\"a\\e[31m\\nb\"", "web", 81).replace("host: \"a\\e[31m\\nb\".", "host: ");
    let folder = folder(&[("a.yaml", &format!("{CLASS}---\n{SERVICE}---\n{hostile}"))]);
    for format in ["text", "github", "junit", "json", "sarif"] {
        let outcome = check(folder.path(), &["a.yaml", "--select", "IG202", "-n", "n\u{1b}s", "-o", format]);
        assert_eq!(outcome.code, 1, "{}", outcome.err);
        let is_command = |c: char| c.is_control() && c != '\n';
        assert!(!outcome.out.contains(is_command), "{format}: {:?}", outcome.out);
        assert!(!outcome.out.contains("31m\nb"), "{format}: {:?}", outcome.out);
    }
}

#[test]
fn links_that_lead_nowhere_or_in_circles_are_followed_once() {
    let folder = folder(&[("good.yaml", &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81)))]);
    symlink(".", folder.path().join("circle")).unwrap();
    symlink("good.yaml", folder.path().join("same.yaml")).unwrap();
    assert_eq!(messages_beside(folder.path()), Vec::<String>::new(), "a file is read once");
    symlink("self.yaml", folder.path().join("self.yaml")).unwrap();
    symlink("nowhere.yaml", folder.path().join("dangling.yaml")).unwrap();
    let said = messages_beside(folder.path());
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("dangling.yaml: No such file"), "{said:?}");
    assert!(said[1].starts_with("self.yaml: Too many levels of symbolic links"), "{said:?}");
}

/// kubectl parses what precedes `---` on its own.
#[test]
fn directives_are_refused_as_by_kubectl() {
    for (front, line) in [("%YAML 1.1\n---\n", 1), ("%YAML 1.2\n---\n", 1), ("# ours\n\n%TAG ! a:\n# and\n---\n", 3)] {
        let text = format!("{front}{}", ingress("other", "web", 80));
        assert_eq!(
            beside_good("a.yaml", text.as_bytes()),
            [format!("a.yaml:{line}:1: a directive, which kubectl cannot decode; remove the line")],
            "{text}"
        );
    }
    let text = format!("{}...\n%YAML 1.1\n---\n{CLASS}", ingress("other", "web", 80));
    assert_eq!(beside_good("a.yaml", text.as_bytes()), Vec::<String>::new(), "after the end of a document");
}

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(to_bytes).collect()
}

#[test]
fn files_in_utf_16_are_read_and_not_fixed() {
    let text = format!("# Geschäft\n{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81));
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes = utf_16(&text, to_bytes);
        let folder = folder(&[]);
        fs::write(folder.path().join("web.yaml"), &bytes).unwrap();
        let (code, report) = report(folder.path(), &["."]);
        assert_eq!((code, places(&report)), (1, vec!["IG202 web.yaml:21:23".to_owned()]));
        let outcome = check(folder.path(), &[".", "--fix"]);
        assert!(outcome.err.contains("web.yaml: not fixed: UTF-16; convert the file to UTF-8"), "{}", outcome.err);
        assert!(!outcome.out.contains("--fix applies"), "{}", outcome.out);
        assert_eq!(fs::read(folder.path().join("web.yaml")).unwrap(), bytes);
        assert_eq!(check_with(folder.path(), &["-"], &bytes).code, 1);
        let odd = [&bytes[..], b"x"].concat();
        assert!(beside_good("a.yaml", &odd)[0].starts_with("a.yaml: neither UTF-8 nor UTF-16 text"));
    }
}

#[test]
fn forbidden_kinds_are_listed() {
    let folder = folder(&[
        ("good.yaml", &format!("{CLASS}---\n{SERVICE}---\n{}", ingress("web", "web", 81))),
        ("no.yaml", "kind: x"),
        ("closed/a.yaml", "kind: x"),
    ]);
    for (name, mode) in [("no.yaml", 0o000), ("closed", 0o000)] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    // Who is root may read everything.
    let is_root = File::open(folder.path().join("no.yaml")).is_ok();
    let said = messages_beside(folder.path());
    fs::set_permissions(folder.path().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = if is_root {
        Vec::new()
    } else {
        vec!["closed: Permission denied (os error 13)", "no.yaml: Permission denied (os error 13)"]
    };
    assert_eq!(said, wanted);
    let (code, report) = report(folder.path(), &["good.yaml", "missing.yaml"]);
    assert_eq!(code, 2);
    assert!(said_of(&report).starts_with("missing.yaml: No such file"));
}

fn said_of(report: &Value) -> String {
    said(report).join("\n")
}

#[test]
fn files_that_are_not_manifests_are_ignored() {
    for (name, text) in [
        ("values.yaml", "replicas: 3\nmetadata: {annotations: {x: true}}\n"),
        ("list.yaml", "- a\n- {b: c}\n"),
        ("playbook.yml", "- hosts: all\n  tasks: [{name: x}]\n"),
        ("package.json", "{\"name\": \"x\", \"kind\": 7}"),
        ("array.json", "[1, 2, {\"kind\": \"x\"}]"),
        ("text.yaml", "just words\n"),
        ("empty.yaml", ""),
        ("comment.yaml", "# nothing\n---\n---\n"),
        ("other.yaml", "apiVersion: example.com/v1\nkind: Ingress\nspec: 7\n"),
        ("notes.md", "kind: ["),
        ("tsconfig.json", "{\n  // comments\n  \"strict\": true,\n}\n"),
        ("broken.yaml", "a: [\n"),
        ("template.yaml", "{{ range .Values.jobs }}\n- name: {{ .name }}\n{{ end }}\n"),
    ] {
        assert_eq!(beside_good(name, text.as_bytes()), Vec::<String>::new(), "{name}");
    }
}

/// Text that cannot be parsed counts as a manifest if its root has the two fields of every object, however they are written.
#[test]
fn a_broken_manifest_of_a_directory_is_an_error_however_its_keys_are_written() {
    for (text, code) in [
        ("apiVersion: v1\nkind: Service\nmetadata: {name: x\n", 2),
        ("\"apiVersion\": v1\n'kind': Service\nmetadata: {name: x\n", 2),
        ("  apiVersion: v1\n  kind: Service\n  metadata: {name: x\n", 2),
        ("- apiVersion: v1\n  kind: Service\n  metadata: {name: x\n", 2),
        ("- name: play\n  tasks:\n    - k8s: {apiVersion: v1, kind: Service\n", 0),
        ("settings:\n    apiVersion: v1\n    kind: {\n", 0),
    ] {
        let folder = folder(&[("a.yaml", text), ("b.yaml", &ingress("web", "web", 80))]);
        assert_eq!(check(folder.path(), &["."]).code, code, "{text}");
    }
}
