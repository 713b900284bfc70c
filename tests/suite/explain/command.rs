//! The command: where its knowledge comes from, its exit codes, and what it says of nonsense.

use tempfile::NamedTempFile;

use super::findings::assert_manifests_agree;
use crate::binary::run;
use crate::live::api::Api;
use crate::live::list::run as run_over;

#[test]
fn the_argument_selects_the_explanation() {
    let shop = ["--manifests", "examples/cluster"];
    let explain = |what: &str| run(&[&["explain", what][..], &shop].concat());
    let (code, text, stderr) = explain("http://www.shop.example.com/api/x");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(text.contains("✓ path         Ingress shop/web spec.rules[0].http.paths[1]"), "{text}");
    assert!(explain("www.shop.example.com/api").1.contains("no scheme given, https assumed"));
    let (code, text, _) = explain("shop/web");
    assert_eq!(code, 0);
    assert!(text.starts_with("Ingress shop/web\n"), "{text}");
    // Whichever comes first.
    assert_eq!(run(&["explain", "--manifests", "examples/cluster", "shop/web"]), (0, text, String::new()));
    let (code, text, _) = explain("https://absent.example.org/");
    assert_eq!(code, 1);
    assert!(text.contains("✗ host") && text.contains("404 from the controller's default backend"), "{text}");
    let (code, text, _) = run(&[&["explain", "-o", "json", "http://www.shop.example.com/"][..], &shop].concat());
    assert_eq!((code, &serde_json::from_str::<serde_json::Value>(&text).unwrap()["outcome"]), (0, &"service".into()));
}

