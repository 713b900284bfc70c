//! The configuration file: read, validated, and resolved into the settings of engine and policy.

mod background;
mod dialects;
mod error;
mod fixed;
mod levels;
mod probe;
mod raw;
mod schema;
mod via;
mod waivers;

use std::path::Path;

use jiff::Timestamp;
use wildmatch::WildMatch;

pub use background::Background;
use dialects::{dialect, discovery};
use error::ConfigFault;
pub use error::ConfigFileError;
pub use fixed::Fixed;
use levels::overrides;
pub(crate) use levels::{nearest_check, unknown_check};
pub use probe::ProbeSettings;
pub use raw::{RawConfig, SecretsMode, StoredSeries};
use raw::{RawHostOwnership, RawMissingReferences, RawNamespace};
pub use schema::schema;
pub use via::{Endpoint, Via, ViaError};

use crate::checks::{
    self, CHECK_NOT_EVALUATED, HostOwnership, NamespaceClasses, NamespaceMatch, Oversized, Release, Settings,
    UnknownRelease,
};
use crate::cluster::{ClusterState, ClusterView, Coverage, FindIn, Inventory, LiveReads, ReadableNamespaces, Wanted};
use crate::engine::Engine;
use crate::file;
use crate::finding::Level;
use crate::model::{Host, Key, Kind, Kinds};
use crate::policy::{MissingReferencesRule, NamespaceRule, Policy};
use crate::routing::{ClassRules, Classless, Dialects, DiscoveryMode};
use crate::validation::KubeVersion;

/// The most bytes of a configuration file: ten thousand owned hosts take one MB.
const LARGEST: u64 = 16 << 20;

/// The resolved configuration.
#[derive(Debug)]
pub struct Config {
    /// The decision on findings.
    pub policy: Policy,
    /// The settings of checks.
    pub settings: Settings,
    /// The access to Secrets.
    pub secrets: SecretsMode,
    /// The namespaces whose objects `serve` reads by name.
    pub readable: ReadableNamespaces,
    /// The background audit.
    pub background: Background,
    /// The requests of `serve` to the hosts of Ingresses.
    pub probe: ProbeSettings,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or parsed; see [`Config::parse`].
    pub fn read(path: &Path) -> Result<Self, ConfigFileError> {
        Self::parse(&path.display().to_string(), &Self::text(path)?)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// If it cannot be read, is too large, or is not UTF-8.
    pub fn text(path: &Path) -> Result<String, ConfigFileError> {
        file::read_text(path, LARGEST).map_err(|source| ConfigFileError::Io { path: path.to_owned(), source })
    }

    /// Parses a configuration. `file` is its name in errors.
    ///
    /// # Errors
    /// If a key, a value or the name of a check is unknown; with a suggestion.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigFileError> {
        Self::parse_at(file, text, Timestamp::now())
    }

