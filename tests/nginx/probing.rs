//! The command `probe` against a real nginx that stands for a right controller, and for wrong ones. Nothing is requested beyond the
//! loopback interface.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Running};

/// The ports of an nginx, by name.
const PORTS: [&str; 10] =
    ["http", "https", "empty", "empty-tls", "image", "expired", "other", "proxied", "moved", "gone"];

/// Hosts of a cluster in which `app` and `secret` serve, `down` has no Service, and `cart` of `app` has no path.
const CLUSTER: &str = r#"
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{conditions: {ready: true}}]
---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: shop}
data: {auth: YTpi}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app, namespace: shop}
spec:
  ingressClassName: nginx
  tls: [{hosts: [app.example.com], secretName: app-tls}]
  rules:
    - host: app.example.com
      http:
        paths:
          - {path: /api, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
status: {loadBalancer: {ingress: [{ip: 127.0.0.1}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: down, namespace: shop}
spec:
  ingressClassName: nginx
  rules:
    - host: down.example.com
      http:
        paths:
          - {path: /, pathType: Exact, backend: {service: {name: lost, port: {number: 80}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: closed
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: users
spec:
  ingressClassName: nginx
  rules:
    - host: closed.example.com
      http:
        paths:
          - {path: /in, pathType: Exact, backend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: quiet, namespace: shop, annotations: {ingress-guard.io/probe: "false"}}
spec:
  ingressClassName: nginx
  rules:
    - host: quiet.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
"#;

/// An nginx with several controllers, and the manifests of the cluster.
struct Stand {
    folder: TempDir,
    ports: Vec<u16>,
    _running: Running,
}

/// Writes a self-signed certificate with its key.
fn certificate(folder: &Path, file: &str, common_name: &str, host: &str, last_year: i32) -> String {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join(file), certificate.pem() + &key.serialize_pem()).unwrap();
    format!("ssl_certificate {file}; ssl_certificate_key {file};")
}

impl Stand {
    /// Starts it; `None`: nginx is not installed.
    fn start() -> Option<Self> {
        let program = process::find()?;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let own = certificate(path, "own.pem", "app", "app.example.com", 2090);
        let fake =
            certificate(path, "fake.pem", "Kubernetes Ingress Controller Fake Certificate", "ingress.local", 2090);
        let expired = certificate(path, "expired.pem", "app", "app.example.com", 2021);
        let listeners: Vec<TcpListener> = PORTS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let port = |name: &str| ports[PORTS.iter().position(|of| *of == name).unwrap()];
        let mut text = "daemon off;\nmaster_process off;\npid pid;\nerror_log stderr crit;\nevents {}\n\
                        http {\naccess_log off;\nserver_tokens off;\n"
            .to_owned();
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(text, "{kind}_temp_path {}/temp;", path.display());
        }
        let mut server = |name: &str, options: &str, rest: &str| {
            let _ = writeln!(text, "server {{ listen 127.0.0.1:{}{options};\n{rest}\n}}", port(name));
        };
        let app = "server_name app.example.com; location /api { return 200 served; } location / { return 404; }";
        server("http", " default_server", "return 404;");
        server(
            "http",
            "",
            "server_name app.example.com; location /api { return 308 https://app.example.com$request_uri; }",
        );
        server("http", "", "server_name down.example.com; return 503;");
        server("http", "", "server_name closed.example.com; auth_basic in; auth_basic_user_file users;");
        server("http", "", "server_name versioned.example.com; server_tokens on; return 404;");
        server(
            "http",
            "",
            "server_name partly.example.com; location = / { return 200 start; } location / { return 404; }",
        );
        server("https", " ssl default_server", &format!("{fake} return 404;"));
        server("https", " ssl", &format!("{own} {app}"));
        // This one has loaded no Ingress.
        server("empty", "", "return 404;");
        server("empty-tls", " ssl", &format!("{fake} return 404;"));
        server("image", "", "return 404 'default backend - 404';");
        server("expired", " ssl", &format!("{expired} {app}"));
        server("other", "", "return 302 http://elsewhere.example.com/;");
        server("proxied", " proxy_protocol", app);
        server("moved", "", "server_name app.example.com; location / { return 200 $http_user_agent; }");
        let _ = writeln!(text, "server {{ listen unix:{}/echo; }}\n}}", path.display());
        fs::write(path.join("users"), "").unwrap();
        fs::write(path.join("nginx.conf"), text).unwrap();
        fs::create_dir(path.join("cluster")).unwrap();
        let secret = fs::read_to_string(path.join("own.pem")).unwrap();
        let (crt, key) = secret.split_at(secret.find("-----BEGIN PRIVATE").unwrap());
        let indented = |pem: &str| pem.lines().map(|line| format!("    {line}\n")).collect::<Vec<_>>().concat();
        let secret = format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: app-tls, namespace: shop}}\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: |\n{}  tls.key: |\n{}",
            indented(crt),
            indented(key)
        );
        fs::write(path.join("cluster/all.yaml"), CLUSTER.to_owned() + &secret).unwrap();
        let running = Running::start(&program, path).unwrap();
        Some(Self { folder, ports, _running: running })
    }

    fn via(&self, scheme: &str, name: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.ports[PORTS.iter().position(|of| *of == name).unwrap()])
    }

    /// Runs the command; returns the exit code and the output.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_ingress-guard"))
            .arg("probe")
            .args(arguments)
            .args(["--rate", "1000", "--manifests"])
            .arg(self.folder.path().join("cluster"))
            .env("KUBECONFIG", "/no/such/kubeconfig")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.is_empty(), "{}", String::from_utf8(output.stderr).unwrap());
        (output.status.code().unwrap(), text)
    }

    /// Returns the exit code, and URL and result of each request.
    fn probe(&self, arguments: &[&str]) -> (i32, Vec<(String, String)>, Value) {
        let (code, text) = self.run(&[arguments, &["-o", "json"]].concat());
        let report: Value = serde_json::from_str(&text).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let results = report["results"].as_array().unwrap();
        let pairs = results.iter().map(|result| (text(&result["url"]), text(&result["result"]))).collect();
        (code, pairs, report)
    }
}

