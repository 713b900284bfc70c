//! Patches done to text: whatever the style of a manifest, nothing but what the patch is about changes.

use ingress_guard::document::{Document, Edit, Lines, Unfixable, apply};
use ingress_guard::finding::Patch;
use ingress_guard::model::FieldPath;
use serde_json::{Value, json};

/// The edits that do a patch to an object of a text.
fn fix(text: &str, items: &[usize], patch: &Patch) -> Result<Vec<Edit>, Unfixable> {
    let document = Document::parse(text, 0..text.len()).ok_or(Unfixable::Mismatch)?;
    let mut object = document.object(text, items)?;
    let start = object.bytes().start;
    let place = |Edit { bytes, text }| Edit { bytes: start + bytes.start..start + bytes.end, text };
    let edits: Vec<Edit> = object.fix(patch)?.into_iter().map(place).collect();
    let fixed = format!("{}{}{}", &text[..start], object.text(), &text[object.bytes().end..]);
    assert_eq!(apply(text, &edits), fixed, "the edits are what was done");
    Ok(edits)
}

fn port() -> FieldPath {
    FieldPath::spec()
        .field("rules")
        .index(0)
        .field("http")
        .field("paths")
        .index(0)
        .field("backend")
        .field("service")
        .field("port")
}

/// A port by its number in the place of what `text` has.
fn to_number(was: &Value) -> Patch {
    Patch::on(&port(), was.clone()).replace(&port(), json!({"number": 8080}))
}

fn path_type() -> Patch {
    let field = FieldPath::spec().field("rules").index(0).field("http").field("paths").index(0).field("pathType");
    Patch::on(&field, "Exact").replace(&field, "Prefix")
}

const REGEXP: &str = "nginx.ingress.kubernetes.io/use-regexp";
const REGEX: &str = "nginx.ingress.kubernetes.io/use-regex";
const CLASS: &str = "kubernetes.io/ingress.class";

fn renamed() -> Patch {
    let field = FieldPath::annotation(REGEXP);
    Patch::on(&field, "true").remove(&field).add(&FieldPath::annotation(REGEX), "true")
}

fn class_to_field() -> Patch {
    let field = FieldPath::annotation(CLASS);
    Patch::on(&field, "nginx").remove(&field).add(&FieldPath::spec().field("ingressClassName"), "nginx")
}

fn with_auth_type() -> Patch {
    let secret = FieldPath::annotation("nginx.ingress.kubernetes.io/auth-secret");
    Patch::on(&secret, "users").add(&FieldPath::annotation("nginx.ingress.kubernetes.io/auth-type"), "basic")
}

fn enabled(was: &str) -> Patch {
    let field = FieldPath::annotation("a.example/enable");
    Patch::on(&field, was).replace(&field, "true")
}

/// An Ingress in block style with these annotations, this class line and this path.
fn block(annotations: &str, path: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n{annotations}spec:\n  rules:\n  - host: a.example.com\n    http:\n      paths:\n{path}"
    )
}

const PATH: &str =
    "      - path: /\n        pathType: Exact\n        backend: {service: {name: web, port: {name: http}}}\n";

/// One style: the patch, the text, and what differs after it: lines that go and lines that come.
struct Style {
    name: &'static str,
    patch: Patch,
    text: String,
    diff: &'static str,
}