#[test]
fn nonsense_is_refused_in_words_with_exit_code_two() {
    let long = format!("https://a.example.com/{}", "a".repeat(10_000));
    for (what, said) in [
        ("", "unknown check \"\""),
        (
            "shop",
            "Ingress default/shop not found; a URL begins with https://; \"ingress-guard checks\" lists the checks",
        ),
        ("web", "Ingress default/web not found; did you mean \"shop/web\"?"),
        ("ig350", "unknown check \"ig350\"; did you mean \"IG305\"?"),
        ("rewrite-capture-mising", "did you mean \"rewrite-capture-missing\"?"),
        ("localhost", "a URL begins with https://"),
        ("https://", "\"https://\" is not a valid URL: empty host; use the form https://app.example.com/path"),
        ("https://a b.example.com/", "is not a valid URL"),
        ("https://app.example.com:99999/", "is not a valid URL: invalid port number"),
        ("ftp://app.example.com/", "Ingresses do not serve ftp:// URLs"),
        ("/api", "\"/api\" is not a valid URL: empty host"),
        ("https://[::1", "is not a valid URL"),
        ("shop/missing", "Ingress shop/missing not found; a URL begins with https://\n"),
        ("shop/wbe", "Ingress shop/wbe not found; did you mean \"shop/web\"?"),
        ("blog/web", "Ingress blog/web not found; did you mean \"shop/web\"?"),
        (&long, "the URL has 10022 bytes, nginx returns 414 from 8192 bytes on"),
    ] {
        let (code, stdout, stderr) = run(&["explain", what, "--manifests", "examples/cluster"]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{what}: {stderr}");
        assert!(stderr.contains(said) && stderr.lines().count() == 1, "{stderr}\n  does not say {said}");
    }
    let of_class = ["explain", "https://a.example.com/", "--class", "ngnix", "--manifests", "examples/cluster"];
    assert_eq!(
        run(&of_class),
        (2, String::new(), "error: IngressClass \"ngnix\" not found; existing classes: nginx\n".to_owned())
    );
}

#[test]
fn an_ingress_is_named_as_with_kubectl() {
    let shop = ["--manifests", "examples/cluster"];
    let explain = |words: &[&str]| run(&[&["explain"][..], words, &shop].concat());
    let expected = explain(&["shop/web"]);
    assert_eq!(expected.0, 0, "{expected:?}");
    assert_eq!(explain(&["-n", "shop", "web"]), expected);
    assert_eq!(explain(&["web", "--namespace", "shop"]), expected);
    for (words, said) in [
        (["-n", "blog", "web"], "Ingress blog/web not found; did you mean \"shop/web\"?"),
        (["-n", "shop", "app.example.com"], "Ingress shop/app.example.com not found"),
        (["-n", "shop", "shop/web"], "--namespace needs the name of an Ingress, not \"shop/web\""),
    ] {
        let (code, _, stderr) = explain(&words);
        assert_eq!(code, 2, "{words:?}");
        assert!(stderr.contains(said), "{stderr}\n  does not say {said}");
    }
}

#[test]
fn examples_belong_to_checks() {
    let (code, stdout, stderr) = run(&["explain", "shop/web", "--examples", "--manifests", "examples/cluster"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert_eq!(stderr, "error: --examples needs the code or name of a check, not \"shop/web\"\n");
}

#[test]
fn sources_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("snapshot");
    std::fs::write(&broken, "kind: List\n").unwrap();
    let broken = broken.to_str().unwrap();
    for (source, said) in [
        (vec!["--snapshot", broken], format!("{broken}: not a snapshot; create one with ingress-guard snapshot")),
        (vec!["--snapshot", "no/such/file"], "no/such/file: No such file or directory".to_owned()),
        (vec!["--snapshot", broken, "--manifests", "examples"], "cannot be used with".to_owned()),
        (vec!["--manifests", "no/such/folder"], "no/such/folder: No such file or directory".to_owned()),
        (vec!["--kubeconfig", "no/such/config"], "cannot read no/such/config".to_owned()),
        (
            vec!["--manifests", "examples/cluster", "--context", "staging"],
            "--kubeconfig and --context select a live cluster, --manifests and --snapshot replace it".to_owned(),
        ),
        (vec![], "no cluster found: no usable kubeconfig, and not in a cluster".to_owned()),
    ] {
        let (code, _, stderr) = run(&[&["explain", "https://a.example.com/"][..], &source].concat());
        assert_eq!(code, 2, "{source:?}: {stderr}");
        assert!(stderr.contains(&said), "{stderr}\n  does not say {said}");
        let fault = said.rsplit(": ").next().unwrap();
        assert_eq!(stderr.matches(fault).count(), 1, "said twice: {stderr}");
    }
}

/// A chart has neither the class nor the certificate of its Ingress.
#[test]
fn kinds_that_files_seldom_contain_are_not_missing() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("chart.yaml");
    let text = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}\n---\n\
        {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: any}, spec: {ingressClassName: nginx, \
        defaultBackend: {service: {name: web, port: {number: 81}}}}}\n---\n\
        {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {ingressClassName: nginx, \
        tls: [{hosts: [a.example.com], secretName: tls}], rules: [{host: a.example.com, http: {paths: [{path: /, \
        pathType: Prefix, backend: {service: {name: web, port: {number: 81}}}}]}}]}}\n";
    std::fs::write(&chart, text).unwrap();
    let chart = chart.to_str().unwrap();
    for url in ["http://a.example.com/", "http://other.example.com/", "default/web"] {
        let (code, out, _) = run(&["explain", url, "--manifests", chart]);
        assert_eq!(code, 2, "{url}: {out}");
        assert!(!out.contains("404"), "{url}: {out}");
    }
    let (code, out, _) = run(&["audit", "--manifests", chart]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("IG202") && !out.contains("[IG101"), "the Service is there: {out}");
    assert!(out.contains("not evaluated on 2 Ingresses: IngressClass objects that are not in the files"), "{out}");
}

/// A file with ingress-nginx's class and this.
fn manifests(text: &str) -> NamedTempFile {
    let class = "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}";
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), format!("{class}\n---\n{text}")).unwrap();
    file
}

/// nginx captures decoded text, which may not be UTF-8: found in three of 50,000 clusters that were compared with nginx.
#[test]
fn a_redirect_to_a_captured_text_is_written_as_it_is_sent() {
    let file = manifests(
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, annotations: \
         {nginx.ingress.kubernetes.io/rewrite-target: 'https://new.example.com/$1'}}, spec: {ingressClassName: nginx, \
         rules: [{host: a.example.com, http: {paths: [{path: '/a/(.*)', pathType: ImplementationSpecific, \
         backend: {service: {name: web, port: {number: 80}}}}]}}]}}\n",
    );
    let (code, out, _) =
        run(&["explain", "http://a.example.com/a/%E9%20x", "--manifests", file.path().to_str().unwrap()]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("302 to \"https://new.example.com/%E9%20x\": rewrite-target is a URL"), "{out}");
}

