//! Placeholders in files: values that are not known, and their substitution.

use serde_json::{Value, json};

use super::{CLASS, SERVICE, check, folder, ingress, places, report};

const CLASS_JSON: &str = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}"#;
const SERVICE_JSON: &str =
    r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}"#;
const OTHER_SECRET: &str = "{apiVersion: v1, kind: Secret, metadata: {name: other}, stringData: {a: b}}\n";

/// An Ingress with TLS for its host.
fn with_tls() -> String {
    ingress("web", "web", 80)
        .replace("  rules:", "  tls:\n  - hosts: [web.example.com]\n    secretName: other\n  rules:")
}

fn annotated(annotation: &str) -> String {
    ingress("web", "web", 80).replace("{name: web}", &format!("{{name: web, annotations: {{{annotation}}}}}"))
}

fn run(ingress: &str, arguments: &[&str]) -> (i32, Value) {
    let folder = folder(&[("a.yaml", &[CLASS, SERVICE, OTHER_SECRET].join("---\n")), ("b.yaml", ingress)]);
    report(folder.path(), &[&["a.yaml", "b.yaml", "--complete"], arguments].concat())
}

#[test]
fn a_placeholder_is_an_unknown_value_in_every_field() {
    for (from, to) in [
        ("ingressClassName: nginx", "ingressClassName: ${CLASS}"),
        ("host: web.example.com", "host: ${HOST}"),
        ("host: web.example.com", "host: \"{{ .Values.host }}\""),
        ("[web.example.com]", "[\"${HOST}\"]"),
        ("[web.example.com]", "['*.${DOMAIN}']"),
        ("secretName: other", "secretName: $(SECRET)"),
        ("path: /", "path: /${PREFIX}/api"),
        ("path: /", "path: ${PATH:=/api(/|$)(.*)}"),
        ("name: web\n", "name: ${APP}-web\n"),
        ("number: 80", "number: ${PORT}"),
        ("number: 80", "name: ${PORT}"),
        ("number: 80", "number: ${PORT:=81}"),
        ("port:\n              number: 80", "port: {number: ${PORT}}"),
        ("{name: web}", "{name: \"${APP}\", namespace: \"${NS}\"}"),
    ] {
        let text = with_tls();
        assert!(text.contains(from), "{from}");
        let (code, found) = run(&text.replace(from, to), &["--ignore", "IG402,IG406"]);
        assert_eq!((code, places(&found)), (0, Vec::new()), "{to}");
        assert_eq!(found["summary"]["ingresses"], 1, "{to}");
        assert!(found["unsubstituted"]["values"].as_u64() > Some(0), "{to}");
    }
    for annotation in [
        "nginx.ingress.kubernetes.io/whitelist-source-range: \"${ALLOW}\"",
        "nginx.ingress.kubernetes.io/proxy-body-size: \"${SIZE}\"",
        "nginx.ingress.kubernetes.io/auth-url: \"https://auth.${DOMAIN}/check\"",
        "nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: \"${NS}/users\"",
        "nginx.ingress.kubernetes.io/rewrite-target: \"/${PREFIX}/$2\"",
        "nginx.ingress.kubernetes.io/canary: \"${CANARY}\", nginx.ingress.kubernetes.io/canary-weight: \"10\"",
        "kubernetes.io/ingress.class: \"${CLASS}\"",
    ] {
        let (code, found) = run(&annotated(annotation), &["--fail-on", "warn"]);
        assert_eq!((code, places(&found)), (0, Vec::new()), "{annotation}");
    }
}

#[test]
fn variables_of_nginx_and_captures_are_no_placeholders() {
    for annotation in [
        "nginx.ingress.kubernetes.io/upstream-vhost: \"${host}\"",
        "nginx.ingress.kubernetes.io/rewrite-target: /$2",
        "nginx.ingress.kubernetes.io/configuration-snippet: \"set $a ${arg_x}; set $b ${a};\"",
    ] {
        let (_, found) = run(&annotated(annotation), &[]);
        assert_eq!(found["unsubstituted"], Value::Null, "{annotation}");
    }
    let regex = annotated("nginx.ingress.kubernetes.io/rewrite-target: /$2").replace("path: /\n", "path: /a(/.*)\n");
    let (_, found) = run(&regex.replace("Prefix", "ImplementationSpecific"), &["--select", "IG310"]);
    assert_eq!(places(&found).len(), 1, "it is still read: {found:#}");
}

#[test]
fn faults_beside_a_placeholder_are_found() {
    let text = ingress("web", "web", 81).replace("web.example.com", "web.${DOMAIN}");
    let (code, found) = run(&text, &[]);
    assert_eq!((code, places(&found)), (1, vec!["IG202 b.yaml:16:23".to_owned()]));
    let text = ingress("web", "wbe", 80).replace("path: /", "path: /${PATH}");
    assert_eq!(places(&run(&text, &[]).1), ["IG201 b.yaml:14:19"]);
}