fn style(name: &'static str, patch: Patch, text: impl Into<String>, diff: &'static str) -> Style {
    Style { name, patch, text: text.into(), diff }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn corpus() -> Vec<Style> {
    let name = || to_number(&json!({"name": "http"}));
    let number = || to_number(&json!({"number": 80}));
    let with = |annotations: &str| block(annotations, PATH);
    let path = |path: &str| block("", path);
    vec![
        style(
            "port in flow style",
            name(),
            path(PATH),
            "-        backend: {service: {name: web, port: {name: http}}}\n+        backend: {service: {name: web, port: {number: 8080}}}\n",
        ),
        style(
            "port in flow style without blanks",
            number(),
            path("      - {path: /,pathType: Exact,backend: {service: {name: web,port: {number: 80}}}}\n"),
            "-      - {path: /,pathType: Exact,backend: {service: {name: web,port: {number: 80}}}}\n+      - {path: /,pathType: Exact,backend: {service: {name: web,port: {number: 8080}}}}\n",
        ),
        style(
            "port in block style",
            name(),
            path(
                "      - path: /\n        pathType: Exact\n        backend:\n          service:\n            name: web\n            port:\n              name: http\n",
            ),
            "-              name: http\n+              number: 8080\n",
        ),
        style(
            "port number in block style with a comment",
            number(),
            path(
                "      - path: /\n        pathType: Exact\n        backend:\n          service:\n            name: web\n            port:\n              number: 80 # as ever\n",
            ),
            "-              number: 80 # as ever\n+              number: 8080 # as ever\n",
        ),
        style(
            "port name in quotes",
            name(),
            path(
                "      - path: /\n        pathType: Exact\n        backend: {service: {name: \"web\", port: {\"name\": 'http'}}}\n",
            ),
            "-        backend: {service: {name: \"web\", port: {\"name\": 'http'}}}\n+        backend: {service: {name: \"web\", port: {\"number\": 8080}}}\n",
        ),
        style(
            "no newline at the end",
            number(),
            path(
                "      - path: /\n        pathType: Exact\n        backend: {service: {name: web, port: {number: 80}}}",
            ),
            "-        backend: {service: {name: web, port: {number: 80}}}\n+        backend: {service: {name: web, port: {number: 8080}}}\n",
        ),
        style(
            "deep indentation",
            number(),
            path(
                "          -   path: /\n              pathType: Exact\n              backend:\n                  service:\n                      name: web\n                      port:\n                          number: 80\n",
            ),
            "-                          number: 80\n+                          number: 8080\n",
        ),
        style(
            "value on the next line",
            number(),
            path(
                "      - path: /\n        pathType: Exact\n        backend:\n          service:\n            name: web\n            port:\n              number:\n                80\n",
            ),
            "-                80\n+                8080\n",
        ),
        style(
            "key in question form",
            number(),
            path(
                "      - path: /\n        pathType: Exact\n        backend:\n          service:\n            name: web\n            port:\n              ? number\n              : 80\n",
            ),
            "-              : 80\n+              : 8080\n",
        ),
        style(
            "dash on a line of its own",
            path_type(),
            path(
                "      -\n        path: /\n        pathType: Exact\n        backend: {service: {name: web, port: {number: 80}}}\n",
            ),
            "-        pathType: Exact\n+        pathType: Prefix\n",
        ),
        style("plain text", path_type(), path(PATH), "-        pathType: Exact\n+        pathType: Prefix\n"),
        style(
            "plain text with a comment far off",
            path_type(),
            path(
                "      - path: /\n        pathType: Exact      # only this\n        backend: {service: {name: web, port: {number: 80}}}\n",
            ),
            "-        pathType: Exact      # only this\n+        pathType: Prefix      # only this\n",
        ),
        style(
            "single quotes",
            path_type(),
            path(
                "      - path: '/'\n        pathType: 'Exact'\n        backend: {service: {name: web, port: {number: 80}}}\n",
            ),
            "-        pathType: 'Exact'\n+        pathType: 'Prefix'\n",
        ),
        style(
            "double quotes",
            path_type(),
            path(
                "      - \"path\": \"/\"\n        \"pathType\": \"Exact\"\n        \"backend\": {service: {name: web, port: {number: 80}}}\n",
            ),
            "-        \"pathType\": \"Exact\"\n+        \"pathType\": \"Prefix\"\n",
        ),
        style(
            "blanks before the colon",
            path_type(),
            path(
                "      - path : /\n        pathType   : Exact\n        backend: {service: {name: web, port: {number: 80}}}\n",
            ),
            "-        pathType   : Exact\n+        pathType   : Prefix\n",
        ),
        style(
            "an anchor elsewhere",
            path_type(),
            path(
                "      - path: /\n        pathType: Exact\n        backend: &b {service: {name: web, port: {number: 80}}}\n      - path: /x\n        pathType: Prefix\n        backend: *b\n",
            ),
            "-        pathType: Exact\n+        pathType: Prefix\n",
        ),
        style(
            "CRLF",
            path_type(),
            path(PATH).replace('\n', "\r\n"),
            "-        pathType: Exact\r\n+        pathType: Prefix\r\n",
        ),
        style(
            "document marker with a comment",
            path_type(),
            format!("--- # web\n{}", path(PATH)),
            "-        pathType: Exact\n+        pathType: Prefix\n",
        ),
        style(
            "document end",
            path_type(),
            format!("{}...\n", path(PATH)),
            "-        pathType: Exact\n+        pathType: Prefix\n",
        ),
        style(
            "other letters before it",
            path_type(),
            format!("# Größe: 🦀\n{}", path(PATH)),
            "-        pathType: Exact\n+        pathType: Prefix\n",
        ),
        style(
            "blank lines and comments between",
            path_type(),
            path(
                "\n      # first\n\n      - path: /\n\n        # the type\n        pathType: Exact\n\n        backend: {service: {name: web, port: {number: 80}}}\n",
            ),
            "-        pathType: Exact\n+        pathType: Prefix\n",
        ),
        style(
            "a key renamed",
            renamed(),
            with("  annotations:\n    nginx.ingress.kubernetes.io/use-regexp: \"true\"  # why not\n"),
            "-    nginx.ingress.kubernetes.io/use-regexp: \"true\"  # why not\n+    nginx.ingress.kubernetes.io/use-regex: \"true\"  # why not\n",
        ),
        style(
            "a quoted key renamed",
            renamed(),
            with("  annotations:\n    'nginx.ingress.kubernetes.io/use-regexp': 'true'\n"),
            "-    'nginx.ingress.kubernetes.io/use-regexp': 'true'\n+    'nginx.ingress.kubernetes.io/use-regex': 'true'\n",
        ),
        style(
            "a key renamed in flow style",
            renamed(),
            with("  annotations: {nginx.ingress.kubernetes.io/use-regexp: \"true\", a: b}\n"),
            "-  annotations: {nginx.ingress.kubernetes.io/use-regexp: \"true\", a: b}\n+  annotations: {nginx.ingress.kubernetes.io/use-regex: \"true\", a: b}\n",
        ),
        style(
            "an entry moved",
            class_to_field(),
            with("  annotations:\n    a: b\n    kubernetes.io/ingress.class: nginx\n    c: d\n"),
            "-    kubernetes.io/ingress.class: nginx\n+  ingressClassName: nginx\n",
        ),
        style(
            "the last entry moved",
            class_to_field(),
            with("  annotations:\n    a: b\n    kubernetes.io/ingress.class: nginx # old\n"),
            "-    kubernetes.io/ingress.class: nginx # old\n+  ingressClassName: nginx\n",
        ),
        style(
            "the only entry moved",
            class_to_field(),
            with("  annotations:\n    kubernetes.io/ingress.class: nginx\n"),
            "-  annotations:\n-    kubernetes.io/ingress.class: nginx\n+  ingressClassName: nginx\n",
        ),
        style(
            "an entry moved past a comment",
            class_to_field(),
            with("  annotations:\n    kubernetes.io/ingress.class: nginx\n    # about a\n    a: b\n")
                .replace("spec:\n", "spec: # here\n  # about rules\n"),
            "-    kubernetes.io/ingress.class: nginx\n+  ingressClassName: nginx\n",
        ),
        style(
            "an entry in quotes moved",
            class_to_field(),
            with("  annotations:\n    \"kubernetes.io/ingress.class\": \"nginx\"\n    \"a\": \"b\"\n"),
            "-    \"kubernetes.io/ingress.class\": \"nginx\"\n+  ingressClassName: nginx\n",
        ),
        style(
            "an entry moved out of flow style",
            class_to_field(),
            with("  annotations: {kubernetes.io/ingress.class: nginx, a: b}\n"),
            "-  annotations: {kubernetes.io/ingress.class: nginx, a: b}\n+  annotations: {a: b}\n+  ingressClassName: nginx\n",
        ),
        style(
            "the last entry moved out of flow style",
            class_to_field(),
            with("  annotations: { a: b, kubernetes.io/ingress.class: nginx }\n"),
            "-  annotations: { a: b, kubernetes.io/ingress.class: nginx }\n+  annotations: { a: b }\n+  ingressClassName: nginx\n",
        ),
        style(
            "an entry moved with CRLF",
            class_to_field(),
            with("  annotations:\n    a: b\n    kubernetes.io/ingress.class: nginx\n").replace('\n', "\r\n"),
            "-    kubernetes.io/ingress.class: nginx\r\n+  ingressClassName: nginx\r\n",
        ),
        style(
            "an entry after a block of text moved",
            class_to_field(),
            with("  annotations:\n    a: |\n      text\n\n      more\n    kubernetes.io/ingress.class: nginx\n"),
            "-    kubernetes.io/ingress.class: nginx\n+  ingressClassName: nginx\n",
        ),
        style(
            "an entry added",
            with_auth_type(),
            with("  annotations:\n    nginx.ingress.kubernetes.io/auth-secret: users\n"),
            "+    nginx.ingress.kubernetes.io/auth-type: basic\n",
        ),
        style(
            "an entry added among quotes",
            with_auth_type(),
            with("  annotations:\n    \"nginx.ingress.kubernetes.io/auth-secret\": \"users\"\n"),
            "+    \"nginx.ingress.kubernetes.io/auth-type\": \"basic\"\n",
        ),
        style(
            "an entry added in flow style",
            with_auth_type(),
            with("  annotations: {nginx.ingress.kubernetes.io/auth-secret: users}\n"),
            "-  annotations: {nginx.ingress.kubernetes.io/auth-secret: users}\n+  annotations: {nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users}\n",
        ),
        style(
            "a word that needs quotes",
            enabled("yes please"),
            with("  annotations:\n    a.example/enable: yes please\n"),
            "-    a.example/enable: yes please\n+    a.example/enable: \"true\"\n",
        ),
        style(
            "text over several lines",
            enabled("yes please"),
            with("  annotations:\n    a.example/enable: yes\n      please\n    b: c\n"),
            "-    a.example/enable: yes\n-      please\n+    a.example/enable: \"true\"\n",
        ),
        style(
            "JSON on one line",
            path_type(),
            r#"{"kind":"Ingress","metadata":{"name":"w"},"spec":{"rules":[{"http":{"paths":[{"path":"/","pathType":"Exact"}]}}]}}"#,
            "-{\"kind\":\"Ingress\",\"metadata\":{\"name\":\"w\"},\"spec\":{\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/\",\"pathType\":\"Exact\"}]}}]}}\n+{\"kind\":\"Ingress\",\"metadata\":{\"name\":\"w\"},\"spec\":{\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/\",\"pathType\":\"Prefix\"}]}}]}}\n",
        ),
        style(
            "JSON over many lines",
            class_to_field(),
            "{\n\t\"kind\": \"Ingress\",\n\t\"metadata\": {\n\t\t\"annotations\": {\n\t\t\t\"kubernetes.io/ingress.class\": \"nginx\",\n\t\t\t\"a\": \"b\"\n\t\t}\n\t},\n\t\"spec\": {\n\t\t\"rules\": []\n\t}\n}\n",
            "-\t\t\t\"kubernetes.io/ingress.class\": \"nginx\",\n+\t\t\"ingressClassName\": \"nginx\",\n",
        ),
        style(
            "JSON with CRLF",
            with_auth_type(),
            "{\r\n  \"metadata\": {\r\n    \"annotations\": {\r\n      \"nginx.ingress.kubernetes.io/auth-secret\": \"users\"\r\n    }\r\n  }\r\n}\r\n",
            "+      \"nginx.ingress.kubernetes.io/auth-type\": \"basic\",\r\n",
        ),
    ]
}

fn diff(before: &str, after: &str) -> String {
    let changes = similar::TextDiff::from_lines(before, after);
    let line = |change: similar::Change<&str>| {
        let end = if change.value().ends_with('\n') { "" } else { "\n" };
        format!("{}{}{end}", change.tag(), change.value())
    };
    changes.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal).map(line).collect()
}