#[test]
fn the_serving_ingress_is_not_a_near_miss() {
    let file = manifests(
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {ingressClassName: nginx, \
         rules: [{host: a.example.com, http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}}]}}\n\
         ---\n{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: lost}, spec: {ingressClassName: ngnix, \
         rules: [{host: b.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}}]}}\n",
    );
    let explain = |url: &str| run(&["explain", url, "--manifests", file.path().to_str().unwrap()]).1;
    let out = explain("http://a.example.com/cart/x");
    assert!(
        out.contains("✗ service      Service default/cart does not exist") && !out.contains("Near misses"),
        "{out}"
    );
    let out = explain("http://a.example.com/carts");
    assert!(
        out.contains("Near misses:\n  - Ingress default/web spec.rules[0].http.paths[0]: Prefix \"/cart\""),
        "{out}"
    );
    let out = explain("default/lost");
    assert!(
        out.contains("404 from the controller's default backend: no controller handles Ingress default/lost"),
        "{out}"
    );
}

/// ingress-nginx redirects the other one of `example.com` and `www.example.com`, unless an Ingress has it.
#[test]
fn with_and_without_www_are_one_with_the_annotation() {
    let ingress = |name: &str, host: &str, annotations: &str| {
        format!(
            "---\n{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, annotations: {annotations}}}, \
             spec: {{ingressClassName: nginx, rules: [{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, \
             backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}}}\n"
        )
    };
    let view = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}\n".to_owned()
        + &ingress("web", "www.example.com", "{nginx.ingress.kubernetes.io/from-to-www-redirect: 'true'}")
        + &ingress("all", "'*.com'", "{}");
    let explain =
        |file: &NamedTempFile, url: &str| run(&["explain", url, "--manifests", file.path().to_str().unwrap()]);
    let file = manifests(&view);
    let (code, out, _) = explain(&file, "http://example.com/a/");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("308 to \"http://www.example.com:80/a\": annotation from-to-www-redirect"), "{out}");
    assert!(explain(&file, "http://www.example.com/a/").1.contains("Service default/web would answer"));
    let file = manifests(&(view + &ingress("bare", "example.com", "{}")));
    let (_, out, _) = explain(&file, "http://example.com/a/");
    assert!(out.contains("host         example.com in Ingress default/bare"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_and_its_snapshot_give_the_same_explanation() {
    let api = Api::start().await;
    let class = serde_json::json!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    api.put("ingressclasses", class);
    let backend = serde_json::json!({"service": {"name": "web", "port": {"number": 80}}});
    let ingress = serde_json::json!({
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "app.example.com",
                 "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}
    });
    api.put("ingresses", ingress);
    let (code, live, stderr) = run_over(&api, &["explain", "http://app.example.com/x"]).await;
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(live.contains("✗ service      Service shop/web does not exist"), "{live}");
    // The context of the kubeconfig has namespace "shop".
    let (code, named, _) = run_over(&api, &["explain", "web"]).await;
    assert_eq!((code, named.lines().next()), (1, Some("Ingress shop/web")), "{named}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshot");
    let file = file.to_str().unwrap();
    assert_eq!(run_over(&api, &["snapshot", "-o", file]).await.0, 0);
    let (code, kept, _) = run(&["explain", "http://app.example.com/x", "--snapshot", file]);
    assert_eq!((code, kept), (1, live));

    // Objects that RBAC hides are not missing.
    api.forbid("services", true);
    let (code, text, stderr) = run_over(&api, &["explain", "http://app.example.com/x"]).await;
    assert_eq!(code, 0, "{text}{stderr}");
    assert!(text.contains("? service      the existence of Service shop/web is unknown"), "{text}");
    assert!(stderr.starts_with("warning: RBAC does not allow listing Service objects"), "{stderr}");
}

/// The `view` role of a namespace allows no list of the whole cluster.
#[tokio::test(flavor = "multi_thread")]
async fn the_rights_of_one_namespace_suffice() {
    let api = Api::start().await;
    let class = serde_json::json!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    api.put("ingressclasses", class);
    for (namespace, host) in [("shop", "app.example.com"), ("team", "team.example.com")] {
        let backend = |name: &str| serde_json::json!({"service": {"name": name, "port": {"number": 80}}});
        let path = |path: &str, name| serde_json::json!({"path": path, "pathType": "Prefix", "backend": backend(name)});
        let paths = [path("/", "web"), path("/absent", "absent")];
        api.put(
            "ingresses",
            serde_json::json!({"metadata": {"name": "web", "namespace": namespace},
            "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": paths}}]}}),
        );
        api.put(
            "services",
            serde_json::json!({"metadata": {"name": "web", "namespace": namespace},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
        );
    }
    for kind in ["ingresses", "services", "endpointslices", "pods"] {
        api.deny("list all", kind, true);
    }
    let (code, text, stderr) = run_over(&api, &["explain", "-n", "shop", "http://app.example.com/absent"]).await;
    assert_eq!(code, 1, "{text}{stderr}");
    assert!(text.contains("✗ service      Service shop/absent does not exist"), "{text}");
    assert!(stderr.contains("warning: RBAC allows listing the Ingresses of one namespace only"), "{stderr}");
    // The context of the kubeconfig has namespace "shop".
    let (_, text, stderr) = run_over(&api, &["explain", "web"]).await;
    assert!(text.starts_with("Ingress shop/web\n"), "{text}{stderr}");
    // A host of another namespace may exist.
    let (code, text, _) = run_over(&api, &["explain", "http://team.example.com/"]).await;
    assert_eq!(code, 2, "{text}");
    assert!(!text.contains("404"), "{text}");
    let (code, _, stderr) = run_over(&api, &["audit"]).await;
    assert_eq!(code, 2, "{stderr}");
    for words in ["(rbac.readers)", "explain --namespace needs those of one namespace"] {
        assert!(stderr.contains(words), "{stderr}");
    }
}