    /// Parses a configuration at a time, which bounds the end of an override.
    ///
    /// # Errors
    /// As for [`Config::parse`].
    pub fn parse_at(file: &str, text: &str, now: Timestamp) -> Result<Self, ConfigFileError> {
        let options = serde_saphyr::options! { with_snippet: false };
        let raw: Option<RawConfig> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| error::syntax(file, &error))?;
        let named = |ConfigFault { key, message }| ConfigFileError::Value { file: file.to_owned(), key, message };
        Self::resolve(raw.unwrap_or_default(), now).map_err(named)
    }

    /// Returns the engine of this configuration, with every check that has a level somewhere.
    #[must_use]
    pub fn engine(&self) -> Engine {
        let used = checks::ALL
            .iter()
            .copied()
            .filter(|check| self.policy.uses(check) && !check.is_of_other_writes())
            .collect();
        Engine::new(used, self.settings.clone(), &self.policy)
    }

    /// Returns the kinds whose objects are read when an Ingress references them.
    #[must_use]
    pub fn on_demand(&self) -> Kinds {
        match self.secrets {
            SecretsMode::Get => Kinds::of(&[Kind::ConfigMap, Kind::Secret]),
            SecretsMode::Off | SecretsMode::Watch => Kind::ConfigMap.into(),
        }
    }

    /// Returns an empty inventory, and the kinds and objects that this engine needs to be watched.
    #[must_use]
    pub fn watched(&self, engine: &Engine) -> (Inventory, Wanted) {
        let mut inventory = Inventory::default();
        self.restrict(&mut inventory);
        for kind in self.on_demand().iter() {
            inventory.cover(kind, Coverage::FetchedByName);
        }
        let open =
            |kinds: Kinds| kinds.iter().filter(|kind| inventory.coverage(*kind) == Coverage::NotSynced).collect();
        let discovery = &self.settings.dialects.discovery;
        let is_watching = discovery.mode == DiscoveryMode::Workloads;
        // `--watch-namespace-selector` selects by the labels of Namespaces.
        let discovered = if is_watching { Kind::Namespace.into() } else { Kinds::NONE };
        let wanted = Wanted {
            needs: open(engine.needs() | self.policy.needs()),
            // The process watches its own registration, whatever the checks need.
            hints: open(engine.hints() | discovered | Kind::ValidatingWebhookConfiguration.into()),
            config_maps: self.settings.dialects.config_maps(),
            controllers: discovery.places(),
            controllers_of_classes: is_watching.then(|| {
                let discovery = discovery.clone();
                FindIn::by(move |inventory| discovery.places_of_classes(inventory.classes()))
            }),
            running_config_maps: self.running_config_maps(),
            on_demand: self.on_demand().iter().filter(|kind| engine.needs().contains(*kind)).collect(),
            readable: self.readable.clone(),
        };
        (inventory, wanted)
    }

    /// Returns the ConfigMaps of the controllers: those of the configuration, and those of the controllers that run in the cluster.
    #[must_use]
    pub fn config_maps(&self, inventory: &Inventory) -> Vec<Key> {
        config_maps(&self.settings.dialects, inventory)
    }

    /// Returns how to find the ConfigMaps of running controllers that no watch follows.
    fn running_config_maps(&self) -> Option<FindIn<Key>> {
        let dialects = self.settings.dialects.clone();
        if dialects.discovery.mode != DiscoveryMode::Workloads {
            return None;
        }
        let find = move |inventory: &Inventory| {
            let configured = dialects.config_maps();
            let mut found = config_maps(&dialects, inventory);
            found.retain(|key| !configured.contains(key));
            found
        };
        Some(FindIn::by(find))
    }

    /// Disables the kinds of an inventory that this configuration excludes.
    pub fn restrict(&self, inventory: &mut Inventory) {
        if self.secrets == SecretsMode::Off {
            inventory.cover(Kind::Secret, Coverage::Disabled);
        }
    }

    fn resolve(raw: RawConfig, now: Timestamp) -> Result<Self, ConfigFault> {
        let mut checks = overrides("checks", raw.checks)?;
        if raw.classes.classless == Classless::Ignored {
            // No controller handles an ignored Ingress, so it is denied unless the configuration sets another level.
            let missing = checks::find("class-missing").map_or("", |check| check.code);
            checks.0.entry(missing).or_insert(Level::Deny);
        }
        if !raw.host_ownership.is_empty() {
            // Assigned hosts are enforced.
            let not_owned = checks::find("host-not-owned").map_or("", |check| check.code);
            checks.0.entry(not_owned).or_insert(Level::Deny);
        }
        if raw.oversized == Oversized::Deny {
            // All other findings of this check only warn.
            checks.0.entry(CHECK_NOT_EVALUATED.code).or_insert(Level::Deny);
        }
        if raw.namespaces.iter().any(|namespace| namespace.classes.is_some()) {
            // Assigned classes are enforced as well.
            let not_allowed = checks::find("class-not-allowed").map_or("", |check| check.code);
            checks.0.entry(not_allowed).or_insert(Level::Deny);
        }
        let dialects = raw.dialects.into_iter().enumerate().map(|(index, raw)| dialect(index, raw));
        let namespaces = raw.namespaces.into_iter().enumerate().map(|(index, raw)| namespace(index, raw));
        let exceptions = raw.exceptions.into_iter().enumerate().map(|(index, raw)| waivers::exception(index, raw));
        let waiver_bounds = waivers::bounds(raw.waivers)?;
        let (namespaces, class_rules) = namespaces.collect::<Result<(Vec<_>, Vec<_>), _>>()?;
        Ok(Self {
            policy: Policy {
                profile: raw.profile,
                checks,
                missing_references: raw.missing_references,
                missing_references_for: match raw.missing_references_for {
                    None => vec![MissingReferencesRule::of_unordered_managers(raw.missing_references)],
                    Some(rules) => rules.into_iter().map(missing_references).collect(),
                },
                break_glass: raw.break_glass,
                namespaces,
                support: support(raw.support)?,
                waiver_hint: raw.waiver_hint,
                rules: rules(&raw.rules)?,
                temporary_override: raw
                    .temporary_override
                    .map(|raw| waivers::temporary_override(raw, now))
                    .transpose()?,
                exceptions: exceptions.collect::<Result<_, _>>()?,
                waiver_bounds: waiver_bounds.clone(),
            },
            settings: Settings {
                classes: ClassRules {
                    assume: raw.classes.assume,
                    classless: raw.classes.classless,
                    controllers: raw.classes.controllers,
                    from_annotations: raw.classes.from_annotations,
                },
                dialects: Dialects::new(dialects.collect::<Result<_, _>>()?).with_discovery(discovery(raw.discovery)?),
                reveal_other_namespaces: raw.reveal_other_namespaces,
                host_ownership: ownership(&raw.host_ownership)?,
                class_rules,
                expiry_warning_days: raw.expiry_warning_days,
                oversized: raw.oversized,
                waiver_bounds,
                kube_version: KubeVersion::NEWEST,
            },
            readable: readable(raw.secrets, raw.secret_namespaces)?,
            secrets: raw.secrets,
            background: background::background(&raw.background)?,
            probe: probe::probe(&raw.probe, raw.background.enabled)?,
        })
    }
}

