//! The parts of a configuration that a running process cannot change, because they decide what it watches.

use super::{Background, Config, ProbeSettings, SecretsMode};
use crate::cluster::ReadableNamespaces;
use crate::engine::Engine;
use crate::model::{Key, Kinds};
use crate::routing::Discovery;

/// The parts of a configuration that a process keeps until it is restarted.
#[derive(Debug, Clone)]
pub struct Fixed {
    secrets: SecretsMode,
    readable: ReadableNamespaces,
    discovery: Discovery,
    config_maps: Vec<Key>,
    watched: Kinds,
    background: Background,
    probe: ProbeSettings,
}

impl Fixed {
    /// Takes these parts from the configuration that a process started with.
    #[must_use]
    pub fn of(config: &Config, engine: &Engine) -> Self {
        Self {
            secrets: config.secrets,
            readable: config.readable.clone(),
            discovery: config.settings.dialects.discovery.clone(),
            config_maps: config.settings.dialects.config_maps(),
            watched: watched(config, engine),
            background: config.background.clone(),
            probe: config.probe.clone(),
        }
    }

    /// Replaces these parts of a later configuration. Returns a line for each that the process does not follow.
    pub fn keep(&self, config: &mut Config) -> Vec<String> {
        let mut kept = Vec::new();
        if config.secrets != self.secrets {
            config.secrets = self.secrets;
            kept.push("secrets".to_owned());
        }
        if config.readable != self.readable {
            config.readable = self.readable.clone();
            kept.push("secretNamespaces".to_owned());
        }
        if config.settings.dialects.discovery != self.discovery {
            config.settings.dialects = config.settings.dialects.clone().with_discovery(self.discovery.clone());
            kept.push("discovery".to_owned());
        }
        if config.background != self.background {
            config.background = self.background.clone();
            kept.push("background".to_owned());
        }
        if config.probe != self.probe {
            config.probe = self.probe.clone();
            kept.push("probe".to_owned());
        }
        // The settings of a ConfigMap that is not watched are unknown: findings that depend on them do not deny.
        let new = config.settings.dialects.config_maps().into_iter().filter(|key| !self.config_maps.contains(key));
        kept.extend(new.map(|key| format!("dialects[].configMap {key}")));
        // Checks that need these kinds are not evaluated (IG902).
        let engine = config.engine();
        let unwatched = watched(config, &engine).iter().filter(|kind| !self.watched.contains(*kind));
        kept.extend(unwatched.map(|kind| format!("watches of {kind} objects")));
        kept
    }
}

fn watched(config: &Config, engine: &Engine) -> Kinds {
    engine.needs() | engine.hints() | config.policy.needs()
}