#[test]
fn the_documentation_of_a_check_can_be_json() {
    let (code, text, _) = run(&["explain", "ig202", "-o", "json"]);
    let page: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &page["code"], &page["level"]), (0, &"IG202".into(), &"deny".into()), "{text}");
    assert!(page["documentation"].as_str().is_some_and(|page| page.starts_with("# IG202 ")), "{text}");
}

/// A request by an alias redirects if its certificate covers it, and Secrets may be unknown.
#[test]
fn a_redirect_that_depends_on_an_unknown_certificate_is_unknown() {
    let file = manifests(
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, annotations: \
         {nginx.ingress.kubernetes.io/server-alias: b.example.com}}, spec: {ingressClassName: nginx, \
         tls: [{hosts: [a.example.com], secretName: tls}], rules: [{host: a.example.com, http: {paths: [{path: /, \
         pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}\n",
    );
    let explain = |url: &str| run(&["explain", url, "--manifests", file.path().to_str().unwrap()]);
    let (code, out, _) = explain("http://b.example.com/x");
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("? redirect     308 to \"https://b.example.com/x\" if the certificate"), "{out}");
    assert_eq!(explain("http://a.example.com/x").0, 0);
}

/// Values that depend only on the request are known, and a server without host has paths of its own.
#[test]
fn variables_of_the_request_are_filled_in() {
    let file = manifests(
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, annotations: \
         {nginx.ingress.kubernetes.io/rewrite-target: '/of/$host/$1'}}, spec: {ingressClassName: nginx, \
         rules: [{http: {paths: [{path: '/a/(.*)', pathType: ImplementationSpecific, \
         backend: {service: {name: web, port: {number: 80}}}}]}}]}}\n",
    );
    let explain = |url: &str| run(&["explain", url, "--manifests", file.path().to_str().unwrap()]).1;
    let out = explain("http://a.example.com/a/b%20c");
    assert!(out.contains("the backend receives path \"/of/a.example.com/b%20c\""), "{out}");
    let out = explain("http://a.example.com/b");
    assert!(out.contains("ImplementationSpecific \"/a/(.*)\": does not match"), "{out}");
}

#[test]
fn completions_and_the_manual_page_name_every_command() {
    let commands = ["serve", "explain", "checks", "snapshot", "completions", "man"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = run(&["completions", shell]);
        assert_eq!(code, 0);
        assert!(commands.iter().all(|command| script.contains(command)), "{shell}: {script}");
    }
    assert_eq!(run(&["completions", "cmd"]).0, 2);
    let (code, page, _) = run(&["man"]);
    assert_eq!(code, 0);
    assert!(page.contains(".TH ingress-guard 1") && commands.iter().all(|command| page.contains(command)), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("share/man1");
    assert_eq!(run(&["man", missing.to_str().unwrap()]).0, 0);
    let file = missing.join("ingress-guard-explain.1");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("\\-\\-snapshot"), "{page}");
    assert_eq!(run(&["man", file.join("below").to_str().unwrap()]).0, 2);
}

/// Explains a URL of an Ingress with these annotations and this spec, in files that are the whole cluster.
fn explained(annotations: &str, spec: &str, url: &str) -> (i32, String) {
    let text = format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: web, namespace: shop, annotations: {{{annotations}}}}}, \
         spec: {{ingressClassName: nginx, {spec}}}}}\n"
    );
    let service =
        "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [{port: 80}]}}\n";
    let file = manifests(&(text + service));
    assert_manifests_agree(file.path(), None);
    let (code, out, _) = run(&["explain", url, "--manifests", file.path().to_str().unwrap()]);
    (code, out)
}

