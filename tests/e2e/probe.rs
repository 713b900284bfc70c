//! `probe` and the requests of the server, for objects that a real API server stores. A controller in this process answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::audit_rights;
use crate::background::is_holder;
use crate::certificates::Pair;
use crate::cluster::{self, Cluster, Output};
use crate::controllers::{self, System};
use crate::explain;
use crate::fake_controller::FakeController;
use crate::objects::{class, host, ingress, path, secret, service};
use crate::terminal::Terminal;
use crate::webhook::{Webhook, account, arguments};

/// The page of an nginx that does not name its version, as ingress-nginx is.
const PAGE_503: &str = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n\
                        <center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n\
                        </body>\r\n</html>\r\n";

/// Ready endpoints of a Service without a selector.
fn endpoints(service: &str) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
           "metadata": {"name": format!("{service}-1"), "labels": {"kubernetes.io/service-name": service}},
           "ports": [{"name": "p80", "port": 80}],
           "endpoints": [{"addresses": ["10.9.8.7"], "conditions": {"ready": true}}]})
}

fn tls(pair: &Pair) -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

/// `probe` for the Ingresses of one namespace.
struct Probe<'c> {
    terminal: Terminal<'c>,
    via: String,
}

impl Probe<'_> {
    fn run(&self, more: &[&str]) -> Output {
        let own = ["probe", "--namespace", self.terminal.namespace, "--rate", "1000", "--samples", "1"];
        explain::run(self.terminal.cluster.admin(), &[&own[..], more].concat())
    }

    /// Returns the exit code, and the result and the answer in the table for each URL in turn.
    fn table(&self, urls: &[&str]) -> (i32, Vec<String>, String) {
        let output = self.run(&["--via", &self.via]);
        let line = |url: &&str| {
            let is_of = |line: &&str| line.split_whitespace().nth(1) == Some(url);
            let line = output.stdout.lines().find(is_of).unwrap_or_else(|| panic!("no line for {url}: {output}"));
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {}", words[0], words[3..].join(" "))
        };
        (output.code, urls.iter().map(line).collect(), output.stdout)
    }

    /// Sets the addresses in the status of an Ingress, as a tenant with that right may.
    fn has_status(&self, ingress: &str, ip: &str) {
        let patch = json!({"status": {"loadBalancer": {"ingress": [{"ip": ip}]}}}).to_string();
        self.terminal.does(&["patch", "ingress", ingress, "--subresource=status", "--type=merge", "--patch", &patch]);
    }
}

/// Stores a controller of this class with its ConfigMap, as Helm does.
fn store_controller(cluster: &Cluster, namespace: &'static str, class_name: &str) -> Value {
    let system = System::create(cluster, namespace);
    system.0.does(&["create", "configmap", "controller", "--from-literal=ssl-redirect=false"]);
    let mut controller = controllers::deployment("controller", "v1.15.1");
    let name = format!("example.com/{class_name}");
    controller["spec"]["template"]["spec"]["containers"][0]["args"][2] = json!(format!("--controller-class={name}"));
    system.runs_as(&controller);
    let mut class = class(class_name);
    class["metadata"]["annotations"] = json!({"meta.helm.sh/release-namespace": namespace});
    class["spec"]["controller"] = json!(name);
    class
}

