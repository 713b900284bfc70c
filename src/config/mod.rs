//! The configuration file: read, validated, and resolved into the settings of engine and policy. It is read once, at start.

mod raw;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use thiserror::Error;
use wildmatch::WildMatch;

pub use raw::{RawConfig, SecretsMode};
use raw::{RawDialect, RawDiscovery, RawHostOwnership, RawNamespace};

use crate::checks::{
    self, CHECK_NOT_EVALUATED, Check, HostOwnership, NamespaceClasses, NamespaceMatch, Oversized, Settings,
};
use crate::cluster::{ClusterState, ClusterView, Coverage, FindIn, Inventory, LiveReads, ReadableNamespaces, Wanted};
use crate::engine::Engine;
use crate::file;
use crate::finding::Level;
use crate::model::{Host, Key, Kind, Kinds, LabelSelector, suggest};
use crate::policy::{NamespaceRule, Overrides, Policy};
use crate::routing::{
    AnnotationClass, ClassRules, Classless, Dialect, DialectMatch, DialectRule, Dialects, Discovery, DiscoveryMode,
    WatchedNamespaces,
};
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
}

/// The reason why a configuration is invalid.
#[derive(Debug, Error)]
pub enum ConfigFileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The text is not YAML, or has unknown keys or values.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file's name.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// The error, with a suggestion.
        message: String,
    },
    /// A value has the right type and is not valid.
    #[error("{file}: {key}: {message}")]
    Value {
        /// The file's name.
        file: String,
        /// The place, such as `checks`.
        key: String,
        /// The error, with a suggestion.
        message: String,
    },
}