#[test]
fn in_every_style_only_the_patched_value_changes() {
    let corpus = corpus();
    assert!(corpus.len() >= 40, "{}", corpus.len());
    let mut wrong = Vec::new();
    for Style { name, patch, text, diff: wanted } in corpus {
        match fix(&text, &[], &patch) {
            Err(reason) => wrong.push(format!("{name}: {reason}\n{text}")),
            Ok(edits) => {
                let found = diff(&text, &apply(&text, &edits));
                if found != wanted {
                    wrong.push(format!("{name}:\n{found}instead of\n{wanted}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_fix_that_would_change_more_is_refused() {
    let cases = [
        (
            "behind an alias",
            path_type(),
            "x: &p {path: /, pathType: Exact}\nspec: {rules: [{http: {paths: [*p]}}]}\n",
            Unfixable::Shared,
        ),
        (
            "at an anchor",
            path_type(),
            "spec: {rules: [{http: {paths: [{pathType: &t Exact}]}}]}\nother: *t\n",
            Unfixable::Shared,
        ),
        (
            "by a merge key",
            path_type(),
            "x: &p {pathType: Exact}\nspec: {rules: [{http: {paths: [{<<: *p, path: /}]}}]}\n",
            Unfixable::Shared,
        ),
        (
            "a block of text",
            enabled("no\n"),
            "metadata:\n  annotations:\n    a.example/enable: |\n      no\n",
            Unfixable::Form,
        ),
        ("another value", path_type(), "spec: {rules: [{http: {paths: [{pathType: Prefix}]}}]}\n", Unfixable::Mismatch),
        ("no such field", path_type(), "spec: {}\n", Unfixable::Mismatch),
        ("no YAML", path_type(), "spec: [\n", Unfixable::Mismatch),
        ("nothing", path_type(), "", Unfixable::Mismatch),
        (
            "a comment that may belong to what goes",
            class_to_field(),
            "metadata:\n  annotations: {\n    kubernetes.io/ingress.class: nginx,\n    # about a\n    a: b}\nspec: {rules: []}\n",
            Unfixable::Form,
        ),
    ];
    for (name, patch, text, wanted) in cases {
        let found = fix(text, &[], &patch);
        assert_eq!(found, Err(wanted), "{name}");
    }
}

#[test]
fn an_item_of_a_list_is_fixed_in_place() {
    let item = |name: &str| {
        format!(
            "- kind: Ingress\n  metadata: {{name: {name}}}\n  spec: {{rules: [{{http: {{paths: [{{path: /, pathType: Exact}}]}}}}]}}\n"
        )
    };
    let text = format!("kind: List\nitems:\n{}{}", item("one"), item("two"));
    let edits = fix(&text, &[1], &path_type()).unwrap();
    let after = apply(&text, &edits);
    assert!(after.starts_with(&text[..edits[0].bytes.start]));
    assert_eq!(diff(&text, &after).matches('\n').count(), 2);
    assert!(after.find("Exact").unwrap() < after.find("Prefix").unwrap(), "the second item is the one that changed");
}

/// Every style as the middle one of three items, in a list in block style, and where it is in flow style in one of those too.
#[test]
fn every_style_is_fixed_in_a_list_as_alone() {
    let (mut listed, mut wrong) = (0, Vec::new());
    for Style { name, patch, text, .. } in corpus() {
        let Ok(alone) = fix(&text, &[], &patch).map(|edits| apply(&text, &edits)) else { continue };
        let is_flow = text.trim_start().starts_with('{');
        // What parts documents cannot stand in an item, nor can a comment begin one.
        if text.contains('\t')
            || text.lines().any(|line| ["#", "%", "---", "..."].iter().any(|it| line.starts_with(it)))
        {
            continue;
        }
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let item = |text: &str| {
            let mut lines = text
                .split_inclusive('\n')
                .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("  {line}") });
            let first = lines.next().unwrap_or_default().replacen("  ", "- ", 1);
            let whole = first + &lines.collect::<String>();
            if whole.ends_with('\n') { whole } else { whole + end }
        };
        let mut lists = vec![(
            format!("kind: List{end}items:{end}{}{}{}", item("a: b"), item(&text), item("c: d")),
            format!("kind: List{end}items:{end}{}{}{}", item("a: b"), item(&alone), item("c: d")),
        )];
        if is_flow {
            let list = |text: &str| format!("{{\"kind\": \"List\", \"items\": [{{}}, {}, {{}}]}}", text.trim_end());
            lists.push((list(&text), list(&alone)));
        }
        for (list, wanted) in lists {
            listed += 1;
            let found = fix(&list, &[1], &patch).map(|edits| apply(&list, &edits));
            if found.as_ref() != Ok(&wanted) {
                wrong.push(format!("{name}: {found:?}\ninstead of {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(listed > 30, "{listed}");
}

#[test]
fn shared_nodes_of_an_item_are_not_changed() {
    let item = |spec: &str| format!("- metadata: {{name: x}}\n  spec: {spec}\n");
    let rules = "{rules: [{http: {paths: [{path: /, pathType: Exact}]}}]}";
    let plain = item(rules);
    for (name, first, second) in [
        ("an alias to all of it", item(&format!("&s {rules}")), item("*s")),
        ("an alias of its own", item("&s {a: b}"), item("{rules: [{http: {paths: [{pathType: Exact, x: *s}]}}]}")),
        ("a value that another has by alias", item(rules).replace("Exact", "&t Exact"), item("{a: *t}")),
        ("an item that is another", plain.replacen("- ", "- &i\n  ", 1), "- *i\n".to_owned()),
    ] {
        let text = format!("items:\n{first}{second}");
        for index in [0, 1] {
            if let Ok(edits) = fix(&text, &[index], &path_type()) {
                panic!("{name}: {}", apply(&text, &edits));
            }
        }
    }
    // A reference elsewhere in the list does not prevent the fix.
    let text = format!("items:\n{plain}{}{}", item("&s {a: b}"), item("*s"));
    assert!(fix(&text, &[0], &path_type()).is_ok());
}

/// Line, column and text of a field.
fn located(text: &str, items: &[usize], field: &FieldPath) -> (usize, usize, String) {
    let document = Document::parse(text, 0..text.len()).unwrap();
    let bytes = document.locate(items, field);
    let (line, column) = Lines::of(text).position(bytes.start);
    (line, column, text[bytes].to_owned())
}

#[test]
fn fields_are_located_at_their_values_and_absent_ones_at_the_nearest_parent() {
    let text = "# é\nmetadata:\n  annotations: {\"é\": x, b: 'y z'}\nspec:\n  rules:\n  - host: a.example.com # c\n    http:\n      paths:\n      - path: /é\n        backend: &b\n          service: {name: web}\n      - {path: /x, backend: *b}\n";
    let paths = || FieldPath::spec().field("rules").index(0).field("http").field("paths");
    for (field, wanted) in [
        (FieldPath::spec().field("rules").index(0).field("host"), (6, 11, "a.example.com")),
        (FieldPath::annotation("b"), (3, 28, "'y z'")),
        (FieldPath::annotation("missing"), (3, 3, "annotations")),
        (FieldPath::spec().field("tls").index(0), (4, 1, "spec")),
        (FieldPath::spec().field("rules").index(0), (6, 5, "host")),
        (FieldPath::spec().field("rules").index(7).field("host"), (5, 3, "rules")),
        (paths().index(0).field("path"), (9, 15, "/é")),
        (paths().index(0).field("backend").field("service").field("port").field("number"), (11, 11, "service")),
        (paths().index(1), (12, 9, "{")),
        (paths().index(1).field("backend").field("service").field("name"), (12, 20, "backend")),
        (FieldPath::default(), (2, 1, "metadata")),
    ] {
        assert_eq!(located(text, &[], &field), (wanted.0, wanted.1, wanted.2.to_owned()), "{field}");
    }
    let list = "{\"kind\": \"List\", \"items\": [{\"spec\": {}},\n {\"spec\": {\"rules\": [{\"host\": \"x\"}]}}]}";
    assert_eq!(
        located(list, &[1], &FieldPath::spec().field("rules").index(0).field("host")),
        (2, 31, "\"x\"".to_owned())
    );
    assert_eq!(located(list, &[5], &FieldPath::spec()), (1, 1, "{".to_owned()));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]
    /// In a damaged text, locating fields and applying fixes never panics.
    #[test]
    fn no_text_makes_it_panic(style in 0_usize..40, at in 0.0..1.0_f64, length in 0_usize..30, put in "[-:{}\\[\\]&*'\"# \n\t|>a]{0,6}") {
        let Style { text, patch, .. } = corpus().swap_remove(style);
        let boundary = |byte: usize| (byte..=text.len()).find(|byte| text.is_char_boundary(*byte)).unwrap_or(text.len());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "somewhere in it")]
        let start = boundary((at * text.len() as f64) as usize);
        let cut = format!("{}{put}{}", &text[..start], &text[boundary(start + length)..]);
        if let Some(document) = Document::parse(&cut, 0..cut.len()) {
            let bytes = document.locate(&[], &port());
            proptest::prop_assert!(cut.get(bytes).is_some());
        }
        if let Ok(edits) = fix(&cut, &[], &patch) {
            proptest::prop_assert!(!apply(&cut, &edits).is_empty());
        }
    }
}

#[test]
fn broken_or_deeply_nested_text_has_no_places_and_no_fix() {
    for text in [format!("{}1", "[".repeat(5000)), "a: ".repeat(3000), "a: [".to_owned(), "&a a: *b".to_owned()] {
        assert!(Document::parse(&text, 0..text.len()).is_none(), "{text:.20}");
        assert!(fix(&text, &[], &path_type()).is_err());
    }
}
