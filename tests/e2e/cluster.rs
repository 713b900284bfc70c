//! A real control plane on the loopback interface, started once for all tests: etcd, kube-apiserver and
//! kube-controller-manager. There is no kubelet: pods stay pending.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use serde_json::{Value, json};

use crate::assets;
use crate::certificates::{Authority, Pair};
use crate::https::Https;
use crate::names;
use crate::skipped::skipped;
use crate::supervisor::Supervisor;

const APISERVER: &str = "kube-apiserver";

/// No trace is recorded, but each request has the id of one.
const TRACING: &str = "
apiVersion: apiserver.config.k8s.io/v1beta1
kind: TracingConfiguration
samplingRatePerMillion: 0
";
/// Writes of Ingresses are recorded in `audit.log`.
const AUDIT: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    verbs: [create, update, patch]
    resources: [{group: networking.k8s.io, resources: [ingresses]}]
  - level: None
";

/// `None` if it cannot run on this machine, `Err` if its start failed: the other tests do not try again.
static CLUSTER: OnceLock<Result<Option<RwLock<Cluster>>, ()>> = OnceLock::new();

/// Returns the cluster, shared with other tests. `None` if it cannot run on this machine, which the first call reports.
pub(crate) fn shared() -> Option<RwLockReadGuard<'static, Cluster>> {
    cluster().map(RwLock::read)
}

/// Returns the cluster exclusively, for a test that stops parts of it or changes it for all clients.
pub(crate) fn alone() -> Option<Alone> {
    cluster().map(|cluster| Alone(cluster.write()))
}

/// Operations of a test that has exclusive access to the cluster.
pub(crate) struct Alone(RwLockWriteGuard<'static, Cluster>);

impl Deref for Alone {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl Alone {
    /// Kills the API server, as in a crash; watches lose their connection.
    pub(crate) fn stop_apiserver(&self) {
        self.supervisor.kill(APISERVER);
    }

    /// Starts the API server on the same port with the same data; returns when it is ready.
    pub(crate) fn start_apiserver(&self) {
        self.run_apiserver();
    }

    /// Compacts etcd to the last revision, so that no watch can resume; returns the revision.
    pub(crate) fn compact_etcd(&self) -> i64 {
        let status = self.ask_etcd("POST", "/v3/maintenance/status", "{}").expect("etcd answers");
        // JSON made from protobuf encodes 64-bit integers as strings.
        let revision = status["header"]["revision"].as_str().expect("a revision").to_owned();
        let body = json!({"revision": revision, "physical": true}).to_string();
        let answer = self.ask_etcd("POST", "/v3/kv/compaction", &body).expect("etcd answers");
        assert!(answer["header"].is_object(), "{answer}");
        revision.parse().unwrap()
    }

    /// Stores an object that the API server would refuse; `key` is its key in etcd.
    pub(crate) fn put_into_etcd(&self, key: &str, object: &str) {
        let body = json!({"key": BASE64_STANDARD.encode(key), "value": BASE64_STANDARD.encode(object)}).to_string();
        let answer = self.ask_etcd("POST", "/v3/kv/put", &body).expect("etcd answers");
        assert!(answer["header"].is_object(), "{answer}");
    }

    /// Deletes an object while no API server runs, so that no watch gets an event; `key` is its key in etcd.
    pub(crate) fn delete_from_etcd(&self, key: &str) {
        let body = json!({"key": BASE64_STANDARD.encode(key)}).to_string();
        let answer = self.ask_etcd("POST", "/v3/kv/deleterange", &body).expect("etcd answers");
        assert_eq!(answer["deleted"], "1", "{answer}");
    }
}

fn cluster() -> Option<&'static RwLock<Cluster>> {
    let start = || assets::find().map(|assets| RwLock::new(Cluster::start(assets)));
    let started = CLUSTER.get_or_init(|| panic::catch_unwind(AssertUnwindSafe(start)).map_err(drop));
    started.as_ref().unwrap_or_else(|()| panic!("the cluster has not started: see the first failed test")).as_ref()
}

/// The output of a program and its exit code.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Returns standard output; panics if the program failed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.stdout
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr)
    }
}