#[test]
fn probe_compares_answers_with_what_the_api_server_stores() {
    let Some(cluster) = cluster::shared() else { return };
    if !cluster.needs_controllers("probe_compares_answers_with_what_the_api_server_stores") {
        return;
    }
    let name = "probe-cli";
    cluster.kubectl(&["create", "namespace", name]).ok();
    let terminal = Terminal { cluster: &cluster, namespace: name };
    let class = store_controller(&cluster, "probe-cli-system", name);
    let (shop, safe) = (host("shop", name), host("safe", name));
    let pair = cluster.authority().server_for(&[&safe]);
    let mut with_tls = ingress("safe", name, "web", 80);
    with_tls["spec"]["tls"] = json!([{"hosts": [safe], "secretName": "safe"}]);
    let objects = [service("web", &[80]), endpoints("web"), service("late", &[80]), endpoints("late")];
    terminal.stores(&objects);
    let later = ingress("later", name, "late", 80);
    terminal.stores(&[class, secret("safe", &pair), ingress("shop", name, "web", 80), with_tls, later]);

    let (http, https) = (FakeController::start(None), FakeController::start(Some(tls(&pair))));
    for host in [&shop, &safe, &host("later", name)] {
        http.loads(host);
    }
    https.loads(&safe);
    let via = format!("http://{},https://{}", http.address, https.address);
    let probe = Probe { terminal, via };
    let urls = [&shop, &safe, &safe, &host("later", name)].map(|host| format!("http://{host}/"));
    let safe_url = format!("https://{safe}/");
    let urls = [&*urls[0], &*urls[1], &*safe_url, &*urls[3]];
    // Without `ssl-redirect: false` in the ConfigMap of the controller, a redirect is predicted for the second.
    let served = ["as-predicted 200"; 4].map(str::to_owned);
    let (code, results, text) = probe.table(&urls);
    assert_eq!((code, &results[..]), (0, &served[..]), "{text}");
    assert!(text.ends_with("4 requests to 3 hosts: 4 as-predicted\n"), "{text}");

    // It breaks after it was stored.
    probe.terminal.does(&["delete", "service", "late"]);
    http.answers(&host("later", name), ("503 Service Temporarily Unavailable", String::new(), PAGE_503));
    // The controller does not know another Ingress any more.
    http.answers(&shop, ("404 Not Found", String::new(), "default backend - 404"));
    let (code, results, text) = probe.table(&urls);
    assert_eq!((code, &results[1..3]), (1, &served[1..3]), "{text}");
    assert!(results[0].starts_with("controller-disagrees 404 of the default backend, and Service"), "{text}");
    assert_eq!(results[3], "controller-error 503 of nginx", "{text}");
    assert!(text.contains("✗ service      Service probe-cli/late does not exist"), "{text}");
    let json = probe.run(&["--via", &probe.via, "-o", "json"]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let of = |url: &str| report["results"].as_array().unwrap().iter().find(|result| result["url"] == url).unwrap();
    let broken = of(urls[3]);
    assert_eq!((json.code, &broken["result"], &broken["status"]), (1, &json!("controller-error"), &json!(503)));
    assert_eq!((&broken["ingress"], &broken["broken"]["what"]), (&json!("probe-cli/later"), &json!("service")));
    assert_eq!(of(&safe_url)["certificate"]["names"], json!([safe]));
    assert_eq!(http.received("authorization:") + http.received("cookie:"), 0);

    // The controller has no address in the status of Ingresses; then a tenant sets some.
    let without = |host: &str| {
        let output = probe.run(&[host]);
        (output.code, output.stdout)
    };
    let sent = http.received("");
    let (code, text) = without(&shop);
    assert!(code == 2 && text.contains("the Ingress has no address in its status"), "{code}: {text}");
    let address = probe.terminal.run(&["get", "service", "web", "--output=jsonpath={.spec.clusterIP}"], "").ok();
    for (ip, reason) in [
        ("127.0.0.1", "127.0.0.1 is a loopback address".to_owned()),
        ("169.254.169.254", "169.254.169.254 is the address of a metadata service".to_owned()),
        (&*address, format!("{address} is an address of a pod or Service of the cluster")),
    ] {
        probe.has_status("shop", ip);
        let (code, text) = without(&shop);
        assert!(code == 2 && text.contains(&reason), "{code}: {text}");
    }
    assert_eq!(http.received(""), sent, "no request was sent");
}

/// The number of hosts: a pass takes some seconds.
const HOSTS: usize = 40;
/// The time of a pass, with two requests for the default backend.
const PASS: Duration = Duration::from_secs(20);

/// A replica, and the controller that only it requests.
struct Replica<'c> {
    webhook: Webhook<'c>,
    controller: FakeController,
}

impl<'c> Replica<'c> {
    fn start(cluster: &'c Cluster, namespace: &'static str, source: &str, number: usize) -> Self {
        let controller = FakeController::start(None);
        for at in 1..HOSTS {
            controller.loads(&host(&format!("h{at}"), namespace));
        }
        let config = format!(
            "background: {{cpu: 500m}}\n\
             probe: {{enabled: true, interval: 1m, rate: 4, via: [\"http://{}\"], namespaces: [{namespace}]}}",
            controller.address
        );
        let flags = [source.to_owned(), format!("--background-lease={namespace}/background")];
        let webhook =
            Webhook::run_with(cluster, format!("{namespace}-{number}"), &config, |place| arguments(place, flags));
        Self { webhook, controller }
    }