/// The results in one text.
fn kinds(results: &[(String, String)]) -> Vec<&str> {
    results.iter().map(|(_, kind)| kind.as_str()).collect()
}

#[test]
fn answers_of_a_right_controller_are_as_predicted() {
    let Some(stand) = Stand::start() else { return };
    let via = [stand.via("http", "http"), stand.via("https", "https")].join(",");
    let (code, results, report) = stand.probe(&["--via", &via]);
    let wanted = [
        ("http://app.example.com/api", "as-predicted"),
        ("https://app.example.com/api", "as-predicted"),
        ("http://app.example.com/api/x", "as-predicted"),
        ("https://app.example.com/api/x", "as-predicted"),
        ("http://closed.example.com/in", "as-predicted"),
        ("http://down.example.com/", "controller-error"),
    ];
    let wanted = wanted.map(|(url, kind)| (url.to_owned(), kind.to_owned()));
    assert_eq!((code, &results[..]), (1, &wanted[..]), "{report:#}");
    let down = &report["results"][5];
    assert_eq!(down["broken"]["what"], "service", "{down:#}");
    assert!(down["broken"]["detail"].as_str().unwrap().contains("shop/lost does not exist"), "{down:#}");
    assert!(report["leftOut"][0].as_str().unwrap().contains("shop/quiet"), "{report:#}");
    let (code, results, _) = stand.probe(&["--via", &via, "app.example.com"]);
    assert_eq!((code, results.len()), (0, 4));
}

#[test]
fn a_controller_that_has_not_loaded_the_ingresses_disagrees_with_the_cluster() {
    let Some(stand) = Stand::start() else { return };
    let via = [stand.via("http", "empty"), stand.via("https", "empty-tls")].join(",");
    let (code, results, report) = stand.probe(&["--via", &via, "app.example.com"]);
    assert_eq!((code, kinds(&results)), (1, vec!["controller-disagrees"; 4]), "{report:#}");
    let https = &report["results"][1];
    assert!(https["detail"].as_str().unwrap().contains("self-signed default certificate"), "{https:#}");
    assert_eq!(https["certificate"]["isDefault"], true);
    // The image `defaultbackend`, and a host that explain does not predict to serve.
    let image = stand.via("http", "image");
    let (code, results, _) = stand.probe(&["--via", &image, "app.example.com", "down.example.com"]);
    let wanted = ["controller-disagrees", "unknown", "controller-disagrees", "unknown", "default-backend"];
    assert_eq!((code, kinds(&results)), (1, wanted.to_vec()));
}

