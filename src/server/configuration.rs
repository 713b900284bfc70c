//! The configuration file, followed while the process runs.
//!
//! The file is polled and compared by content, as the certificate files are: the kubelet replaces a ConfigMap volume by renaming a
//! symlink. It does so up to a minute and a half after the ConfigMap has changed, so the ConfigMap is read as well, if it is known.
//! If the new text is not valid, the last valid configuration applies; log, metrics and `/readyz` report it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;

use crate::admission::{Rules, SharedRules};
use crate::cluster::{ConfigMapText, Rights};
use crate::config::{Config, Fixed};
use crate::policy::Policy;
use crate::telemetry::Metrics;

/// The configuration of a running process.
pub struct FollowedConfiguration {
    /// The file; `None`: the defaults apply, and nothing is followed.
    file: Option<PathBuf>,
    /// The ConfigMap that the file is mounted from.
    config_map: Option<ConfigMapText>,
    /// The rights that the checks need.
    rights: Rights,
    rules: SharedRules,
    fixed: Fixed,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

/// A text, or the reason why it cannot be read.
type Text = Result<String, String>;

struct State {
    /// The text that was loaded last, so that each change is loaded once.
    seen: Text,
    /// The content of the file at the last poll.
    in_file: Text,
    /// The reason why the ConfigMap cannot be read.
    unread: Option<String>,
    /// The error in the file, if an earlier configuration applies.
    broken: Option<String>,
    /// The parts that apply after a restart.
    kept: Vec<String>,
    /// The override that the log has shown, whether it is in force or not.
    logged_override: Option<String>,
}

impl FollowedConfiguration {
    /// Follows the file that a process started with. `text` is its content at that time, `rules` are those of the process.
    #[must_use]
    pub fn new(file: Option<PathBuf>, text: String, fixed: Fixed, rules: SharedRules, metrics: Arc<Metrics>) -> Self {
        metrics.configuration.loaded(&text, Timestamp::now());
        let state = State {
            in_file: Ok(text.clone()),
            seen: Ok(text),
            unread: None,
            broken: None,
            kept: Vec::new(),
            logged_override: None,
        };
        let followed =
            Self { file, config_map: None, rights: Rights::default(), rules, fixed, metrics, state: Mutex::new(state) };
        followed.show_override();
        followed
    }

    /// Follows the ConfigMap that the file is mounted from as well.
    #[must_use]
    pub fn with_config_map(self, config_map: Option<ConfigMapText>) -> Self {
        Self { config_map, ..self }
    }

    /// Shows the checks of each loaded configuration among those that need these rights.
    #[must_use]
    pub fn with_rights(self, rights: Rights) -> Self {
        Self { rights, ..self }
    }

    /// Polls the file without end.
    pub async fn follow(self: Arc<Self>, poll: Duration) {
        // A period of zero would panic.
        let mut ticks = tokio::time::interval(poll.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let in_config_map = match &self.config_map {
                Some(config_map) => Some(config_map.read().await),
                None => None,
            };
            let this = Arc::clone(&self);
            if let Err(error) = spawn_blocking(move || this.look(in_config_map)).await {
                tracing::error!(%error, "cannot poll the configuration file");
            }
        }
    }

    fn look(&self, in_config_map: Option<Text>) {
        if let Some(file) = &self.file {
            let in_file = Config::text(file).map_err(|error| error.to_string());
            let changed = self.state.lock().changed(in_file, in_config_map);
            if let Some(found) = changed {
                self.reload(found);
            }
        }
        self.show_override();
    }

    fn reload(&self, found: Text) {
        let name = self.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        let config = found.as_ref().map_err(Clone::clone);
        let config = config.and_then(|text| Config::parse(&name, text).map_err(|error| error.to_string()));
        let mut state = self.state.lock();
        match config {
            Ok(mut config) => {
                state.kept = self.fixed.keep(&mut config);
                state.broken = None;
                let engine = config.engine();
                self.rights.replace_checks(engine.sources());
                let text = found.as_deref().unwrap_or_default().into();
                self.rules.publish(Rules { engine, policy: config.policy, text });
                tracing::info!(file = name, "configuration loaded");
                if !state.kept.is_empty() {
                    let keys = state.kept.join(", ");
                    tracing::warn!(file = name, keys, "a part of the configuration applies after a restart only");
                }
                self.metrics.configuration.loaded(found.as_deref().unwrap_or_default(), Timestamp::now());
            }
            Err(error) => {
                tracing::warn!(error, "cannot load the changed configuration; the last valid one applies");
                self.metrics.configuration.failed();
                state.broken = Some(error);
            }
        }
        self.metrics.configuration.restart_required.set(i64::from(!state.kept.is_empty()));
        state.seen = found;
    }

    /// Logs the beginning and the end of an override, and shows it in the metrics.
    fn show_override(&self) {
        let (rules, now) = (self.rules.load(), Timestamp::now());
        let in_force = rules.policy.override_at(now);
        self.metrics.configuration.show_override(in_force);
        let mut state = self.state.lock();
        let text = in_force.map(ToString::to_string);
        if state.logged_override == text {
            return;
        }
        if let Some(text) = &text {
            tracing::warn!(levels = text, "an override is in force");
        } else {
            tracing::warn!("the override has ended: the configured levels apply");
        }
        state.logged_override = text;
    }

    /// Returns the notes for `/readyz`, one line each. They do not affect readiness.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let state = self.state.lock();
        let broken = state.broken.iter();
        let broken = broken.map(|error| format!("configuration not loaded, the last valid one applies: {error}"));
        let kept = (!state.kept.is_empty())
            .then(|| format!("restart to apply these parts of the configuration: {}", state.kept.join(", ")));
        let unread = state.unread.iter();
        let unread = unread.map(|error| {
            format!(
                "the ConfigMap of the configuration cannot be read, changes apply when its volume is updated: {error}"
            )
        });
        broken.chain(kept).chain(unread).chain(override_note(&self.rules.load().policy)).collect()
    }

    /// Returns the rules of the process.
    #[must_use]
    pub fn rules(&self) -> &SharedRules {
        &self.rules
    }
}

impl State {
    /// Returns the text to load, if it is another one than before. The ConfigMap is at least as new as the file. While it cannot be
    /// read, only a change of the file counts: the kubelet may update it late, with a text that was replaced since.
    fn changed(&mut self, in_file: Text, in_config_map: Option<Text>) -> Option<Text> {
        let is_file_changed = self.in_file != in_file;
        self.in_file.clone_from(&in_file);
        let unread = in_config_map.as_ref().and_then(|text| text.as_ref().err()).cloned();
        if let Some(error) = unread.as_ref().filter(|_| self.unread.is_none()) {
            tracing::warn!(
                error,
                "cannot read the ConfigMap of the configuration; changes apply when its volume is updated"
            );
        }
        self.unread = unread;
        let found = match in_config_map {
            Some(Ok(text)) => Ok(text),
            Some(Err(_)) if !is_file_changed => return None,
            Some(Err(_)) | None => in_file,
        };
        (self.seen != found).then_some(found)
    }
}

fn override_note(policy: &Policy) -> Option<String> {
    let set = policy.temporary_override.as_ref()?;
    Some(if set.is_in_force(Timestamp::now()) {
        format!("an override is in force: {set}")
    } else {
        format!("the override ended at {}: remove it from the configuration", set.until)
    })
}