pub(crate) struct Cluster {
    assets: PathBuf,
    authority: Authority,
    supervisor: Supervisor,
    etcd: u16,
    apiserver: u16,
    apiserver_command: Vec<String>,
    admin: PathBuf,
}

impl Cluster {
    fn start(assets: PathBuf) -> Self {
        let supervisor = Supervisor::start();
        let authority = Authority::new();
        let ca = supervisor.write("ca.crt", authority.certificate());
        let Pair { certificate, key } = authority.server();
        let (certificate, key) = (supervisor.write("server.crt", certificate), supervisor.write("server.key", key));
        // kube-apiserver reads the public key for tokens from a certificate, but not from a private key in PKCS#8.
        let tokens = authority.server();
        let verify = supervisor.write("service-accounts.crt", tokens.certificate);
        let sign = supervisor.write("service-accounts.key", tokens.key);
        let (ca, certificate, key) = (ca.display(), certificate.display(), key.display());
        let (verify, sign) = (verify.display(), sign.display());

        let tracing = supervisor.write("tracing.yaml", TRACING);
        let (audit, audit_log) = (supervisor.write("audit-policy.yaml", AUDIT), supervisor.folder().join("audit.log"));

        let (etcd, peer, apiserver) = (free_port(), free_port(), free_port());
        let (client, peer) = (format!("http://127.0.0.1:{etcd}"), format!("http://127.0.0.1:{peer}"));
        supervisor.run(
            "etcd",
            &assets.join("etcd"),
            &[
                "--name=default".to_owned(),
                format!("--data-dir={}", supervisor.folder().join("etcd").display()),
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
            ],
        );
        let apiserver_command = vec![
            // Go's HTTP client ignores the proxy for loopback addresses.
            format!("HTTPS_PROXY=http://127.0.0.1:{}", names::proxy()),
            assets.join(APISERVER).display().to_string(),
            format!("--etcd-servers={client}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={apiserver}"),
            "--advertise-address=127.0.0.1".to_owned(),
            // The reconciler would publish that address, and a loopback address is not a legal endpoint.
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--tls-cert-file={certificate}"),
            format!("--tls-private-key-file={key}"),
            format!("--client-ca-file={ca}"),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-signing-key-file={sign}"),
            format!("--service-account-key-file={verify}"),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--allow-privileged=true".to_owned(),
            format!("--tracing-config-file={}", tracing.display()),
            format!("--audit-policy-file={}", audit.display()),
            format!("--audit-log-path={}", audit_log.display()),
        ];
        let admin = authority.client("admin", "system:masters");
        let user = json!({
            "client-certificate-data": BASE64_STANDARD.encode(admin.certificate),
            "client-key-data": BASE64_STANDARD.encode(admin.key),
        });
        let admin = supervisor.write("admin.kubeconfig", kubeconfig(apiserver, &authority, &user, "default"));
        let controllers = [
            format!("--kubeconfig={}", admin.display()),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            // Each controller has an account of its own, as in clusters of kubeadm.
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={sign}"),
            format!("--root-ca-file={ca}"),
        ];

        let cluster = Self { assets, authority, supervisor, etcd, apiserver, apiserver_command, admin };
        // Without etcd, kube-apiserver reports only an unspecific timeout.
        cluster.wait("etcd", Duration::from_secs(20), || {
            cluster.ask_etcd("GET", "/health", "").is_some_and(|health| health["health"] == "true")
        });
        cluster.run_apiserver();
        if cluster.has_controllers() {
            let program = cluster.program("kube-controller-manager");
            cluster.supervisor.run("kube-controller-manager", &program, &controllers);
        }
        cluster
    }

    fn run_apiserver(&self) {
        self.supervisor.run(APISERVER, Path::new("env"), &self.apiserver_command);
        self.wait(APISERVER, Duration::from_secs(40), || self.kubectl(&["get", "--raw", "/readyz"]).code == 0);
    }

    /// Whether kube-controller-manager runs; setup-envtest does not include it. It creates `EndpointSlices` and the
    /// default `ServiceAccounts`, and finalizes namespaces.
    pub(crate) fn has_controllers(&self) -> bool {
        self.program("kube-controller-manager").exists()
    }