    fn sent(&self) -> usize {
        self.controller.received("")
    }

    fn exports(&self, line: &str) -> bool {
        self.webhook.metrics().contains(&format!("ingress_guard_probe_{line}"))
    }
}

/// Waits until one of these replicas has sent some requests; returns its place.
fn sending(replicas: &[Replica<'_>], among: &[usize], limit: Duration) -> usize {
    let find = || among.iter().copied().find(|at| replicas[*at].sent() > 3);
    replicas[0].webhook.wait(limit, || find().is_some());
    find().unwrap()
}

#[test]
fn only_the_holder_of_the_lease_sends_requests() {
    let Some(cluster) = cluster::shared() else { return };
    let name = "probe-lease";
    let source = account(&cluster, name);
    audit_rights::lease(&cluster, name);
    audit_rights::grant_lease(&cluster, name);
    let terminal = Terminal { cluster: &cluster, namespace: name };
    terminal.stores(&[class(name), service("web", &[80]), endpoints("web")]);
    let mut many = ingress("web", name, "web", 80);
    let rule = |at| json!({"host": host(&format!("h{at}"), name), "http": {"paths": [path("/", "web", 80)]}});
    many["spec"]["rules"] = (0..HOSTS).map(rule).collect();
    terminal.stores(&[many]);
    let mut replicas = [0, 1, 2].map(|number| Replica::start(&cluster, name, &source, number));

    let first = sending(&replicas, &[0, 1, 2], Duration::from_secs(40));
    let others: Vec<usize> = (0..3).filter(|at| *at != first).collect();
    assert!(is_holder(&replicas[first].webhook));
    assert_eq!(others.iter().map(|at| replicas[*at].sent()).sum::<usize>(), 0, "only the holder sends requests");
    let results = format!("results{{result=\"as-predicted\"}} {}\n", HOSTS - 1);
    replicas[first].webhook.wait(PASS, || replicas[first].exports(&results));
    assert!(replicas[first].exports("results{result=\"controller-disagrees\"} 1\n"));
    assert!(replicas[first].exports("success{host=\"\"} 0\n"));
    assert!(others.iter().all(|at| !replicas[*at].exports("results{")));

    // The holder is killed.
    replicas[first].webhook.kill();
    let killed = Instant::now();
    let second = sending(&replicas, &others, Duration::from_secs(30));
    assert!(killed.elapsed() <= Duration::from_secs(17), "{:?}", killed.elapsed());
    let third = others.into_iter().find(|at| *at != second).unwrap();
    assert_eq!(replicas[third].sent(), 0);

    // The holder stops in the middle of its pass, and gives up the Lease.
    cluster.supervisor().stop(&format!("{name}-{second}"));
    let stopped = Instant::now();
    sending(&replicas, &[third], Duration::from_secs(20));
    assert!(stopped.elapsed() <= Duration::from_secs(7), "{:?}", stopped.elapsed());
    let sent = replicas[second].sent();
    assert!(sent < HOSTS, "its pass has not ended: {sent}");
    assert!(!replicas[second].exports("results{"));

    // Another holder takes the Lease away in the middle of a pass: the replica sees it when it renews the Lease.
    let lease = json!({"spec": {"holderIdentity": "another", "leaseTransitions": 9}}).to_string();
    terminal.does(&["patch", "lease", "background", "--type=merge", "--patch", &lease]);
    let last = &replicas[third];
    last.webhook.wait(Duration::from_secs(8), || !is_holder(&last.webhook));
    // It may have begun one request.
    std::thread::sleep(Duration::from_millis(1500));
    let sent_by_last = last.sent();
    assert!(sent_by_last < HOSTS, "its pass has not ended: {sent_by_last}");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((last.sent(), last.exports("results{")), (sent_by_last, false));
    assert_eq!(replicas[second].sent(), sent, "a replica without the Lease sends nothing");

    // The other holder does not renew it: the replica takes it again, and its next pass is a whole one.
    last.webhook.wait(Duration::from_secs(15) + PASS, || last.exports(&results));
    assert!(is_holder(&last.webhook));
}