#[test]
fn other_ingresses_have_no_finding_because_of_one_with_placeholders() {
    let canary =
        annotated("nginx.ingress.kubernetes.io/canary: \"true\", nginx.ingress.kubernetes.io/canary-weight: \"10\"");
    let canary = canary.replace("{name: web,", "{name: canary,");
    let canary = canary.replace("            name: web", "            name: next");
    let main = ingress("main", "web", 80).replace("main.example.com", "web.example.com");
    let codes =
        |main: &str| places(&run(&[&*canary, main].join("---\n"), &["--select", "canary-without-main,IG501"]).1);
    assert_eq!(codes(&main.replace("web.example.com", "other.example.com")).len(), 1);
    assert_eq!(codes(&main), Vec::<String>::new());
    assert_eq!(codes(&main.replace("web.example.com", "${HOST}")), Vec::<String>::new());
    assert_eq!(codes(&main.replace("path: /", "path: ${PATH}")), Vec::<String>::new());
}

#[test]
fn variables_are_substituted_and_places_stay_exact() {
    let text = ingress("web", "web", 80)
        .replace("number: 80", "number: ${PORT} # the port")
        .replace("web.example.com", "${HOST:=web.example.com}");
    let (code, found) = run(&text, &["--set-var", "PORT=8080"]);
    assert_eq!((code, places(&found)), (1, vec!["IG202 b.yaml:16:23".to_owned()]));
    assert_eq!(found["findings"][0]["endColumn"], 30);
    assert_eq!(found["findings"][0]["message"], "Service \"web\" has no port 8080: requests return 503");
    assert_eq!(
        (run(&text, &["--set-var", "PORT=80"]).0, &run(&text, &["--set-var", "PORT=80"]).1["unsubstituted"]),
        (0, &Value::Null)
    );
    // In one line, where YAML alone cannot be parsed.
    let flow = text.replace("port:\n              number: ${PORT} # the port", "port: {number: ${PORT}}");
    assert_eq!(places(&run(&flow, &["--set-var", "PORT=8080"]).1), ["IG202 b.yaml:15:28"]);
}

#[test]
fn variables_come_from_files() {
    let text = ingress("${NAME}", "${NAME}", 80).replace("metadata: {name: ${NAME}}", "metadata: {name: \"${NAME}\"}");
    let folder = folder(&[
        ("a.yaml", &[CLASS, SERVICE, &text].join("---\n")),
        ("vars/map.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: vars}, data: {NAME: wbe, b.c: d}}\n"),
        ("vars/secret.yaml", "{apiVersion: v1, kind: Secret, metadata: {name: vars}, stringData: {NAME: hidden}}\n"),
        ("vars/lines.env", "# the application\nexport NAME=\"web\"\n"),
    ]);
    let with = |arguments: &[&str]| report(folder.path(), &[&["a.yaml", "--complete"], arguments].concat());
    let (code, found) = with(&["--vars-from", "vars/map.yaml"]);
    assert_eq!((code, &found["findings"][0]["ingress"]), (1, &json!("wbe")));
    assert_eq!(with(&["--vars-from", "vars/map.yaml", "--vars-from", "vars/lines.env"]).0, 0);
    assert_eq!(with(&["--vars-from", "vars/map.yaml", "--set-var", "NAME=web"]).0, 0);
    for (arguments, wanted) in [
        (["--vars-from", "vars/secret.yaml"], "vars/secret.yaml: the values of a Secret would be in the report"),
        (["--vars-from", "vars/absent.env"], "vars/absent.env"),
        (["--vars-from", "a.yaml"], "a.yaml: no ConfigMap found"),
        (["--set-var", "a-b=c"], "--set-var: \"a-b\" is not the name of a variable"),
    ] {
        let outcome = check(folder.path(), &[&["a.yaml"][..], &arguments].concat());
        assert_eq!(outcome.code, 2, "{}", outcome.err);
        assert!(outcome.err.contains(wanted) && !outcome.err.contains("hidden"), "{}", outcome.err);
    }
    // A file with variables cannot be overwritten by a report.
    let outcome = check(folder.path(), &["a.yaml", "--vars-from", "vars/lines.env", "-o", "json=vars/lines.env"]);
    assert_eq!(outcome.code, 2, "{}", outcome.err);
}

#[test]
fn the_summary_says_what_was_not_substituted() {
    let text =
        ingress("web", "web", 80).replace("web.example.com", "web.${DOMAIN}").replace("path: /", "path: /${Path_1}");
    let folder = folder(&[("a.yaml", &[CLASS, SERVICE, &text].join("---\n"))]);
    let out = check(folder.path(), &["a.yaml", "--complete"]).out;
    let wanted = "not substituted: 2 values of 1 Ingress: DOMAIN, Path_1\nsubstitute them with --set-var DOMAIN=VALUE, or with --vars-from FILE\n";
    assert!(out.contains(wanted), "{out}");
    let out = check(folder.path(), &["a.yaml", "--complete", "--set-var", "DOMAIN=example.com"]).out;
    assert!(out.contains("not substituted: 1 value of 1 Ingress: Path_1\n"), "{out}");
    // Of a template there is no variable.
    let templated = text.replace("${DOMAIN}", "{{ domain }}").replace("${Path_1}", "");
    std::fs::write(folder.path().join("a.yaml"), [CLASS, SERVICE, &templated].join("---\n")).unwrap();
    let out = check(folder.path(), &["a.yaml", "--complete"]).out;
    assert!(out.contains("not substituted: 1 value of 1 Ingress\nrender the templates before check\n"), "{out}");
}

