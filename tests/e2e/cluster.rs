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

/// `None` where it cannot run, `Err` where it should and does not: no test then tries again.
static CLUSTER: OnceLock<Result<Option<RwLock<Cluster>>, ()>> = OnceLock::new();

/// The cluster, beside other tests. `None` when it cannot run here, which was said then.
pub(crate) fn shared() -> Option<RwLockReadGuard<'static, Cluster>> {
    cluster().map(RwLock::read)
}

/// The cluster with no other test in it, for one that stops parts of it or changes it for everybody.
pub(crate) fn alone() -> Option<Alone> {
    cluster().map(|cluster| Alone(cluster.write()))
}

/// What only a test may do that has the cluster to itself.
pub(crate) struct Alone(RwLockWriteGuard<'static, Cluster>);

impl Deref for Alone {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl Alone {
    /// As a crash; whoever watches loses the connection.
    pub(crate) fn stop_apiserver(&self) {
        self.supervisor.kill(APISERVER);
    }

    /// On the same port, with the same data; returns when it is ready.
    pub(crate) fn start_apiserver(&self) {
        self.run_apiserver();
    }

    /// Forget all versions of objects but the last, so that a watch cannot go on where it was; returns the revision.
    pub(crate) fn compact_etcd(&self) -> i64 {
        let status = self.ask_etcd("POST", "/v3/maintenance/status", "{}").expect("etcd answers");
        // 64-bit integers are text in JSON made from protobuf.
        let revision = status["header"]["revision"].as_str().expect("a revision").to_owned();
        let body = json!({"revision": revision, "physical": true}).to_string();
        let answer = self.ask_etcd("POST", "/v3/kv/compaction", &body).expect("etcd answers");
        assert!(answer["header"].is_object(), "{answer}");
        revision.parse().unwrap()
    }

    /// Delete an object while no API server runs that could tell anybody; `key` is what etcd calls it.
    pub(crate) fn delete_from_etcd(&self, key: &str) {
        let body = json!({"key": BASE64_STANDARD.encode(key)}).to_string();
        let answer = self.ask_etcd("POST", "/v3/kv/deleterange", &body).expect("etcd answers");
        assert_eq!(answer["deleted"], "1", "{answer}");
    }
}

fn cluster() -> Option<&'static RwLock<Cluster>> {
    let start = || assets::find().map(|assets| RwLock::new(Cluster::start(assets)));
    let started = CLUSTER.get_or_init(|| panic::catch_unwind(AssertUnwindSafe(start)).map_err(drop));
    started.as_ref().unwrap_or_else(|()| panic!("the cluster has not started: another test says why")).as_ref()
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// What it printed, if it went well.
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
        // The public key of tokens is read from a certificate just as well; from a private key in PKCS#8 it is not.
        let tokens = authority.server();
        let verify = supervisor.write("service-accounts.crt", tokens.certificate);
        let sign = supervisor.write("service-accounts.key", tokens.key);
        let (ca, certificate, key) = (ca.display(), certificate.display(), key.display());
        let (verify, sign) = (verify.display(), sign.display());

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
            // Never for addresses of the loopback interface.
            format!("HTTPS_PROXY=http://127.0.0.1:{}", names::proxy()),
            assets.join(APISERVER).display().to_string(),
            format!("--etcd-servers={client}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={apiserver}"),
            "--advertise-address=127.0.0.1".to_owned(),
            // It would publish that address, and a loopback address is no legal endpoint.
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
            format!("--service-account-private-key-file={sign}"),
            format!("--root-ca-file={ca}"),
        ];

        let cluster = Self { assets, authority, supervisor, etcd, apiserver, apiserver_command, admin };
        // An etcd that is not there shows in kube-apiserver as a vague timeout.
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

    /// Whether there is a kube-controller-manager; setup-envtest brings none. It makes `EndpointSlices`, and
    /// the `ServiceAccounts` called default, and ends namespaces.
    pub(crate) fn has_controllers(&self) -> bool {
        self.program("kube-controller-manager").exists()
    }

    /// [`Self::has_controllers`], for a test that is left out without them.
    pub(crate) fn needs_controllers(&self, test: &str) -> bool {
        if !self.has_controllers() {
            skipped(&format!("{test}: kube-controller-manager not found in KUBEBUILDER_ASSETS"));
        }
        self.has_controllers()
    }

    /// `kubectl`, as a cluster administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Output {
        self.kubectl_with_stdin(arguments, "")
    }

    /// The same with something to read: `-f -`.
    pub(crate) fn kubectl_with_stdin(&self, arguments: &[&str], stdin: &str) -> Output {
        self.kubectl_as(&self.admin, arguments, stdin)
    }

    /// The same as somebody else.
    pub(crate) fn kubectl_as(&self, kubeconfig: &Path, arguments: &[&str], stdin: &str) -> Output {
        let mut child = Command::new(self.program("kubectl"))
            .arg("--request-timeout=30s")
            .args(arguments)
            .current_dir(self.supervisor.folder())
            // Neither the settings nor the cache of whoever runs the tests.
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
        // It may end without having read all of it.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// A kubeconfig with a fresh token of a `ServiceAccount` that exists.
    pub(crate) fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.kubectl(&["create", "token", name, "--namespace", namespace]).ok();
        let config = kubeconfig(self.apiserver, &self.authority, &json!({"token": token.trim_end()}), namespace);
        self.supervisor.write(&format!("{namespace}-{name}.kubeconfig"), config)
    }

    /// The kubeconfig of a cluster administrator.
    pub(crate) fn admin(&self) -> &Path {
        &self.admin
    }

    /// The API server without a client in between, as a cluster administrator.
    pub(crate) fn api(&self) -> Https {
        let admin = self.authority.client("admin", "system:masters");
        Https::new(self.apiserver, &self.authority.certificate(), Some(&admin))
    }

    /// Who signs for every server in this cluster.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// For whatever else has to end with the tests.
    pub(crate) fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Until `ready`; panics with the end of the program's log when that takes too long.
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

    /// etcd's JSON over HTTP; `None` when nobody answers with JSON.
    fn ask_etcd(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.etcd)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        // 1.0: the answer ends with the connection and is not cut into chunks.
        let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }
}

/// JSON is YAML.
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

/// A loopback port that nobody listens on. It stays free while its server is down: it lies below the range from which
/// the system serves whoever asks for any port.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Runs at the same time begin at different places.
    let start = u16::try_from(std::process::id() % 120).unwrap() * 100;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