fn config_maps(dialects: &Dialects, inventory: &Inventory) -> Vec<Key> {
    let live_reads = LiveReads::default();
    let state = ClusterState { store: inventory, live_reads: &live_reads, now: Timestamp::now() };
    dialects.with_discovered(&ClusterView::unrestricted(state)).config_maps()
}

impl Default for Config {
    fn default() -> Self {
        Self::resolve(RawConfig::default(), Timestamp::UNIX_EPOCH)
            .unwrap_or_else(|_| unreachable!("the defaults are valid"))
    }
}

/// A watch spans all namespaces.
fn readable(mode: SecretsMode, namespaces: Vec<String>) -> Result<ReadableNamespaces, ConfigFault> {
    if mode == SecretsMode::Watch && !namespaces.is_empty() {
        let message =
            "not possible with \"secrets: watch\", which reads all namespaces; use \"secrets: get\"".to_owned();
        return Err(ConfigFault { key: "secretNamespaces".to_owned(), message });
    }
    Ok(ReadableNamespaces::of(namespaces))
}

/// Returns the release that `rules` names; `None`: that of this program.
fn rules(text: &str) -> Result<Option<Release>, ConfigFault> {
    if text == "latest" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: UnknownRelease| ConfigFault::new("rules", error.to_string()))
}

fn missing_references(raw: RawMissingReferences) -> MissingReferencesRule {
    let patterns = |names: Vec<String>| names.iter().map(|name| WildMatch::new(name)).collect();
    MissingReferencesRule { managers: patterns(raw.managers), namespaces: patterns(raw.namespaces), effect: raw.effect }
}

/// A contact line must stay on its line in a denial.
fn support(line: Option<String>) -> Result<Option<String>, ConfigFault> {
    const CHARACTERS: usize = 120;
    let is_invalid = |line: &String| line.chars().count() > CHARACTERS || line.contains(char::is_control);
    if line.as_ref().is_some_and(is_invalid) {
        let message = format!("must be one line of at most {CHARACTERS} characters, without control characters");
        return Err(ConfigFault { key: "support".to_owned(), message });
    }
    Ok(line.filter(|line| !line.is_empty()))
}

fn ownership(entries: &[RawHostOwnership]) -> Result<HostOwnership, ConfigFault> {
    let mut ownership = HostOwnership::default();
    for (index, entry) in entries.iter().enumerate() {
        for (at, host) in entry.hosts.iter().enumerate() {
            let domain = host.strip_prefix("*.").unwrap_or(host).trim_end_matches('.');
            if host != "*" && (domain.is_empty() || domain.contains('*')) {
                let key = format!("hostOwnership[{index}].hosts[{at}]");
                let message = "must be a host, a domain such as \"*.example.com\", or \"*\" for all hosts".to_owned();
                return Err(ConfigFault { key, message });
            }
            let host = if host == "*" { Host::Any } else { Host::parse(host.trim_end_matches('.')) };
            ownership.assign([host], &entry.namespaces);
        }
    }
    Ok(ownership)
}

fn namespace(index: usize, raw: RawNamespace) -> Result<(NamespaceRule, NamespaceClasses), ConfigFault> {
    let key = format!("namespaces[{index}]");
    let matches = match (raw.matches, raw.selector) {
        (Some(pattern), None) => NamespaceMatch::Name(WildMatch::new(&pattern)),
        (None, Some(selector)) => NamespaceMatch::Labels(selector.match_labels),
        _ => return Err(ConfigFault { key, message: "set either match or selector".to_owned() }),
    };
    let checks = overrides(&format!("{key}.checks"), raw.checks)?;
    let classes = NamespaceClasses { namespaces: matches.clone(), classes: raw.classes };
    Ok((NamespaceRule { matches, profile: raw.profile, checks, waivers: raw.waivers }, classes))
}
