//! The configuration file: read, checked, and resolved into what engine and policy go by. It is read once; a change
//! rolls the pods.

mod raw;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wildmatch::WildMatch;

pub use raw::{RawConfig, SecretsMode};
use raw::{RawDialect, RawHostOwnership, RawNamespace};

use crate::checks::{self, Check, HostOwnership, NamespaceClasses, Settings};
use crate::cluster::{Coverage, Inventory, NamespaceMatch, Wanted};
use crate::engine::Engine;
use crate::finding::Level;
use crate::model::{Host, Key, Kind, Kinds};
use crate::policy::{NamespaceRule, Overrides, Policy};
use crate::routing::{ClassRules, Classless, Dialect, DialectMatch, DialectRule, Dialects};

/// What configuration comes to.
#[derive(Debug)]
pub struct Config {
    /// What becomes of findings.
    pub policy: Policy,
    /// What checks are told.
    pub settings: Settings,
    /// How Secrets are read.
    pub secrets: SecretsMode,
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no YAML, or has keys or values that mean nothing.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file's name.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong and what was likely meant.
        message: String,
    },
    /// A value that fits its type means nothing.
    #[error("{file}: {key}: {message}")]
    Value {
        /// The file's name.
        file: String,
        /// Where, e.g. `checks`.
        key: String,
        /// What is wrong and what was likely meant.
        message: String,
    },
}

/// A value that means nothing, before the file's name is put to it.
struct Fault {
    key: String,
    message: String,
}

impl Config {
    /// Read a file.
    ///
    /// # Errors
    /// When it cannot be read or does not parse; see [`Config::parse`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let io = |source| ConfigError::Io { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(io)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parse a configuration; `file` is what errors call it.
    ///
    /// # Errors
    /// Unknown keys, values and check names, with the nearest that exists.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let options = serde_saphyr::options! { with_snippet: false };
        let raw: Option<RawConfig> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| syntax(file, &error))?;
        let named = |Fault { key, message }| ConfigError::Value { file: file.to_owned(), key, message };
        Self::resolve(raw.unwrap_or_default()).map_err(named)
    }

    /// The engine that this configuration asks for: every check that has a level somewhere.
    #[must_use]
    pub fn engine(&self) -> Engine {
        let used = checks::ALL.iter().copied().filter(|check| self.policy.uses(check)).collect();
        Engine::new(used, self.settings.clone())
    }

    /// The kinds whose objects are read one by one, as Ingresses name them.
    #[must_use]
    pub fn on_demand(&self) -> Kinds {
        match self.secrets {
            SecretsMode::Get => Kinds::of(&[Kind::ConfigMap, Kind::Secret]),
            SecretsMode::Off | SecretsMode::Watch => Kind::ConfigMap.into(),
        }
    }

    /// An empty inventory, and what watches are to fill it with for this engine.
    #[must_use]
    pub fn watched(&self, engine: &Engine) -> (Inventory, Wanted) {
        let mut inventory = Inventory::default();
        self.restrict(&mut inventory);
        for kind in self.on_demand().iter() {
            inventory.cover(kind, Coverage::OnDemand);
        }
        let open =
            |kinds: Kinds| kinds.iter().filter(|kind| inventory.coverage(*kind) == Coverage::NotSynced).collect();
        let wanted = Wanted {
            needs: open(engine.needs() | self.policy.needs()),
            hints: open(engine.hints()),
            config_maps: self.settings.dialects.config_maps(),
        };
        (inventory, wanted)
    }

    /// Keep from an inventory what this configuration says not to look at.
    pub fn restrict(&self, inventory: &mut Inventory) {
        if self.secrets == SecretsMode::Off {
            inventory.cover(Kind::Secret, Coverage::SwitchedOff);
        }
    }

    fn resolve(raw: RawConfig) -> Result<Self, Fault> {
        let mut checks = overrides("checks", raw.checks)?;
        if raw.classes.classless == Classless::Ignored {
            // Nobody serves what is ignored: that is certain harm, unless somebody has said otherwise.
            let missing = checks::find("class-missing").map_or("", |check| check.code);
            checks.0.entry(missing).or_insert(Level::Deny);
        }
        if !raw.host_ownership.is_empty() {
            // Who gives hosts to namespaces means it.
            let not_owned = checks::find("host-not-owned").map_or("", |check| check.code);
            checks.0.entry(not_owned).or_insert(Level::Deny);
        }
        if raw.namespaces.iter().any(|namespace| namespace.classes.is_some()) {
            // And so does who gives classes to them.
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
            },
            settings: Settings {
                classes: ClassRules {
                    assume: raw.classes.assume,
                    classless: raw.classes.classless,
                    controllers: raw.classes.controllers,
                },
                dialects: Dialects::new(dialects.collect::<Result<_, _>>()?),
                reveal_other_namespaces: raw.reveal_other_namespaces,
                host_ownership: raw.host_ownership.into_iter().map(ownership).collect(),
                class_rules,
                expiry_warning_days: raw.expiry_warning_days,
            },
            secrets: raw.secrets,
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::resolve(RawConfig::default()).unwrap_or_else(|_| unreachable!("the defaults hold no name to get wrong"))
    }
}

