//! `ingress-guard doctor` on an installation in the real API server, with each link broken in turn. No kubelet runs here: pods get
//! their status, and the Service its EndpointSlice, by hand. The process listens on the loopback interface.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::certificates::{Authority, Pair};
use crate::cluster::{self, Cluster};
use crate::helm;
use crate::objects::{class, service};
use crate::registration::Registration;
use crate::terminal::Terminal;
use crate::webhook::{Place, Webhook, account, role};

/// The address of this machine, which kube-apiserver accepts as that of a pod. It refuses loopback addresses.
fn address() -> Option<String> {
    // A UDP socket that connects sends nothing.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then(|| address.to_string())
}

/// Links by name, and the exit code.
#[derive(Debug)]
struct Report {
    code: i32,
    links: Vec<Value>,
}

impl Report {
    /// Whether a link holds; panics if there is none of this name.
    #[track_caller]
    fn link(&self, what: &str) -> (Option<bool>, &str) {
        let link = self.links.iter().find(|link| link["what"] == what);
        let link = link.unwrap_or_else(|| panic!("no link {what}: {self:?}"));
        (link["ok"].as_bool(), link["detail"].as_str().unwrap())
    }

    fn broken(&self) -> Vec<&str> {
        self.links.iter().filter(|link| link["ok"] == false).map(|link| link["what"].as_str().unwrap()).collect()
    }
}

fn doctor(kubeconfig: &Path, arguments: &[&str]) -> Report {
    let output = Command::new(env!("CARGO_BIN_EXE_ingress-guard"))
        .arg("doctor")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--output", "json"])
        .args(arguments)
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}{text}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["schemaVersion"], 1);
    Report { code: output.status.code().unwrap(), links: report["links"].as_array().unwrap().clone() }
}

/// An installation in a namespace, whose Ingresses it reviews.
struct Installation<'c> {
    cluster: &'c Cluster,
    namespace: &'static str,
    webhook: Webhook<'c>,
    registration: Registration<'c>,
}

impl<'c> Installation<'c> {
    fn new(cluster: &'c Cluster, namespace: &'static str) -> Self {
        let source = account(cluster, namespace);
        let webhook =
            Webhook::run_with(cluster, format!("webhook-{namespace}"), "", |Place { port, health, folder }| {
                let own = [
                    "serve".to_owned(),
                    format!("--listen=127.0.0.1:{port}"),
                    format!("--health-listen=0.0.0.0:{health}"),
                    format!("--config={folder}/config/config.yaml"),
                    format!("--tls-cert={folder}/tls/tls.crt"),
                    format!("--tls-key={folder}/tls/tls.key"),
                    format!("--service=ingress-guard.{namespace}"),
                ];
                own.into_iter().chain([source]).collect()
            });
        let names = [&*format!("ingress-guard.{namespace}.svc"), "localhost", "127.0.0.1"];
        let authority = cluster.authority().certificate();
        let registration = Registration::new(cluster, namespace, &[webhook.url()], &authority);
        let mut installation = Self { cluster, namespace, webhook, registration };
        installation.serve(&cluster.authority().server_for(&names));
        installation.terminal().stores(&[class(namespace), service("web", &[80])]);
        installation.create(&[installation.service(), installation.pod(), installation.slice()]);
        let status = json!({"status": {
            "phase": "Running", "podIP": address(), "podIPs": [{"ip": address()}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }});
        let patch = ["patch", "pod", "ingress-guard-0", "--subresource=status", "--type=merge", "--patch"];
        installation.terminal().run(&[&patch[..], &[&status.to_string()]].concat(), "").ok();
        installation.call_service();
        installation.registration.create(|| installation.webhook.was_probed());
        installation
    }

    fn terminal(&self) -> Terminal<'c> {
        Terminal { cluster: self.cluster, namespace: self.namespace }
    }

    #[track_caller]
    fn create(&self, objects: &[Value]) {
        for object in objects {
            self.terminal().run(&["create", "--filename=-"], &object.to_string()).ok();
        }
    }

    fn labels() -> Value {
        json!({"app.kubernetes.io/name": "ingress-guard", "app.kubernetes.io/instance": "ingress-guard"})
    }