    /// As [`Self::has_controllers`], for a test that is skipped without kube-controller-manager.
    pub(crate) fn needs_controllers(&self, test: &str) -> bool {
        if !self.has_controllers() {
            skipped(&format!("{test}: kube-controller-manager not found in KUBEBUILDER_ASSETS"));
        }
        self.has_controllers()
    }

    /// Runs `kubectl` as a cluster administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_with_stdin(arguments, "")
    }

    /// Runs `kubectl` with standard input: `-f -`.
    pub(crate) fn kubectl_with_stdin(&self, arguments: &[&str], stdin: &str) -> Output {
        self.kubectl_as(&self.admin, arguments, stdin)
    }

    /// Runs `kubectl` with another kubeconfig.
    pub(crate) fn kubectl_as(&self, kubeconfig: &Path, arguments: &[&str], stdin: &str) -> Output {
        let mut child = Command::new(self.program("kubectl"))
            .arg("--request-timeout=30s")
            .args(arguments)
            .current_dir(self.supervisor.folder())
            // Isolates kubectl from the user's settings and cache.
            .env_clear()
            .env("HOME", self.supervisor.folder())
            .env("KUBECONFIG", kubeconfig)
            .env("KUBERC", "off")
            // `kubectl diff` runs diff.
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // kubectl may end before it has read all of its input.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // Tests that share a cluster store faulty Ingresses of one controller: the warning on these does not concern the others.
        let concerns = |line: &&str| !line.starts_with("Warning: IG904 ");
        let stderr: String = text(output.stderr).split_inclusive('\n').filter(concerns).collect();
        Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr }
    }

    /// Returns a kubeconfig with a new token of an existing `ServiceAccount`.
    pub(crate) fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.kubectl(&["create", "token", name, "--namespace", namespace]).ok();
        let config = kubeconfig(self.apiserver, &self.authority, &json!({"token": token.trim_end()}), namespace);
        self.supervisor.write(&format!("{namespace}-{name}.kubeconfig"), config)
    }

    /// Returns the kubeconfig of a cluster administrator.
    pub(crate) fn admin(&self) -> &Path {
        &self.admin
    }

    /// Returns a client for the API server, as a cluster administrator.
    pub(crate) fn api(&self) -> Https {
        let admin = self.authority.client("admin", "system:masters");
        Https::new(self.apiserver, &self.authority.certificate(), Some(&admin))
    }

    /// Returns the authority that signs the certificates of all servers in this cluster.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the supervisor, for other programs that have to end with the tests.
    pub(crate) fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Waits until `ready`; panics with the end of the program's log after a timeout.
    #[track_caller]
    pub(crate) fn wait(&self, program: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
        let started = Instant::now();
        while !ready() {
            if started.elapsed() > limit {
                let log = self.supervisor.log(program);
                let last: Vec<&str> = log.lines().rev().take(20).collect();
                panic!("{program}: not ready within {limit:?}; its last lines, latest first:\n{}", last.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn program(&self, name: &str) -> PathBuf {
        self.assets.join(name)
    }

    /// Sends a request to etcd's JSON gateway; `None` without a JSON response.
    fn ask_etcd(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.etcd)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        // With HTTP/1.0 the response ends with the connection and is not chunked.
        let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }
}

/// JSON is valid YAML.
fn kubeconfig(port: u16, authority: &Authority, user: &Value, namespace: &str) -> String {
    let cluster = json!({
        "server": format!("https://127.0.0.1:{port}"),
        "certificate-authority-data": BASE64_STANDARD.encode(authority.certificate()),
    });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "e2e",
        "clusters": [{"name": "e2e", "cluster": cluster}],
        "users": [{"name": "e2e", "user": user}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e", "namespace": namespace}}],
    })
    .to_string()
}

/// Returns a free loopback port. It stays free while its server is down, because it is below the range of ephemeral
/// ports.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Concurrent runs begin at different ports.
    let start = u16::try_from(std::process::id() % 120).unwrap() * 100;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
