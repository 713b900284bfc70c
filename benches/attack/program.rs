//! The program as a process of its own, so that Linux reports its memory.

use std::future::pending;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::client::Client;
use crate::trust::trust;

pub(crate) struct Program {
    child: Child,
    pub(crate) health: SocketAddr,
    client: Client,
}

impl Program {
    /// Starts the program against an API server, and waits until it is ready.
    pub(crate) async fn start(api: SocketAddr) -> Self {
        let kubeconfig = std::env::temp_dir().join(format!("ingress-guard-attack-{}.yaml", std::process::id()));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": {"server": format!("http://{api}")}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "users": [{"name": "bench", "user": {}}],
        });
        std::fs::write(&kubeconfig, config.to_string()).expect("a temporary file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_ingress-guard"))
            .args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--kubeconfig"])
            .arg(&kubeconfig)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut pem = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        while !pem.contains("-----END CERTIFICATE-----") {
            assert!(out.read_line(&mut pem).expect("a line") > 0, "the program has ended");
        }
        let mut log = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let serving = log.find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            (line["message"] == "serving").then_some(line)
        });
        // The log is read, so that the program never blocks on a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        let _ = std::fs::remove_file(kubeconfig);
        let serving = serving.expect("the program starts");
        let address = |port: &str| serving[port].as_str().and_then(|addr| addr.parse().ok()).expect("an address");
        let client = Client { addr: address("webhook"), tls: trust(&pem) };
        let program = Self { child, health: address("health"), client };
        let begun = Instant::now();
        while !readyz(program.health).await.is_ok_and(|ready| ready) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the program is not ready");
            sleep(Duration::from_millis(20)).await;
        }
        program
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Connects to the health port and sends half a head. Drops `established` at that moment.
    pub(crate) fn hold_idle_health(&self, established: mpsc::Sender<()>) -> impl Future<Output = ()> + Send + use<> {
        let health = self.health;
        async move {
            let Ok(mut tcp) = TcpStream::connect(health).await else { return };
            let _ = tcp.write_all(b"GET /livez HTTP/1.1\r\n").await;
            drop(established);
            pending::<()>().await;
        }
    }

    /// Returns a line of `/proc/PID/status`, in MiB.
    pub(crate) fn mib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("a Linux with procfs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        let kib: u64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
        kib / 1024
    }

    /// Resets the peak of its memory to the present size.
    pub(crate) fn reset_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5").expect("a Linux with procfs");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn livez(health: SocketAddr) -> io::Result<bool> {
    get(health, "/livez").await
}

async fn readyz(health: SocketAddr) -> io::Result<bool> {
    get(health, "/readyz").await
}

/// Returns whether the answer has status 200.
async fn get(health: SocketAddr, path: &str) -> io::Result<bool> {
    let mut tcp = TcpStream::connect(health).await?;
    tcp.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