    /// The Service with the ports of the process: the proxy of kube-apiserver ignores the name and keeps the port.
    fn service(&self) -> Value {
        let (port, health) = self.webhook.ports();
        json!({"apiVersion": "v1", "kind": "Service",
               "metadata": {"name": "ingress-guard", "labels": Self::labels()},
               "spec": {"selector": Self::labels(), "ports": [
                   {"name": "https", "port": port, "targetPort": "webhook"},
                   {"name": "health", "port": health, "targetPort": "health"}]}})
    }

    fn pod(&self) -> Value {
        let (port, health) = self.webhook.ports();
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ingress-guard-0", "labels": Self::labels()},
               "spec": {"serviceAccountName": "ingress-guard", "containers": [{
                   "name": "ingress-guard", "image": "ingress-guard",
                   "ports": [{"name": "webhook", "containerPort": port}, {"name": "health", "containerPort": health}]}]}})
    }

    fn slice(&self) -> Value {
        let (port, health) = self.webhook.ports();
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
               "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "ingress-guard"}},
               "ports": [{"name": "https", "port": port}, {"name": "health", "port": health}],
               "endpoints": [{
                   "addresses": [address().unwrap_or_else(|| "10.1.2.3".to_owned())],
                   "conditions": {"ready": true},
                   "targetRef": {"kind": "Pod", "name": "ingress-guard-0", "namespace": self.namespace}}]})
    }

    /// Registers the Service instead of a URL.
    fn call_service(&mut self) {
        let (port, _) = self.webhook.ports();
        let config = json!({
            "service": {"name": "ingress-guard", "namespace": self.namespace, "path": "/validate", "port": port},
            "caBundle": BASE64_STANDARD.encode(self.cluster.authority().certificate()),
        });
        self.registration.each("/clientConfig", &config);
    }

    /// Registers the URL, which this machine reaches as well.
    fn call_url(&mut self, authority: &str) {
        let url = self.webhook.url();
        self.registration.each("/clientConfig", &json!({"url": url, "caBundle": BASE64_STANDARD.encode(authority)}));
        self.registration.replace();
    }

    /// Changes the serving certificate, and returns when the process has loaded it.
    fn serve(&self, pair: &Pair) {
        let loaded = self.webhook.log("certificate loaded").len();
        self.webhook.put_certificate(pair);
        self.webhook.wait(Duration::from_secs(10), || self.webhook.log("certificate loaded").len() > loaded);
    }

    /// Waits until the process itself reports a fault of its registration.
    #[track_caller]
    fn notes(&self, reason: &str, note: &str) {
        let sample = format!("ingress_guard_registration_fault{{reason=\"{reason}\"}} 1\n");
        self.webhook.wait(Duration::from_secs(10), || self.webhook.metrics().contains(&sample));
        let readiness = self.webhook.readiness();
        assert!(readiness.starts_with("HTTP/1.0 200") && readiness.contains(note), "{readiness}");
    }

    fn report(&self, arguments: &[&str]) -> Report {
        let name = format!("ingress-guard-{}", self.namespace);
        let own = ["--webhook-configuration", &*name, "--namespace", self.namespace];
        let dry_runs =
            if arguments.contains(&"--no-write") { vec![] } else { vec!["--dry-run-namespace", self.namespace] };
        doctor(self.cluster.admin(), &[&own[..], &dry_runs[..], arguments].concat())
    }

    /// Asserts that exactly these links are broken in the end; kube-apiserver and the controllers notice changes with a delay.
    #[track_caller]
    fn breaks(&self, broken: &[&str]) -> Report {
        let started = Instant::now();
        loop {
            let report = self.report(&[]);
            let code = i32::from(!broken.is_empty());
            if report.broken() == broken && report.code == code {
                return report;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{broken:?} are not broken: {report:#?}");
        }
    }
}

#[test]
fn every_link_of_an_installation_holds() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "doctor-whole");
    let report = installation.breaks(&[]);
    let names: Vec<&str> = report.links.iter().map(|link| link["what"].as_str().unwrap()).collect();
    let expected = [
        "registration",
        "rules",
        "namespaces",
        "conditions",
        "policy",
        "service",
        "endpoints",
        "network",
        "tcp",
        "tls",
        "caBundle",
        "good",
        "bad",
        "rights",
        "replicas",
        "watches",
        "controllers",
        "versions",
        "others",
    ];
    assert_eq!(names, expected);
    for what in expected {
        let (ok, detail) = report.link(what);
        assert!(ok == Some(true) || (address().is_none() && ok.is_none()), "{what}: {detail}");
    }
    assert_eq!(report.link("endpoints").1, "Service doctor-whole/ingress-guard has 1 ready endpoint");
    assert_eq!(report.link("tls").1, "the API server has reached the webhook in the dry run");
    assert_eq!(report.link("good").1, "a dry run in namespace doctor-whole is allowed by ingress-guard");
    assert_eq!(report.link("bad").1, "a dry run with a missing Service is reported by ingress-guard (IG201)");
    assert!(report.link("rights").1.starts_with("system:serviceaccount:doctor-whole:ingress-guard has all "));
    assert!(report.link("controllers").1.contains("doctor-whole (k8s.io/ingress-nginx, "), "{report:?}");
    assert!(installation.webhook.is_ready_without_notes(), "{}", installation.webhook.readiness());
    for reason in ["not_registered", "service_missing", "untrusted"] {
        let sample = format!("ingress_guard_registration_fault{{reason=\"{reason}\"}} 0\n");
        assert!(installation.webhook.metrics().contains(&sample), "{}", installation.webhook.metrics());
    }
    let stored = installation.terminal().run(&["get", "ingresses", "--output=name"], "").ok();
    assert_eq!(stored, "", "the dry runs store nothing");

    // From outside, the Service cannot be reached: without dry runs, the result is unknown.
    let report = installation.report(&["--no-write"]);
    assert_eq!((report.code, report.broken()), (2, vec![]), "{report:#?}");
    assert_eq!(report.link("tcp").0, None);
    assert_eq!(report.link("dry run"), (None, "not tried: --no-write"));
}

