//! The program under measurement.

use std::fs;
use std::time::{Duration, Instant};

use tokio_rustls::TlsConnector;

use crate::CALM;
use crate::audit_rights::{grant_lease, grant_outputs, lease};
use crate::cluster::Cluster;
use crate::trust::trust;
use crate::webhook::{self, Webhook, arguments};

const NAMESPACE: &str = "ingress-guard";
/// The end of the last pass over all Ingresses.
const PASS: &str = "ingress_guard_background_pass_timestamp_seconds{";
/// The findings of the audit.
const FINDINGS: &str = "ingress_guard_stored_findings{";

/// Creates the account of the program with all rights and the Lease, and returns the flag that selects it.
pub(crate) fn account(cluster: &Cluster) -> String {
    let source = webhook::account(cluster, NAMESPACE);
    lease(cluster, NAMESPACE);
    grant_lease(cluster, NAMESPACE);
    grant_outputs(cluster, NAMESPACE);
    source
}

/// A process of the program.
pub(crate) struct Running {
    webhook: Webhook<'static>,
    id: u32,
    started: Instant,
    ready: Duration,
    has_audit: bool,
    /// Its port for reviews.
    pub(crate) port: u16,
    pub(crate) connector: TlsConnector,
}

impl Running {
    /// Starts a process with or without the audit; returns when it is ready.
    pub(crate) fn start(cluster: &'static Cluster, source: &str, secrets: &str, has_audit: bool) -> Self {
        let config = format!("{{secrets: {secrets}, background: {{enabled: {has_audit}}}}}");
        let name = format!("stored-{has_audit}");
        let mut flags = vec![source.to_owned()];
        if has_audit {
            flags.push(format!("--background-lease={NAMESPACE}/background"));
        }
        let started = Instant::now();
        let webhook = Webhook::run_with(cluster, name.clone(), &config, |place| arguments(place, flags));
        let ready = started.elapsed();
        let id = fs::read_to_string(cluster.supervisor().folder().join(format!("{name}.pid"))).unwrap();
        let (port, _) = webhook.ports();
        let connector = TlsConnector::from(trust(&cluster.authority().certificate()));
        Self { webhook, id: id.trim_end().parse().unwrap(), started, ready, has_audit, port, connector }
    }

    /// Ends the process as a kubelet does: it gives the Lease up.
    pub(crate) fn stop(mut self) {
        self.webhook.stop();
    }

    /// Waits until all Ingresses were evaluated, and prints time and memory. None has a finding that is written.
    pub(crate) fn print_start(&self) {
        print!("audit {:<5} ready after {:.1} s", self.has_audit, self.ready.as_secs_f64());
        if self.has_audit {
            self.webhook.wait(Duration::from_mins(5), || self.metric(PASS) > 0.0);
            print!(", first pass complete after {:.1} s", self.started.elapsed().as_secs_f64());
            let metrics = self.webhook.metrics();
            let findings: Vec<&str> = metrics.lines().filter(|line| line.starts_with(FINDINGS)).collect();
            let is_written = findings.iter().any(|line| !line.contains("level=\"audit\""));
            assert!(!is_written, "findings before any change: {findings:?}");
        }
        std::thread::sleep(CALM);
        let (now, most) = (self.mib("VmRSS"), self.mib("VmHWM"));
        println!("; resident {now} MiB, {most} MiB at most; CPU {:.2} s", self.cpu().as_secs_f64());
    }

    /// Returns the number of Ingresses without their Service.
    pub(crate) fn services_not_found(&self) -> f64 {
        self.metric(&format!("{FINDINGS}code=\"IG201\""))
    }

    /// Returns the sum of the series that begin so.
    fn metric(&self, name: &str) -> f64 {
        let metrics = self.webhook.metrics();
        let values = metrics.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next());
        values.filter_map(|value| value.parse::<f64>().ok()).sum()
    }

    /// Returns the CPU time of all its threads so far (`/proc/PID/task/*/schedstat`, nanoseconds).
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id)).expect("a Linux with procfs");
        let threads = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
        Duration::from_nanos(threads.filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// A line of `/proc/PID/status`.
    pub(crate) fn mib(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).expect("a Linux with procfs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
    }
}
