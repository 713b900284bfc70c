//! Files overlaid on a cluster: other objects come from the cluster, and pre-existing findings do not deny.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{folder, ingress, report};
use crate::live::api::Api;
use crate::live::list::run;

const OLD: &str = "2026-01-01T00:00:00Z";

/// A Service of the cluster that has stood there for long, with an endpoint.
fn service(api: &Api, name: &str) {
    let ports = json!([{"port": 80, "targetPort": 8080, "protocol": "TCP"}]);
    let metadata = json!({"name": name, "namespace": "default", "creationTimestamp": OLD});
    api.put("services", json!({"metadata": metadata, "spec": {"ports": ports, "selector": {"app": name}}}));
    api.put(
        "endpointslices",
        json!({
            "metadata": {"name": format!("{name}-1"), "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
            "ports": [{"port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}}],
        }),
    );
}

/// An Ingress of the cluster that is old.
fn stored(api: &Api, text: &str) {
    let mut object: Value = serde_saphyr::from_str(text).unwrap();
    object["metadata"]["namespace"] = json!("default");
    object["metadata"]["creationTimestamp"] = json!(OLD);
    api.put("ingresses", object);
}

async fn cluster() -> Api {
    let api = Api::start().await;
    let class = json!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    api.put("ingressclasses", class);
    api.put("namespaces", json!({"metadata": {"name": "default"}}));
    service(&api, "web");
    service(&api, "other");
    api
}

async fn check(api: &Api, folder: &TempDir, arguments: &[&str]) -> (i32, Value) {
    let path = folder.path().to_str().unwrap();
    let (code, out, err) = run(api, &[&["check", path, "--cluster", "-o", "json"], arguments].concat()).await;
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

fn found(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|it| format!("{} {}", it["code"].as_str().unwrap(), it["level"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_outside_the_files_come_from_the_cluster() {
    let api = cluster().await;
    let folder = folder(&[("good.yaml", &ingress("good", "web", 80))]);
    let (code, report) = check(&api, &folder, &[]).await;
    assert_eq!((code, &report["findings"], &report["notEvaluated"]), (0, &json!([]), &json!([])), "{report:#}");
    assert_eq!(report["summary"]["ingresses"], 1);

    fs::write(folder.path().join("bad.yaml"), ingress("bad", "absent", 80)).unwrap();
    let (code, report) = check(&api, &folder, &[]).await;
    assert_eq!((code, found(&report)), (1, vec!["IG201 deny".to_owned()]), "{report:#}");

    // The Service is in the files too: it cannot have pods yet.
    let absent = "{apiVersion: v1, kind: Service, metadata: {name: absent}, spec: {selector: {app: absent}, ports: [{port: 80}]}}";
    fs::write(folder.path().join("service.yaml"), absent).unwrap();
    let (code, report) = check(&api, &folder, &[]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pre_existing_findings_only_warn() {
    let api = cluster().await;
    stored(&api, &ingress("bad", "absent", 80));
    let folder = folder(&[("bad.yaml", &ingress("bad", "absent", 80))]);
    let (code, report) = check(&api, &folder, &[]).await;
    assert_eq!((code, found(&report)), (0, vec!["IG201 warn".to_owned()]), "{report:#}");
    fs::write(folder.path().join("bad.yaml"), ingress("bad", "gone", 80)).unwrap();
    let (code, report) = check(&api, &folder, &[]).await;
    assert_eq!((code, found(&report)), (1, vec!["IG201 deny".to_owned()]), "another Service is missing: {report:#}");
    // The files break what stood: a port that they take away from its Service.
    stored(&api, &ingress("web", "web", 80));
    fs::write(folder.path().join("bad.yaml"), ingress("web", "web", 80)).unwrap();
    let web =
        "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 81}]}}";
    fs::write(folder.path().join("service.yaml"), web).unwrap();
    let (code, report) = check(&api, &folder, &[]).await;
    assert_eq!((code, found(&report)), (1, vec!["IG202 deny".to_owned()]), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingress_keeps_its_age_and_a_new_one_is_the_youngest() {
    let api = cluster().await;
    stored(&api, &ingress("first", "web", 80));
    let rival = ingress("rival", "other", 80).replace("rival.example.com", "first.example.com");
    let folder = folder(&[("rival.yaml", &rival), ("first.yaml", &ingress("first", "web", 80))]);
    let (_, report) = check(&api, &folder, &["--select", "IG501"]).await;
    let said = |name: &str| {
        let it = report["findings"].as_array().unwrap().iter().find(|it| it["ingress"] == name);
        it.unwrap_or_else(|| panic!("{report:#}"))["message"].as_str().unwrap().to_owned()
    };
    assert!(said("first").ends_with("default/rival: that younger Ingress receives no requests"), "{report:#}");
    assert!(said("rival").ends_with("default/first: that older Ingress receives all requests"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_files_exist_and_forbidden_ones_stay_unknown() {
    let api = cluster().await;
    let with_tls = ingress("web", "web", 80)
        .replace("spec:\n", "spec:\n  tls: [{hosts: [web.example.com], secretName: web-tls}]\n");
    let folder = folder(&[("web.yaml", &with_tls)]);
    let (_, report) = check(&api, &folder, &["--select", "IG401,IG402"]).await;
    assert_eq!(found(&report), ["IG401 warn"], "{report:#}");
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: web-tls}, type: kubernetes.io/tls, data: {}}";
    fs::write(folder.path().join("secret.yaml"), secret).unwrap();
    let (_, report) = check(&api, &folder, &["--select", "IG401,IG402"]).await;
    assert_eq!(found(&report), ["IG402 warn"], "{report:#}");
    fs::remove_file(folder.path().join("secret.yaml")).unwrap();
    api.forbid("secrets", true);
    let (code, report) = check(&api, &folder, &["--select", "IG401"]).await;
    assert_eq!((code, found(&report)), (0, Vec::new()), "{report:#}");
    assert_eq!(report["summary"]["notEvaluated"], 1, "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_gives_the_same_report() {
    let api = cluster().await;
    let folder = folder(&[("good.yaml", &ingress("good", "web", 80)), ("bad.yaml", &ingress("bad", "absent", 80))]);
    let (code, live) = check(&api, &folder, &[]).await;
    let kept = tempfile::NamedTempFile::new().unwrap();
    let kept = kept.path().to_str().unwrap();
    run(&api, &["snapshot", "--output", kept]).await;
    let (again, from_file) = report(folder.path(), &[folder.path().to_str().unwrap(), "--snapshot", kept]);
    assert_eq!((again, from_file), (code, live));
    let outcome = super::check(folder.path(), &[".", "--snapshot", kept, "--complete"]);
    assert_eq!(outcome.code, 2, "{}", outcome.out);
    assert!(outcome.err.contains("cannot be used with"), "{}", outcome.err);
    let outcome = super::check(folder.path(), &[".", "--context", "staging"]);
    assert_eq!(outcome.code, 2, "{}", outcome.out);
    assert!(outcome.err.contains("--kubeconfig and --context need --cluster"), "{}", outcome.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_root_is_applied_to_a_cluster() {
    let api = cluster().await;
    let folder = folder(&[("dev/web.yaml", &ingress("web", "web", 80)), ("prod/web.yaml", &ingress("web", "web", 81))]);
    let kept = tempfile::NamedTempFile::new().unwrap();
    let kept = kept.path().to_str().unwrap();
    run(&api, &["snapshot", "--output", kept]).await;
    let outcome = super::check(folder.path(), &[".", "--snapshot", kept]);
    assert_eq!((outcome.code, &*outcome.err), (2, "error: more than one root: select one with --root: dev, prod\n"));
    let (code, report) = report(folder.path(), &[".", "--snapshot", kept, "--root", "prod"]);
    assert_eq!((code, super::places(&report)), (1, vec!["IG202 prod/web.yaml:16:23".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn route_changes_are_listed() {
    let api = cluster().await;
    stored(&api, &ingress("shop", "web", 80).replace("path: /\n", "path: /api\n"));
    stored(&api, &ingress("same", "web", 80));
    let moved = ingress("shop", "other", 80).replace("path: /\n", "path: /v2\n");
    let folder = folder(&[
        ("shop.yaml", &moved),
        ("same.yaml", &ingress("same", "other", 80)),
        ("new.yaml", &ingress("new", "web", 80)),
    ]);
    let path = folder.path().to_str().unwrap();
    let (code, out, err) = run(&api, &["check", path, "--cluster"]).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        "route changes:\n\
         \x20 GET https://new.example.com/ is new: Service default/web:80\n\
         \x20 GET https://same.example.com/ changes from Service default/web:80 to Service default/other:80\n\
         \x20 GET https://shop.example.com/api is removed: 404 instead of Service default/web:80\n\
         \x20 GET https://shop.example.com/v2 is new: Service default/other:80\n\n\
         3 Ingresses analyzed; no findings\n"
    );
    let (_, report) = check(&api, &folder, &[]).await;
    assert_eq!(report["routeChanges"]["changes"].as_array().unwrap().len(), 4);
    assert_eq!(report["routeChanges"]["changes"][0]["before"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn http_changes_are_listed_if_they_differ_from_https() {
    let api = cluster().await;
    stored(&api, &ingress("web", "web", 80));
    let tls = |name: &str| format!("spec:\n  tls: [{{hosts: [{name}.example.com], secretName: web-tls}}]\n");
    let folder = folder(&[
        ("web.yaml", &ingress("web", "web", 80).replace("spec:\n", &tls("web"))),
        // Where everything is new, that HTTP is redirected goes without saying.
        ("new.yaml", &ingress("new", "web", 80).replace("spec:\n", &tls("new"))),
    ]);
    let (_, report) = check(&api, &folder, &[]).await;
    assert_eq!(
        report["routeChanges"]["changes"],
        json!([
            {"url": "http://web.example.com/", "before": "Service default/web:80", "after": "308 redirect"},
            {"url": "https://new.example.com/", "before": null, "after": "Service default/web:80"},
        ])
    );
}

/// Paths of one host say nothing of another, though they stand in one Ingress.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_asked_for_its_own_paths_and_the_page_tells_of_them() {
    let api = cluster().await;
    let two = ingress("two", "web", 80)
        + "  - host: b.example.com\n    http:\n      paths:\n      - {path: /b, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}\n";
    let folder = folder(&[("two.yaml", &two)]);
    let (_, report) = check(&api, &folder, &[]).await;
    let urls =
        report["routeChanges"]["changes"].as_array().unwrap().iter().map(|change| change["url"].as_str().unwrap());
    assert_eq!(urls.collect::<Vec<_>>(), ["https://b.example.com/b", "https://two.example.com/"]);

    let path = folder.path().to_str().unwrap();
    let (_, page, _) = run(&api, &["check", path, "--cluster", "-o", "html"]).await;
    let (_, section) = page.split_once("<section id=\"changes\"").unwrap();
    assert!(section.contains("<bdi>https://b.example.com/b</bdi></th><td><bdi>404</bdi>"), "{section}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_is_listed_once_also_where_something_is_fixed() {
    let api = cluster().await;
    let folder = folder(&[("web.yaml", &ingress("web", "web", 81))]);
    let path = folder.path().to_str().unwrap();
    let (code, out, err) = run(&api, &["check", path, "--cluster", "--fix"]).await;
    assert_eq!((code, err.lines().count()), (0, 1), "{out}{err}");
    assert!(out.ends_with("1 Ingress analyzed; no findings\n"), "{out}");
    assert_eq!(api.asked().iter().filter(|asked| asked.starts_with("list ingresses")).count(), 1, "{:?}", api.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn effects_on_other_ingresses_are_listed_in_at_most_fifty_lines() {
    let api = cluster().await;
    stored(&api, &ingress("all", "web", 80).replace("all.example.com", "\"*.example.com\""));
    let folder = folder(&[("one.yaml", &ingress("one", "other", 80).replace("path: /\n", "path: /one\n"))]);
    let (_, report) = check(&api, &folder, &[]).await;
    // The host has a server of its own now, which the wildcard has no part in.
    assert_eq!(
        report["routeChanges"]["changes"],
        json!([
            {"url": "https://one.example.com/", "before": "Service default/web:80", "after": null},
            {"url": "https://one.example.com/one", "before": "Service default/web:80", "after": "Service default/other:80"},
        ])
    );
    let many: Vec<String> = (0..60).map(|number| ingress(&format!("many-{number}"), "web", 80)).collect();
    fs::write(folder.path().join("one.yaml"), many.join("---\n")).unwrap();
    api.delete("ingresses", "default", "all");
    let path = folder.path().to_str().unwrap();
    let (_, out, _) = run(&api, &["check", path, "--cluster"]).await;
    assert_eq!(out.lines().filter(|line| line.starts_with("  GET ")).count(), 50);
    assert!(out.contains("\n  and 10 more\n\n60 Ingresses analyzed"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_files_send_elsewhere_fills_its_new_secret() {
    let api = cluster().await;
    let certificate = |secret: &str| json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web", "namespace": "default"}, "spec": {"secretName": secret}});
    api.put("certificates", certificate("old-tls"));
    let with_tls = ingress("web", "web", 80)
        .replace("spec:\n", "spec:\n  tls: [{hosts: [web.example.com], secretName: new-tls}]\n");
    let folder = folder(&[("web.yaml", &with_tls), ("certificate.json", &certificate("new-tls").to_string())]);
    let (code, report) = check(&api, &folder, &["--profile", "strict", "--select", "IG401"]).await;
    assert_eq!((code, found(&report)), (0, vec!["IG401 audit".to_owned()]), "its issuer will make it: {report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_get_requests_before_they_are_ready_are_not_missed() {
    let api = cluster().await;
    api.put(
        "endpointslices",
        json!({
            "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": false}}],
        }),
    );
    let service = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}";
    let folder = folder(&[("web.yaml", &ingress("web", "web", 80)), ("service.yaml", service)]);
    let (_, report) = check(&api, &folder, &["--select", "IG204"]).await;
    assert_eq!(found(&report), ["IG204 warn"], "{report:#}");
    let publishing = service.replace("spec: {", "spec: {publishNotReadyAddresses: true, ");
    fs::write(folder.path().join("service.yaml"), publishing).unwrap();
    let (_, report) = check(&api, &folder, &["--select", "IG204"]).await;
    assert_eq!(found(&report), Vec::<String>::new(), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn assumed_objects_are_not_missing_over_a_cluster() {
    let api = cluster().await;
    let with_tls = ingress("web", "web", 80)
        .replace("spec:\n", "spec:\n  tls: [{hosts: [web.example.com], secretName: web-tls}]\n");
    let folder = folder(&[("web.yaml", &with_tls), ("bad.yaml", &ingress("bad", "absent", 80))]);
    let select = ["--select", "IG201,IG401"];
    let (code, report) = check(&api, &folder, &select).await;
    assert_eq!((code, found(&report)), (1, vec!["IG201 deny".to_owned(), "IG401 warn".to_owned()]), "{report:#}");
    let assumed = ["--assume-exists", "service/default/absent,secret/default/web-tls"];
    let (code, report) = check(&api, &folder, &[&select[..], &assumed].concat()).await;
    assert_eq!((code, found(&report)), (0, Vec::new()), "{report:#}");
    // Of what is there after all everything is known.
    let secret =
        json!({"metadata": {"name": "web-tls", "namespace": "default"}, "type": "kubernetes.io/tls", "data": {}});
    api.put("secrets", secret);
    let (_, report) = check(&api, &folder, &[&["--select", "IG402"], &assumed[..]].concat()).await;
    assert_eq!(found(&report), ["IG402 warn"], "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_ingress_is_validated_as_an_update() {
    let api = cluster().await;
    let with_tls = |name: &str, secret: &str| {
        ingress(name, "web", 80).replace("spec:\n", &format!("spec:\n  tls: [{{secretName: {secret}}}]\n"))
    };
    stored(&api, &with_tls("old", "App_TLS"));
    let folder = folder(&[("old.yaml", &with_tls("old", "Other_TLS")), ("new.yaml", &with_tls("new", "App_TLS"))]);
    let (code, report) = check(&api, &folder, &["--select", "IG7*"]).await;
    assert_eq!((code, found(&report)), (1, vec!["IG701 deny".to_owned()]), "{report:#}");
    assert_eq!(report["findings"][0]["ingress"], "new", "{report:#}");
}