/// The JSON schema of the configuration file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawConfig).to_value()
}

fn overrides(key: &str, levels: BTreeMap<String, Level>) -> Result<Overrides, Fault> {
    let mut overrides = BTreeMap::new();
    for (name, level) in levels {
        let unknown = || Fault { key: key.to_owned(), message: unknown_check(&name) };
        let check = checks::find(&name).ok_or_else(unknown)?;
        if overrides.insert(check.code, level).is_some() {
            let message = format!("{} {} is named twice, by its code and by its name", check.code, check.name);
            return Err(Fault { key: key.to_owned(), message });
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
    nearest(name, checks::ALL.iter().flat_map(|check: &&Check| [check.code, check.name]))
}

fn ownership(raw: RawHostOwnership) -> HostOwnership {
    HostOwnership { hosts: raw.hosts.iter().map(|host| Host::parse(host)).collect(), namespaces: raw.namespaces }
}

fn dialect(index: usize, raw: RawDialect) -> Result<DialectRule, Fault> {
    let fault =
        |field: &str, message: &str| Fault { key: format!("dialects[{index}].{field}"), message: message.to_owned() };
    let matches = match (raw.matches.controller, raw.matches.class) {
        (Some(controller), None) => DialectMatch::Controller(controller),
        (None, Some(class)) => DialectMatch::Class(class),
        _ => return Err(fault("match", "give either controller or class")),
    };
    let version = match raw.version.as_str() {
        "unknown" => None,
        version => {
            let wrong = |_| fault("version", "write it as \"1.15.1\", or \"unknown\"");
            Some(version.parse().map_err(wrong)?)
        }
    };
    let config_map = raw.config_map.map(|text| {
        let key = text.split_once('/').map(|(namespace, name)| Key::new(namespace, name));
        key.filter(|key| key.can_name(Kind::ConfigMap))
            .ok_or_else(|| fault("configMap", "write it as \"namespace/name\""))
    });
    let dialect = Dialect {
        version,
        config_map: config_map.transpose()?,
        annotation_class: raw.annotation_class,
        watch_namespaces: raw.watch_namespaces,
        default_certificate: raw.default_certificate,
        extra_variables: raw.extra_variables,
        settings: raw.settings,
        ..Dialect::new(raw.engine)
    };
    Ok(DialectRule { matches, dialect })
}

fn namespace(index: usize, raw: RawNamespace) -> Result<(NamespaceRule, NamespaceClasses), Fault> {
    let key = format!("namespaces[{index}]");
    let matches = match (raw.matches, raw.selector) {
        (Some(pattern), None) => NamespaceMatch::Name(WildMatch::new(&pattern)),
        (None, Some(selector)) => NamespaceMatch::Labels(selector.match_labels),
        _ => return Err(Fault { key, message: "give either match or selector".to_owned() }),
    };
    let checks = overrides(&format!("{key}.checks"), raw.checks)?;
    let classes = NamespaceClasses { namespaces: matches.clone(), classes: raw.classes };
    Ok((NamespaceRule { matches, profile: raw.profile, checks, waivers: raw.waivers }, classes))
}

/// Serde's words for an unknown key or value, with what was likely meant in the place of all that would do.
fn syntax(file: &str, error: &serde_saphyr::Error) -> ConfigError {
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
            // The place stands in front of it.
            text.rsplit_once(" at line ").map_or(text.clone(), |(fault, _)| fault.to_owned())
        }
    };
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    ConfigError::Syntax { file: file.to_owned(), line, column, message }
}

fn choose(wanted: &str, expected: &[&'static str]) -> String {
    nearest(wanted, expected.iter().copied()).unwrap_or_else(|| format!("use one of {}", expected.join(", ")))
}

/// Suggests the name that `wanted` most likely means, ignoring case.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = names.map(|name| (strsim::damerau_levenshtein(&wanted.to_lowercase(), &name.to_lowercase()), name));
    let (distance, name) = scored.min()?;
    (distance <= (wanted.chars().count() / 3).max(2)).then(|| format!("did you mean {name:?}?"))
}