#[test]
fn a_registration_that_selects_nothing_is_reported() {
    let Some(cluster) = cluster::shared() else { return };
    let mut installation = Installation::new(&cluster, "doctor-rules");
    let whole = installation.registration.object.clone();
    installation.registration.each("/rules", &json!([{
        "apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["ingresses"],
    }]));
    installation.registration.replace();
    let report = installation.breaks(&["rules", "good", "bad"]);
    assert_eq!(report.link("rules").1, "the rules do not select CREATE of ingresses: these writes are not reviewed");
    assert_eq!(
        report.link("good").1,
        "stored in namespace doctor-rules without an answer of ingress-guard: Ingresses are not reviewed"
    );

    installation.registration.object = whole.clone();
    installation.registration.each("/namespaceSelector", &json!({"matchLabels": {"absent": "everywhere"}}));
    installation.registration.replace();
    let report = installation.breaks(&["namespaces"]);
    assert!(report.link("namespaces").1.starts_with("the namespaceSelector selects none of "), "{report:?}");
    assert_eq!(report.link("dry run").0, None, "no namespace is left to write to");

    installation.registration.object = whole.clone();
    installation.registration.each("/timeoutSeconds", &json!(1));
    installation.registration.replace();
    let report = installation.breaks(&["policy"]);
    let command = report.links.iter().find(|link| link["what"] == "policy").unwrap()["command"].as_str().unwrap();
    let patch = command.rsplit_once("--patch '").unwrap().1.trim_end_matches('\'');
    let configuration = ["patch", "validatingwebhookconfiguration", "ingress-guard-doctor-rules", "--type=json"];
    cluster.kubectl(&[&configuration[..], &["--patch", patch]].concat()).ok();
    installation.breaks(&[]);

    installation.registration.object = whole.clone();
    let foreign = BASE64_STANDARD.encode(Authority::new().certificate());
    installation.registration.each("/clientConfig/caBundle", &json!(foreign));
    installation.registration.replace();
    installation.breaks(&["good", "bad"]);
    installation.notes(
        "untrusted",
        "caBundle of ValidatingWebhookConfiguration ingress-guard-doctor-rules: no CA of the bundle has signed the certificate",
    );
    installation.registration.object = whole;
    installation.registration.each("/matchConditions", &json!([{"name": "never", "expression": "false"}]));
    installation.registration.replace();
    let report = installation.breaks(&["good", "bad"]);
    assert_eq!(report.link("conditions").0, None);
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "ingress-guard-doctor-rules"]).ok();
    let report = installation.breaks(&["registration", "good", "bad"]);
    let expected = "no ValidatingWebhookConfiguration calls ingress-guard: no Ingress is reviewed";
    assert_eq!(report.link("registration").1, expected);
    let note = "\nno ValidatingWebhookConfiguration for CREATE and UPDATE of Ingresses calls Service doctor-rules/ingress-guard: Ingresses are stored without review\n";
    installation.notes("not_registered", note);
}