const BACKEND: &str = "backend: {service: {name: web, port: {number: 80}}}";

#[test]
fn a_missing_authentication_service_breaks_every_request() {
    let spec = format!("rules: [{{host: a.example.com, http: {{paths: [{{path: /, pathType: Prefix, {BACKEND}}}]}}}}]");
    let annotation = "nginx.ingress.kubernetes.io/auth-url: 'http://login.sso.svc:4180/verify'";
    let (code, out) = explained(annotation, &spec, "http://a.example.com/");
    assert!(code == 1 && out.contains("Service sso/login of annotation auth-url does not exist"), "{code} {out}");
}

#[test]
fn a_default_backend_beside_rules_without_a_host_is_named() {
    let default = BACKEND.replace("backend: ", "defaultBackend: ");
    let spec = format!("{default}, rules: [{{http: {{paths: [{{path: /menu, pathType: Prefix, {BACKEND}}}]}}}}]");
    let (code, out) = explained("", &spec, "http://any.example.com/");
    assert!(code == 1 && out.contains("spec.defaultBackend of Ingress shop/web does not apply"), "{code} {out}");
}

#[test]
fn a_regex_that_matches_only_the_root_is_a_near_miss() {
    let path = format!("{{path: '/(/|$)(.*)', pathType: ImplementationSpecific, {BACKEND}}}");
    let spec = format!("rules: [{{host: a.example.com, http: {{paths: [{path}]}}}}]");
    let annotation = "nginx.ingress.kubernetes.io/rewrite-target: '/$2'";
    let (code, out) = explained(annotation, &spec, "http://a.example.com/x");
    assert!(code == 1 && out.contains("matches only /, because nginx merges slashes"), "{code} {out}");
}

#[test]
fn a_path_that_another_ingress_turns_into_a_regex_names_it() {
    let world = |annotation: &str| {
        let of = |name: &str, annotations: &str, path: &str| {
            format!(
                "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: {name}, namespace: shop, annotations: {{{annotations}}}}}, \
                 spec: {{ingressClassName: nginx, rules: [{{host: a.example.com, http: {{paths: [{{path: {path}, pathType: ImplementationSpecific, {BACKEND}}}]}}}}]}}}}\n"
            )
        };
        of("web", "", "/api") + "---\n" + &of("pattern", annotation, "/v.*")
    };
    let file = manifests(&world("nginx.ingress.kubernetes.io/use-regex: 'true'"));
    let text = |file: &NamedTempFile, path: &str| {
        let url = format!("http://a.example.com{path}");
        run(&["explain", &url, "--manifests", file.path().to_str().unwrap()]).1
    };
    let named = "location ~* \"^/api\", a regex because of Ingress shop/pattern";
    assert!(text(&file, "/apix").contains(named), "{}", text(&file, "/apix"));
    let because = "because of Ingress";
    assert!(!text(&file, "/v1").contains(because));
    assert!(!text(&manifests(&world("")), "/api").contains(because));
}

/// A redirect to HTTPS is not the answer: the client asks again.
#[test]
fn a_path_that_redirects_to_https_is_followed_there() {
    let file = NamedTempFile::with_suffix(".yaml").unwrap();
    let world = |service: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: nginx}}, spec: {{controller: k8s.io/ingress-nginx}}}}\n---\n\
             {{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop}}, spec: {{ports: [{{port: 80}}]}}}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  namespace: shop\n  \
             annotations: {{nginx.ingress.kubernetes.io/force-ssl-redirect: \"true\"}}\nspec:\n  ingressClassName: nginx\n  \
             rules: [{{host: app.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}}}]\n"
        )
    };
    let manifests = file.path().to_str().unwrap();
    for (service, status) in [("web", 0), ("wbe", 1)] {
        std::fs::write(file.path(), world(service)).unwrap();
        let (code, text, _) = run(&["explain", "shop/web", "--manifests", manifests]);
        assert_eq!(code, status, "{text}");
        assert_eq!(text.contains("503"), service == "wbe", "{text}");
    }
}
