//! The served certificate, reloaded when its files change.
//!
//! The files are polled and compared by content: the kubelet replaces a projected Secret by renaming a symlink, which a watch on
//! the file does not report. If the new files are invalid, the last valid certificate is served; log and metrics report it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::time::MissedTickBehavior;

use super::tls::{Leaf, Material, TlsError, TlsOptions};
use crate::telemetry::Metrics;

/// The time before the expiry from which a certificate is reported. Renewed certificates replace it weeks before. For certificates with a
/// short life it is a quarter of it.
const EXPIRES_SOON: i64 = 7 * 24 * 60 * 60;

pub(super) struct Certificates {
    options: TlsOptions,
    config: ArcSwap<ServerConfig>,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

struct State {
    /// The content at the last poll, so that each change is loaded once.
    seen: Result<Material, TlsError>,
    /// The served certificate.
    leaf: Leaf,
    /// The problems of the served certificate that are in the log.
    logged: Vec<String>,
    /// The error in the current files, if the served certificate is an older one.
    broken: Option<TlsError>,
}

impl Certificates {
    /// Loads the first certificate. An error here ends the process.
    pub(super) fn load(options: TlsOptions, metrics: Arc<Metrics>) -> Result<Arc<Self>, TlsError> {
        let material = options.read()?;
        let loaded = material.load()?;
        metrics.certificate_expiry.set(loaded.leaf.not_after);
        metrics.certificate_start.set(loaded.leaf.not_before);
        let state = State { seen: Ok(material), leaf: loaded.leaf, logged: Vec::new(), broken: None };
        let certificates = Self { options, config: ArcSwap::new(loaded.config), state: Mutex::new(state), metrics };
        certificates.log_problems();
        Ok(Arc::new(certificates))
    }

    /// Returns the configuration for the next handshake.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Polls the files without end.
    pub(super) async fn follow(self: Arc<Self>) {
        // A period of zero would panic.
        let mut ticks = tokio::time::interval(self.options.poll.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let this = Arc::clone(&self);
            // File reads and key checks block.
            if let Err(error) = tokio::task::spawn_blocking(move || this.look()).await {
                tracing::error!(%error, "cannot poll the certificate files");
            }
        }
    }

    fn look(&self) {
        let found = self.options.read();
        let is_new = self.state.lock().seen != found;
        if is_new {
            self.reload(found);
        }
        self.log_problems();
    }

    fn reload(&self, found: Result<Material, TlsError>) {
        let loaded = found.as_ref().map_err(Clone::clone).and_then(Material::load);
        let mut state = self.state.lock();
        state.seen = found;
        match loaded {
            Ok(loaded) => {
                tracing::info!(expires = %date(loaded.leaf.not_after), "certificate loaded");
                self.config.store(loaded.config);
                self.metrics.certificate_expiry.set(loaded.leaf.not_after);
                self.metrics.certificate_start.set(loaded.leaf.not_before);
                self.metrics.certificate_reload_failing.set(0);
                state.leaf = loaded.leaf;
                state.broken = None;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot load the changed certificate files; serving the last valid certificate");
                self.metrics.certificate_reload_failures.inc();
                self.metrics.certificate_reload_failing.set(1);
                state.broken = Some(error);
            }
        }
    }

    /// Logs each problem of the served certificate once: when it is loaded, and when time causes one.
    fn log_problems(&self) {
        let mut state = self.state.lock();
        let problems = state.leaf.problems();
        for problem in problems.iter().filter(|problem| !state.logged.contains(problem)) {
            tracing::warn!("{problem}");
        }
        state.logged = problems;
    }

    /// Returns the reason for which the API server rejects the served certificate, whatever CA it trusts.
    pub(super) fn rejection(&self) -> Option<String> {
        self.state.lock().leaf.rejections().next()
    }

    /// Returns the served chain (DER), leaf first.
    pub(super) fn chain(&self) -> Vec<Vec<u8>> {
        self.state.lock().leaf.chain.clone()
    }

    /// Returns the problems of the certificate for `/readyz`, one line each. They do not affect readiness.
    pub(super) fn troubles(&self) -> Vec<String> {
        let state = self.state.lock();
        let broken = state.broken.iter();
        let broken = broken.map(|error| format!("certificate not reloaded, serving the last valid one: {error}"));
        broken.chain(state.leaf.problems()).collect()
    }
}

impl Leaf {
    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.rejections().collect();
        let soon = EXPIRES_SOON.min((self.not_after - self.not_before) / 4);
        if (now()..now() + soon).contains(&self.not_after) {
            problems.push(format!("certificate expires at {}: renew it", date(self.not_after)));
        }
        problems
    }

    fn rejections(&self) -> impl Iterator<Item = String> {
        let Self { not_before, not_after, missing_name, .. } = self;
        let expired = (now() > *not_after)
            .then(|| format!("certificate expired at {}: the API server rejects it", date(*not_after)));
        let early = (now() < *not_before)
            .then(|| format!("certificate not valid before {}: the API server rejects it", date(*not_before)));
        let other_name =
            missing_name.as_ref().map(|name| format!("certificate not valid for {name}: the API server rejects it"));
        expired.into_iter().chain(early).chain(other_name)
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed()
}

fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("{seconds} s"), |time| time.to_string())
}