#[test]
fn a_service_without_endpoints_or_port_is_reported() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "doctor-service");
    let terminal = installation.terminal();
    // The proxy of kube-apiserver still reaches the process, because it does not look at endpoints.
    terminal.does(&["delete", "endpointslice", "by-hand"]);
    let report = installation.breaks(&["endpoints"]);
    assert_eq!(
        report.link("endpoints").1,
        "Service doctor-service/ingress-guard has no ready endpoint, 0 not ready; pod ingress-guard-0 is Running"
    );
    let mut slice = installation.slice();
    slice["endpoints"][0]["conditions"]["ready"] = json!(false);
    installation.create(&[slice]);
    let report = installation.breaks(&["endpoints"]);
    assert!(report.link("endpoints").1.contains("no ready endpoint, 1 not ready"), "{report:?}");

    let port = json!([{"op": "replace", "path": "/spec/ports/0/port", "value": 1}]).to_string();
    terminal.does(&["patch", "service", "ingress-guard", "--type=json", "--patch", &port]);
    let report = installation.breaks(&["service"]);
    assert!(report.link("service").1.contains(" has no port "), "{report:?}");
    terminal.does(&["delete", "service", "ingress-guard"]);
    let report = installation.breaks(&["service"]);
    assert_eq!(
        report.link("service").1,
        "Service doctor-service/ingress-guard does not exist: the API server cannot reach the webhook"
    );
    installation.notes("service_missing", "\nService doctor-service/ingress-guard does not exist: ");
}

#[test]
fn a_network_policy_that_blocks_the_api_server_is_named() {
    let Some(cluster) = cluster::shared() else { return };
    let mut installation = Installation::new(&cluster, "doctor-network");
    let policy = |name: &str, spec: Value| {
        let mut spec = spec;
        spec["podSelector"] = json!({"matchLabels": Installation::labels()});
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec})
    };
    // Only pods are admitted, and the API server is none.
    let pods = json!({"policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": {}}]}]});
    installation.create(&[policy("only-pods", pods)]);
    // No network plugin enforces it here: an answer proves that.
    let report = installation.breaks(&[]);
    let expected = "NetworkPolicy only-pods admits no API server to the webhook port, and yet it has reached the webhook: \
                    the policy is not enforced";
    assert_eq!(report.link("network"), (None, expected));
    installation.webhook.kill();
    let report = installation.breaks(&["network", "good", "bad"]);
    let expected = "NetworkPolicy only-pods blocks the API server: no rule admits it to the webhook port";
    assert_eq!(report.link("network").1, expected);
    installation.webhook.run();
    // Policies add up.
    installation.create(&[policy("open", json!({"ingress": [{"ports": [{"port": "webhook"}]}]}))]);
    let report = installation.breaks(&[]);
    assert_eq!(report.link("network").1, "NetworkPolicy only-pods, open admits the API server");
}

