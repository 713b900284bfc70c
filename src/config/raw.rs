//! Configuration as it is typed: YAML with these keys and no others. What it means is resolved next door.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::finding::Level;
use crate::policy::{BreakGlass, MissingReferences, Profile};
use crate::routing::{Classless, ControllerFamily, ControllerSettings};

/// The configuration file of ingress-guard.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "ingress-guard configuration")]
pub struct RawConfig {
    /// How stern the catalogue's levels are taken: `observe` never denies, `guard` denies certain harm, `strict` denies
    /// likely harm too.
    pub profile: Profile,
    /// Levels of single checks by code or name.
    pub checks: BTreeMap<String, Level>,
    /// What a fault that rests on other objects (a missing Service, say) may come to.
    pub missing_references: MissingReferences,
    /// How Secrets are read: not at all, one by one as Ingresses name them, or all of them by a watch.
    pub secrets: SecretsMode,
    /// Whether messages may name objects of other namespaces.
    pub reveal_other_namespaces: bool,
    /// From how many days before its end a certificate that nobody renews is worth a word.
    pub expiry_warning_days: u16,
    /// Which classes are served.
    pub classes: RawClasses,
    /// How controllers are set up, in order; the first entry that matches an Ingress' class and watches its namespace holds,
    /// else the first that matches.
    pub dialects: Vec<RawDialect>,
    /// Which namespaces may use which hosts.
    pub host_ownership: Vec<RawHostOwnership>,
    /// Who is warned, never denied.
    pub break_glass: BreakGlass,
    /// Other levels for some namespaces, in order; the first entry that matches holds.
    pub namespaces: Vec<RawNamespace>,
    /// Contact line at the end of denials: one line of at most 120 characters.
    pub support: Option<String>,
    /// Whether denials mention the waiver annotation. Default: true, and false under profile `strict`.
    pub waiver_hint: Option<bool>,
}

/// How Secrets are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretsMode {
    /// Not at all: checks of certificates are not evaluated.
    Off,
    /// One GET for each Secret that an Ingress names; never a list.
    #[default]
    Get,
    /// List and watch.
    Watch,
}

/// Which classes are served.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawClasses {
    /// Class names that are served although no IngressClass of that name exists.
    pub assume: Vec<String>,
    /// What becomes of Ingresses without any class.
    pub classless: Classless,
    /// The values of `spec.controller` that run in this cluster; empty: any may.
    pub controllers: Vec<String>,
}

/// How one controller is set up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RawDialect {
    /// Which Ingresses it is for.
    #[serde(rename = "match")]
    pub matches: RawDialectMatch,
    /// Whose rules hold: those of ingress-nginx and its forks, of Traefik's ingress-nginx provider, or Kubernetes' own.
    /// The last also for an ingress-nginx with `--annotations-prefix`: annotations of another prefix are not read.
    pub engine: ControllerFamily,
    /// The controller's version, e.g. "1.15.1"; what depends on it does not deny while it is unknown.
    #[serde(default = "unknown")]
    pub version: String,
    /// `--ingress-class`
    #[serde(default = "nginx")]
    pub annotation_class: String,
    /// `--watch-namespace`; empty: all.
    #[serde(default)]
    pub watch_namespaces: Vec<String>,
    /// `--default-ssl-certificate` is set.
    #[serde(default)]
    pub default_certificate: bool,
    /// nginx variables that a custom template or snippet sets.
    #[serde(default)]
    pub extra_variables: Vec<String>,
    /// The controller's own ConfigMap (`--configmap`), as `namespace/name`: what it says is read and followed.
    #[serde(default)]
    pub config_map: Option<String>,
    /// Keys of the controller's ConfigMap, and flags, that change its answers; they go before what the ConfigMap says.
    #[serde(default)]
    pub settings: ControllerSettings,
}

/// Which Ingresses a dialect is for: exactly one of the two.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDialectMatch {
    /// Those whose IngressClass has this `spec.controller`.
    pub controller: Option<String>,
    /// Those whose class has this name.
    pub class: Option<String>,
}

/// Which namespaces may use which hosts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHostOwnership {
    /// Hosts, `*.` for a whole domain.
    pub hosts: Vec<String>,
    /// The namespaces that may use them.
    pub namespaces: Vec<String>,
}

/// What holds in some namespaces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNamespace {
    /// Names, with `*` and `?`. Either this or `selector`.
    #[serde(default, rename = "match")]
    pub matches: Option<String>,
    /// Labels. Either this or `match`.
    #[serde(default)]
    pub selector: Option<RawSelector>,
    /// Their profile, where not the general one.
    #[serde(default)]
    pub profile: Option<Profile>,
    /// Their levels of single checks.
    #[serde(default)]
    pub checks: BTreeMap<String, Level>,
    /// Names of the classes that Ingresses in them may use; without this key, any.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
    /// Whether objects in them may waive findings.
    #[serde(default = "yes")]
    pub waivers: bool,
}

/// Labels of namespaces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RawSelector {
    /// All of these.
    pub match_labels: BTreeMap<String, String>,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            checks: BTreeMap::new(),
            missing_references: MissingReferences::default(),
            secrets: SecretsMode::default(),
            reveal_other_namespaces: true,
            expiry_warning_days: 14,
            classes: RawClasses::default(),
            dialects: Vec::new(),
            host_ownership: Vec::new(),
            break_glass: BreakGlass::default(),
            namespaces: Vec::new(),
            support: None,
            waiver_hint: None,
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn nginx() -> String {
    "nginx".to_owned()
}

fn yes() -> bool {
    true
}