#[test]
fn variables_are_substituted_in_json() {
    let text = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"},
         "spec": {"controller": "k8s.io/ingress-nginx"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": ${PORT}}]}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
         "spec": {"ingressClassName": "nginx",
                  "defaultBackend": {"service": {"name": "${NAME}",
                                                 "port": {"number": 81}}}}}]}
"#;
    let folder = folder(&[("web.json", text)]);
    let arguments = ["web.json", "--set-var", "NAME=web", "--set-var", "PORT=80", "--select", "IG202"];
    let (code, report) = report(folder.path(), &arguments);
    assert_eq!((code, places(&report)), (0, vec!["IG202 web.json:8:69".to_owned()]), "{report:#}");
}

#[test]
fn variables_are_substituted_in_every_value_of_a_json_stream() {
    let object = |name: &str, port: &str| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
            "spec": {"ingressClassName": "nginx", "defaultBackend": {"service": {"name": "${NAME}", "port": {"number": 81}}}},
        })
        .to_string()
        .replace("81", port)
    };
    let text = |first: &str| [CLASS_JSON, SERVICE_JSON, &object("a", first), &object("b", "82")].join("\n");
    let folder = folder(&[("web.json", &text("81")), ("number.json", &text("${PORT}")), ("broken.json", "")]);
    let codes = |arguments: &[&str]| {
        let (code, found) = report(folder.path(), &[arguments, &["--select", "IG202"]].concat());
        (code, places(&found).len(), found["summary"]["ingresses"].as_u64())
    };
    for file in ["web.json", "number.json"] {
        assert_eq!(codes(&[file, "--set-var", "NAME=web", "--set-var", "PORT=83"]), (0, 2, Some(2)), "{file}");
    }
    // A number that is not known is a placeholder, as in YAML.
    assert_eq!(codes(&["number.json", "--set-var", "NAME=web"]), (0, 1, Some(2)));
    assert_eq!(codes(&["number.json"]), (0, 0, Some(2)));
    let piped = super::check_with(
        folder.path(),
        &["-", "--set-var", "NAME=web", "--set-var", "PORT=83", "--select", "IG202", "-o", "json"],
        text("${PORT}").as_bytes(),
    );
    assert_eq!(piped.out.matches("\"IG202\"").count(), 2, "{}", piped.out);
    // What cannot be read is a fault.
    std::fs::write(folder.path().join("broken.json"), text("81") + "{\"kind\": ${NAME}").unwrap();
    let outcome = check(folder.path(), &["broken.json", "--set-var", "NAME=web"]);
    assert!(outcome.code == 2 && outcome.out.contains("error: broken.json:4"), "{} {}", outcome.code, outcome.out);
}

#[test]
fn a_workload_with_placeholders_in_labels_or_ports_is_unknown() {
    let service = SERVICE.replace("ports: [{port: 80}]", "selector: {app: web}, ports: [{port: 80, targetPort: http}]");
    let deployment = |label: &str, port: &str, argument: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{template: {{metadata: {{labels: {{app: web, version: \"{label}\"}}}}, \
             spec: {{containers: [{{name: c, args: [\"{argument}\"], ports: [{{name: \"{port}\", containerPort: 80}}]}}]}}}}}}}}\n"
        )
    };
    let pod = |port: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: web, labels: {{app: web}}}}, spec: {{containers: [{{name: c, ports: [{{name: \"{port}\", containerPort: 80}}]}}]}}}}\n"
        )
    };
    let ingress = ingress("web", "web", 80);
    let found = |workload: &str| {
        let folder = folder(&[("a.yaml", &[CLASS, &service, workload, &ingress].join("---\n"))]);
        places(&report(folder.path(), &["a.yaml", "--complete", "--select", "IG204"]).1).len()
    };
    assert_eq!(found(&deployment("1", "other", "$(NAME)")), 1);
    assert_eq!(found(&deployment("1", "${PORT}", "a")), 0);
    assert_eq!(found(&deployment("${VERSION}", "other", "a")), 0);
    assert_eq!(found(&deployment("1", "http", "a")), 0);
    let with_init = deployment("1", "other", "a").replace("containers:", "initContainers: [{name: s, restartPolicy: Always, ports: [{name: \"${PORT}\", containerPort: 81}]}], containers:");
    assert_eq!(found(&with_init), 0);
    assert_eq!(found(&pod("${PORT}")), 0);
}