#[test]
fn a_serving_certificate_that_the_api_server_rejects_is_reported() {
    let Some(cluster) = cluster::shared() else { return };
    let mut installation = Installation::new(&cluster, "doctor-tls");
    let authority = cluster.authority().certificate();
    installation.call_url(&authority);
    let report = installation.breaks(&[]);
    assert!(report.link("tls").1.starts_with("the serving certificate is valid for 127.0.0.1 until "), "{report:?}");
    assert_eq!(report.link("caBundle").1, "the API server trusts the serving certificate");

    installation.call_url(&Authority::new().certificate());
    let report = installation.breaks(&["caBundle", "good", "bad"]);
    let reason = "the API server rejects the webhook: no CA of the bundle has signed the certificate";
    assert_eq!(report.link("caBundle").1, reason);
    // Without dry runs, the same.
    let report = installation.report(&["--no-write"]);
    assert_eq!((report.code, report.broken()), (1, vec!["caBundle"]));

    installation.call_url(&authority);
    installation.breaks(&[]);
    installation.serve(&cluster.authority().expired_server());
    // kube-apiserver keeps open connections: only new ones see the certificate.
    installation.call_url(&(authority.clone() + "\n"));
    let report = installation.breaks(&["tls", "good", "bad"]);
    assert!(report.link("tls").1.contains("expired at 2020-02-01"), "{report:?}");
    assert_eq!(report.link("caBundle").0, None);
    installation.serve(&cluster.authority().server_for(&["other.example.com"]));
    installation.call_url(&(authority.clone() + "\n\n"));
    let report = installation.breaks(&["tls", "good", "bad"]);
    let reason = "the serving certificate is not valid for 127.0.0.1: the API server rejects it";
    assert_eq!(report.link("tls").1, reason);

    // With `Fail`, the API server says why it cannot call the webhook.
    installation.registration.fail_closed();
    installation.registration.replace();
    let started = Instant::now();
    while !installation.report(&[]).link("good").1.contains("x509: cannot validate certificate for 127.0.0.1") {
        assert!(started.elapsed() < Duration::from_secs(20), "{:#?}", installation.report(&[]));
    }
}

#[test]
fn a_process_that_does_not_answer_is_reported() {
    let Some(cluster) = cluster::shared() else { return };
    let mut installation = Installation::new(&cluster, "doctor-down");
    installation.call_url(&cluster.authority().certificate());
    installation.breaks(&[]);
    installation.webhook.kill();
    let report = installation.breaks(&["good", "bad"]);
    // This machine is outside the cluster: that it does not reach the address proves nothing.
    assert_eq!(report.link("tcp").0, None);
    assert!(report.link("tcp").1.contains("Connection refused"), "{report:?}");
}

#[test]
fn a_permission_that_the_service_account_lacks_is_reported() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "doctor-rights");
    let mut role = role();
    role["metadata"] = json!({"name": "ingress-guard-doctor-rights"});
    for rule in role["rules"].as_array_mut().unwrap() {
        let resources = rule["resources"].as_array_mut().unwrap();
        resources.retain(|resource| resource != "services");
        if resources.is_empty() {
            *resources = vec![json!("namespaces")];
        }
    }
    cluster.kubectl_with_stdin(&["replace", "--filename=-"], &role.to_string()).ok();
    let started = Instant::now();
    loop {
        let report = installation.report(&[]);
        if report.broken().contains(&"rights") {
            let expected = "system:serviceaccount:doctor-rights:ingress-guard may not get, list, watch services";
            assert_eq!((report.link("rights").1, report.code), (expected, 1));
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{report:#?}");
    }
}

#[test]
fn permissions_for_self_managed_certificates_are_asked_for() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "doctor-ca");
    let mut pod = installation.pod();
    // The first of the pods by name.
    pod["metadata"]["name"] = json!("ingress-guard");
    pod["spec"]["containers"][0]["args"] = json!(["serve", "--ca-secret=ca", "--webhook-configuration=doctor-ca"]);
    installation.create(&[pod]);
    let report = installation.breaks(&["rights"]);
    let expected = "system:serviceaccount:doctor-ca:ingress-guard may not update secrets doctor-ca/ca; patch \
                    validatingwebhookconfigurations doctor-ca";
    assert_eq!(report.link("rights"), (Some(false), expected));
    let grant = |kind: &str, verbs: &str, resource: &str, name: &str| {
        let flags = [format!("--verb={verbs}"), format!("--resource={resource}"), format!("--resource-name={name}")];
        installation.terminal().does(&["create", kind, "doctor-ca", &flags[0], &flags[1], &flags[2]]);
    };
    let account = "--serviceaccount=doctor-ca:ingress-guard";
    grant("role", "get,update", "secrets", "ca");
    installation.terminal().does(&["create", "rolebinding", "doctor-ca", "--role=doctor-ca", account]);
    grant("clusterrole", "get,patch", "validatingwebhookconfigurations", "doctor-ca");
    installation.terminal().does(&["create", "clusterrolebinding", "doctor-ca", "--clusterrole=doctor-ca", account]);
    installation.breaks(&[]);
}