/// An invalid value, without the name of the file.
struct ConfigFault {
    key: String,
    message: String,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read or parsed; see [`Config::parse`].
    pub fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let io = |source| ConfigFileError::Io { path: path.to_owned(), source };
        let text = file::read_text(path, LARGEST).map_err(io)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parses a configuration. `file` is its name in errors.
    ///
    /// # Errors
    /// If a key, a value or the name of a check is unknown; with a suggestion.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigFileError> {
        let options = serde_saphyr::options! { with_snippet: false };
        let raw: Option<RawConfig> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| syntax(file, &error))?;
        let named = |ConfigFault { key, message }| ConfigFileError::Value { file: file.to_owned(), key, message };
        Self::resolve(raw.unwrap_or_default()).map_err(named)
    }

    /// Returns the engine of this configuration, with every check that has a level somewhere.
    #[must_use]
    pub fn engine(&self) -> Engine {
        let used = checks::ALL.iter().copied().filter(|check| self.policy.uses(check)).collect();
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
            hints: open(engine.hints() | discovered),
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

    /// Returns how to find the ConfigMaps of running controllers that no watch follows.
    fn running_config_maps(&self) -> Option<FindIn<Key>> {
        let dialects = self.settings.dialects.clone();
        if dialects.discovery.mode != DiscoveryMode::Workloads {
            return None;
        }
        let find = move |inventory: &Inventory| {
            let live_reads = LiveReads::default();
            let state = ClusterState { store: inventory, live_reads: &live_reads, now: Timestamp::now() };
            let view = ClusterView::unrestricted(state);
            let configured = dialects.config_maps();
            let mut found = dialects.with_discovered(&view).config_maps();
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

    fn resolve(raw: RawConfig) -> Result<Self, ConfigFault> {
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
        let (namespaces, class_rules) = namespaces.collect::<Result<(Vec<_>, Vec<_>), _>>()?;
        Ok(Self {
            policy: Policy {
                profile: raw.profile,
                checks,
                missing_references: raw.missing_references,
                break_glass: raw.break_glass,
                namespaces,
                support: support(raw.support)?,
                waiver_hint: raw.waiver_hint,
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
                kube_version: KubeVersion::NEWEST,
            },
            readable: readable(raw.secrets, raw.secret_namespaces)?,
            secrets: raw.secrets,
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::resolve(RawConfig::default()).unwrap_or_else(|_| unreachable!("the defaults are valid"))
    }
}

/// Returns the JSON schema of the configuration file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawConfig).to_value()
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

fn discovery(raw: RawDiscovery) -> Result<Discovery, ConfigFault> {
    let RawDiscovery { mode, namespaces, selector } = raw;
    if selector.as_deref().is_some_and(|text| text.trim().is_empty() || LabelSelector::parse(text).is_none()) {
        let message = "not a label selector; use the form \"app.kubernetes.io/name=ingress-nginx\"".to_owned();
        return Err(ConfigFault { key: "discovery.selector".to_owned(), message });
    }
    Ok(Discovery { mode, namespaces, selector })
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

fn overrides(key: &str, levels: BTreeMap<String, Level>) -> Result<Overrides, ConfigFault> {
    let mut overrides = BTreeMap::new();
    for (name, level) in levels {
        let unknown = || ConfigFault { key: key.to_owned(), message: unknown_check(&name) };
        let check = checks::find(&name).ok_or_else(unknown)?;
        if overrides.insert(check.code, level).is_some() {
            let message = format!("{} {} is set twice, by code and by name", check.code, check.name);
            return Err(ConfigFault { key: key.to_owned(), message });
        }
    }
    Ok(Overrides(overrides))
}

/// The error message for a name that is neither the code nor the name of a check, with a suggestion.
pub(crate) fn unknown_check(name: &str) -> String {
    let hint = nearest_check(name).unwrap_or_else(|| "run \"ingress-guard checks\" for the list".to_owned());
    format!("unknown check {name:?}; {hint}")
}

/// Suggests the check that a name most likely means.
pub(crate) fn nearest_check(name: &str) -> Option<String> {
    suggest::did_you_mean(name, checks::ALL.iter().flat_map(|check: &&Check| [check.code, check.name]))
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

fn dialect(index: usize, raw: RawDialect) -> Result<DialectRule, ConfigFault> {
    let fault = |field: &str, message: &str| ConfigFault {
        key: format!("dialects[{index}].{field}"),
        message: message.to_owned(),
    };
    let matches = match (raw.matches.controller, raw.matches.class) {
        (Some(controller), None) => DialectMatch::Controller(controller),
        (None, Some(class)) => DialectMatch::Class(class),
        _ => return Err(fault("match", "set either controller or class")),
    };
    let version = match raw.version.as_str() {
        "unknown" => None,
        version => {
            let wrong = |_| fault("version", "not a version; use the form \"1.15.1\", or \"unknown\"");
            Some(version.parse().map_err(wrong)?)
        }
    };
    let config_map = raw.config_map.map(|text| {
        let key = text.split_once('/').map(|(namespace, name)| Key::new(namespace, name));
        key.filter(|key| key.can_name(Kind::ConfigMap))
            .ok_or_else(|| fault("configMap", "not the name of a ConfigMap; use the form \"namespace/name\""))
    });
    let annotation_class = match (raw.annotation_class, &matches) {
        (Some(class), _) => AnnotationClass::Set(vec![class]),
        (None, DialectMatch::Controller(_)) => AnnotationClass::Default,
        // A class that is matched by name probably has its own annotation value.
        (None, DialectMatch::Class(_)) => AnnotationClass::Assumed,
    };
    let dialect = Dialect {
        version,
        config_map: config_map.transpose()?,
        annotation_class,
        watched: WatchedNamespaces::of_names(raw.watch_namespaces),
        default_certificate: raw.default_certificate,
        extra_variables: raw.extra_variables,
        settings: raw.settings,
        ..Dialect::new(raw.engine)
    };
    Ok(DialectRule { matches, dialect })
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

/// Converts an error of the parser. For an unknown key or value, a suggestion replaces the list of all valid ones.
fn syntax(file: &str, error: &serde_saphyr::Error) -> ConfigFileError {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let message = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key {field:?}; {}", choose(field, expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("unknown value {variant:?}; {}", choose(variant, expected))
        }
        other => {
            let text = other.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            // The place is part of the prefix.
            text.rsplit_once(" at line ").map_or(text.clone(), |(fault, _)| fault.to_owned())
        }
    };
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    ConfigFileError::Syntax { file: file.to_owned(), line, column, message }
}

fn choose(wanted: &str, expected: &[&'static str]) -> String {
    suggest::did_you_mean(wanted, expected.iter().copied())
        .unwrap_or_else(|| format!("use one of {}", expected.join(", ")))
}
