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

use super::tls::{Material, TlsError, TlsOptions, Validity};
use crate::telemetry::Metrics;

pub(super) struct Certificates {
    options: TlsOptions,
    config: ArcSwap<ServerConfig>,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

struct State {
    /// The content at the last poll, so that each change is loaded once.
    seen: Result<Material, TlsError>,
    /// The validity of the served certificate.
    validity: Validity,
    /// The error in the current files, if the served certificate is an older one.
    broken: Option<TlsError>,
}

impl Certificates {
    /// Loads the first certificate. An error here ends the process.
    pub(super) fn load(options: TlsOptions, metrics: Arc<Metrics>) -> Result<Arc<Self>, TlsError> {
        let material = options.read()?;
        let loaded = material.load()?;
        metrics.certificate_expiry.set(loaded.validity.not_after);
        let state = Mutex::new(State { seen: Ok(material), validity: loaded.validity, broken: None });
        Ok(Arc::new(Self { options, config: ArcSwap::new(loaded.config), state, metrics }))
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
        if self.state.lock().seen == found {
            return;
        }
        let loaded = found.as_ref().map_err(Clone::clone).and_then(Material::load);
        let mut state = self.state.lock();
        state.seen = found;
        match loaded {
            Ok(loaded) => {
                tracing::info!(expires = %date(loaded.validity.not_after), "certificate loaded");
                self.config.store(loaded.config);
                self.metrics.certificate_expiry.set(loaded.validity.not_after);
                self.metrics.certificate_reload_failing.set(0);
                state.validity = loaded.validity;
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

    /// Returns the problems of the certificate for `/readyz`, one line each. They do not affect readiness.
    pub(super) fn troubles(&self) -> Vec<String> {
        let state = self.state.lock();
        let mut troubles = Vec::new();
        if let Some(error) = &state.broken {
            troubles.push(format!("certificate not reloaded, serving the last valid one: {error}"));
        }
        let Validity { not_before, not_after } = state.validity;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed();
        if now > not_after {
            troubles.push(format!("certificate expired at {}: the API server rejects it", date(not_after)));
        } else if now < not_before {
            troubles.push(format!("certificate not valid before {}: the API server rejects it", date(not_before)));
        }
        troubles
    }
}

fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("{seconds} s"), |time| time.to_string())
}