#[test]
fn the_account_of_helm_test_knows_every_link() {
    const NAMESPACE: &str = "doctor-hook";
    let Some(cluster) = cluster::shared() else { return };
    let Some(helm) = helm::find() else { return };
    let _installation = Installation::new(&cluster, NAMESPACE);
    let rendered = Command::new(helm)
        .args(["template", "ingress-guard", concat!(env!("CARGO_MANIFEST_DIR"), "/chart"), "--namespace", NAMESPACE])
        .args(["--kube-version=1.33.0", "--set", &format!("doctor.dryRunNamespace={NAMESPACE}")])
        .args(["--show-only", "templates/doctoraccount.yaml", "--show-only", "templates/tests/doctor.yaml"])
        .output()
        .unwrap();
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    let rendered = String::from_utf8(rendered.stdout).unwrap();
    let documents = rendered.split("\n---\n").filter_map(|text| serde_saphyr::from_str::<Option<Value>>(text).unwrap());
    let (pods, account): (Vec<Value>, Vec<Value>) = documents.partition(|object| object["kind"] == "Pod");
    assert_eq!((pods.len(), account.len()), (1, 7));
    for object in account {
        cluster.kubectl_with_stdin(&["create", "--filename=-"], &object.to_string()).ok();
    }

    // The configuration of this test has another name than that of a release.
    let spec = &pods[0]["spec"];
    let arguments: Vec<String> = serde_json::from_value(spec["containers"][0]["args"].clone()).unwrap();
    let own = format!("--webhook-configuration=ingress-guard.{NAMESPACE}");
    assert!(arguments[0] == "doctor" && arguments.contains(&own), "{arguments:?}");
    let here = format!("--webhook-configuration=ingress-guard-{NAMESPACE}");
    let arguments: Vec<&str> =
        arguments[1..].iter().map(|argument| if *argument == own { here.as_str() } else { argument }).collect();
    let kubeconfig = cluster.kubeconfig_for_service_account(NAMESPACE, spec["serviceAccountName"].as_str().unwrap());
    let started = Instant::now();
    let report = loop {
        let report = doctor(&kubeconfig, &arguments);
        let is_known = report.links.iter().all(|link| link["ok"] == true || address().is_none());
        if (report.code == 0 && is_known) || started.elapsed() > Duration::from_secs(20) {
            break report;
        }
    };
    assert_eq!((report.code, report.broken()), (0, vec![]), "{report:#?}");
    for link in &report.links {
        assert!(link["ok"] == true || address().is_none(), "{link}");
    }
    assert_eq!(report.link("good").1, format!("a dry run in namespace {NAMESPACE} is allowed by ingress-guard"));

    // Without dry runs it is unknown whether the API server reaches the webhook.
    let without: Vec<&str> =
        arguments.iter().copied().filter(|argument| !argument.starts_with("--dry-run-namespace")).collect();
    assert_eq!(doctor(&kubeconfig, &[&without[..], &["--no-write"]].concat()).code, 2);
}

#[test]
fn a_user_without_permissions_gets_unknown_links() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "doctor-user");
    installation.terminal().does(&["create", "serviceaccount", "reader"]);
    let kubeconfig = cluster.kubeconfig_for_service_account("doctor-user", "reader");
    let arguments = ["--namespace", "doctor-user", "--webhook-configuration", "ingress-guard-doctor-user"];
    let report = doctor(&kubeconfig, &arguments);
    assert_eq!((report.code, report.broken()), (2, vec![]), "{report:#?}");
    let reason = "you have no permission to list validatingwebhookconfigurations";
    assert_eq!(report.link("registration"), (None, reason));
    let (ok, detail) = report.link("good");
    assert!(ok.is_none() && detail.contains("no permission to "), "{detail}");

    // The account of the webhook itself reads what it watches.
    let kubeconfig = cluster.kubeconfig_for_service_account("doctor-user", "ingress-guard");
    let report = doctor(&kubeconfig, &[&arguments[..], &["--no-write"]].concat());
    assert_eq!((report.code, report.broken()), (2, vec![]), "{report:#?}");
    for what in ["registration", "rules", "namespaces", "service", "endpoints"] {
        assert_eq!(report.link(what).0, Some(true), "{what}: {report:#?}");
    }
}