#[test]
fn certificates_redirects_and_passwords_are_compared() {
    let Some(stand) = Stand::start() else { return };
    let https = |name: &str| stand.probe(&["--via", &stand.via("https", name), "--samples", "1", "app.example.com"]);
    let (code, results, report) = https("expired");
    assert_eq!((code, kinds(&results)), (1, vec!["unknown", "wrong-certificate"]), "{report:#}");
    assert!(report["results"][1]["detail"].as_str().unwrap().contains("expired on 2021-01-01"), "{report:#}");
    let http = |name: &str, host: &str| stand.probe(&["--via", &stand.via("http", name), "--samples", "1", host]);
    let (code, results, report) = http("other", "app.example.com");
    assert_eq!((code, kinds(&results)), (1, vec!["other-redirect", "unknown"]), "{report:#}");
    assert_eq!(report["results"][0]["location"], "http://elsewhere.example.com/");
    let (code, results, _) = http("moved", "closed.example.com");
    assert_eq!((code, kinds(&results)), (1, vec!["unprotected"]));
    let (_, results, _) = http("moved", "app.example.com");
    assert_eq!(kinds(&results)[0], "other-answer", "a redirect to HTTPS is predicted");
}

/// An Ingress with one path on a host of its own.
fn plain(name: &str, path: &str, path_type: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec:\n  ingressClassName: nginx\n  rules:\n    - host: {name}.example.com\n      \
         http: {{paths: [{{path: {path}, pathType: {path_type}, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}\n"
    )
}

#[test]
fn a_404_of_an_application_is_not_that_of_the_controller() {
    let Some(stand) = Stand::start() else { return };
    // One names the version of its nginx, as the controller does not; the other answers another request of the same location.
    let manifests = plain("versioned", "/", "Exact") + &plain("partly", "/", "Prefix") + &plain("lost", "/", "Exact");
    let file = stand.folder.path().join("cluster/plain.yaml");
    fs::write(&file, &manifests).unwrap();
    let via = stand.via("http", "http");
    let hosts = ["versioned.example.com", "partly.example.com", "lost.example.com"];
    let (code, results, report) = stand.probe(&[&["--via", &via][..], &hosts].concat());
    let wanted = [
        ("http://lost.example.com/", "controller-disagrees"),
        ("http://partly.example.com/", "as-predicted"),
        ("http://partly.example.com/x", "as-predicted"),
        ("http://versioned.example.com/", "as-predicted"),
    ];
    let wanted = wanted.map(|(url, kind)| (url.to_owned(), kind.to_owned()));
    assert_eq!((code, &results[..]), (1, &wanted[..]), "{report:#}");
    // With a rule for every host, the answer of the default backend cannot be observed.
    let any = plain("any", "/", "Prefix").replace("    - host: any.example.com\n      ", "    - ");
    fs::write(&file, manifests + &any).unwrap();
    let (code, results, report) = stand.probe(&["--via", &via, "lost.example.com"]);
    assert_eq!((code, kinds(&results)), (2, vec!["unknown"]), "{report:#}");
}

#[test]
fn servers_that_do_not_answer_are_reported_in_time() {
    let Some(stand) = Stand::start() else { return };
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let via = format!("127.0.0.1:{}", silent.local_addr().unwrap().port());
    let begun = std::time::Instant::now();
    let (code, results, report) = stand.probe(&["--via", &via, "--timeout", "1", "down.example.com"]);
    assert_eq!((code, kinds(&results)), (1, vec!["no-answer"]), "{report:#}");
    assert!(report["results"][0]["detail"].as_str().unwrap().contains("time-out"), "{report:#}");
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    let (code, results, report) = stand.probe(&["--via", &stand.via("http", "gone"), "down.example.com"]);
    assert_eq!((code, kinds(&results)), (1, vec!["no-answer"]), "{report:#}");
    assert!(report["results"][0]["detail"].as_str().unwrap().contains("refused"), "{report:#}");
}

#[test]
fn addresses_of_ingresses_are_refused_where_they_lead_to_this_machine() {
    let Some(stand) = Stand::start() else { return };
    let (code, results, report) = stand.probe(&["app.example.com", "--samples", "1"]);
    assert_eq!((code, kinds(&results)), (2, vec!["unknown", "unknown"]), "{report:#}");
    assert!(report["results"][0]["detail"].as_str().unwrap().contains("127.0.0.1 is a loopback address"), "{report:#}");
    assert_eq!(report["results"][0]["address"], Value::Null);
}

#[test]
fn connections_begin_with_the_proxy_protocol_where_the_controller_expects_it() {
    let Some(stand) = Stand::start() else { return };
    let config = stand.folder.path().join("config.yaml");
    let dialect = "dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, settings: {use-proxy-protocol: true, ssl-redirect: false}}]\n";
    fs::write(&config, dialect).unwrap();
    let via = stand.via("http", "proxied");
    let probe = |more: &[&str]| {
        let arguments = ["--via", &via, "--config", config.to_str().unwrap(), "--samples", "1", "app.example.com"];
        let (_, results, report) = stand.probe(&[&arguments[..], more].concat());
        (results[0].1.clone(), format!("{report:#}"))
    };
    let (kind, report) = probe(&[]);
    assert_eq!(kind, "as-predicted", "{report}");
    let (kind, report) = probe(&["--proxy-protocol", "never"]);
    assert_eq!(kind, "no-answer", "{report}");
}

#[test]
fn formats_show_results_and_broken_links() {
    let Some(stand) = Stand::start() else { return };
    let via = [stand.via("http", "http"), stand.via("https", "https")].join(",");
    let (_, text) = stand.run(&["--via", &via]);
    for part in [
        "as-predicted      https://app.example.com/api    shop/app     200\n",
        "controller-error  http://down.example.com/       shop/down    503 of nginx\n",
        "✗ service      Service shop/lost does not exist\n",
        "                 $ kubectl get services --namespace shop\n",
        "6 requests to 3 hosts: 1 controller-error, 5 as-predicted\n",
    ] {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
    let (code, xml) = stand.run(&["--via", &via, "-o", "junit"]);
    assert_eq!(code, 1);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("testsuite"), count("testcase"), count("failure"), count("skipped")), (3, 6, 1, 0));
}

#[test]
fn controllers_are_compared_host_by_host() {
    let Some(stand) = Stand::start() else { return };
    let right = [stand.via("http", "http"), stand.via("https", "https")].join(",");
    let compare = |b: &str| {
        let arguments = ["--compare", "nginx", "traefik", "--via-a", &right, "--via-b", b, "-o", "json"];
        let (code, text) = stand.run(&arguments);
        let report: Value = serde_json::from_str(&text).unwrap();
        let of = |host: &str| {
            let hosts = report["hosts"].as_array().unwrap();
            hosts.iter().find(|of| of["host"] == host).unwrap()["result"].as_str().unwrap().to_owned()
        };
        (code, ["app.example.com", "closed.example.com", "down.example.com"].map(of), format!("{report:#}"))
    };
    let (code, results, report) = compare(&right);
    assert_eq!((code, results), (0, ["safe", "safe", "safe"].map(str::to_owned)), "{report}");
    let wrong = [stand.via("http", "moved"), stand.via("https", "expired")].join(",");
    let (code, results, report) = compare(&wrong);
    assert_eq!((code, results), (1, ["differs", "differs", "differs"].map(str::to_owned)), "{report}");
    for part in [
        "status: nginx 308, traefik 200",
        "challenge: nginx Basic realm=\\\"in\\\", traefik none",
        "expired on 2021-01-01",
    ] {
        assert!(report.contains(part), "{part} is missing: {report}");
    }
}
