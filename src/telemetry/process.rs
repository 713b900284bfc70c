//! Metrics of the process, under the names that the client libraries of Prometheus use. Those from `/proc` exist on Linux only.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The state of this process, read at each scrape.
#[derive(Debug)]
pub(super) struct Process {
    /// Seconds since 1970.
    started: f64,
}

impl Process {
    /// Creates the metrics of a process that starts now.
    pub(super) fn new() -> Self {
        Self { started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut write = |name, help, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        let started = ConstGauge::new(self.started);
        write("process_start_time_seconds", "Start time of the process, seconds since 1970.", &started)?;
        if let Some(cpu) = cpu_seconds() {
            write("process_cpu_seconds", "CPU time of the process.", &ConstCounter::new(cpu))?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(bytes) = bytes(&status, "VmRSS:") {
            write("process_resident_memory_bytes", "Resident memory.", &ConstGauge::new(bytes))?;
        }
        if let Some(bytes) = bytes(&status, "VmSize:") {
            write("process_virtual_memory_bytes", "Virtual memory.", &ConstGauge::new(bytes))?;
        }
        if let Some(open) = open_fds() {
            write("process_open_fds", "Open file descriptors.", &ConstGauge::new(open))?;
        }
        if let Some(most) = max_fds() {
            write("process_max_fds", "Limit of open file descriptors.", &ConstGauge::new(most))?;
        }
        Ok(())
    }
}

/// The value of a line of `/proc/self/status`, which is in kB.
fn bytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)
}

fn open_fds() -> Option<u64> {
    // One of them reads the directory.
    u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1)).ok()
}

#[cfg(unix)]
fn cpu_seconds() -> Option<f64> {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ProcessCPUTime);
    let time = std::time::Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    Some(time.as_secs_f64())
}

#[cfg(unix)]
fn max_fds() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
const fn cpu_seconds() -> Option<f64> {
    None
}

#[cfg(not(unix))]
const fn max_fds() -> Option<u64> {
    None
}
