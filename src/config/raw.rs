//! The keys of the configuration file (YAML). The parent module resolves their meaning.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::Oversized;
use crate::finding::Level;
use crate::policy::{BreakGlass, MissingReferences, Profile};
use crate::routing::{ClassRules, Classless, ControllerFamily, ControllerSettings, Discovery, DiscoveryMode};

/// The configuration file of ingress-guard.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "ingress-guard configuration")]
pub struct RawConfig {
    /// Strictness: `observe` never denies, `guard` denies findings that certainly break requests, `strict` also denies
    /// many findings that probably break requests.
    pub profile: Profile,
    /// Levels of single checks, by code or name.
    pub checks: BTreeMap<String, Level>,
    /// The release whose checks and levels deny, such as `"0.1"`, or `latest`. Checks and raised levels of later releases warn and
    /// count as would-deny. A level that the configuration sets applies in any case.
    pub rules: String,
    /// Effect of findings that depend on other objects, such as a missing Service.
    pub missing_references: MissingReferences,
    /// The same for some field managers and namespaces, in order. The first entry that matches applies. Default: clients that create
    /// objects in any order, such as Terraform, Pulumi and Crossplane, have `denyOnChange`, unless the general effect is more
    /// lenient. `[]` treats all clients alike.
    pub missing_references_for: Option<Vec<RawMissingReferences>>,
    /// Access to Secrets: none, single reads of referenced Secrets, or a watch.
    pub secrets: SecretsMode,
    /// Namespaces whose Secrets and ConfigMaps `serve` reads by name; empty: all. Findings about those of other namespaces are not
    /// evaluated. Requires `secrets: get` or `off`.
    pub secret_namespaces: Vec<String>,
    /// Whether messages may contain names of objects in other namespaces.
    pub reveal_other_namespaces: bool,
    /// A certificate without automatic renewal is reported from this many days before its expiry.
    pub expiry_warning_days: u16,
    /// Effect of an Ingress with more than 10,000 hosts and paths, whose paths are not compared with requests: it warns, or a
    /// write that raises their number is denied.
    pub oversized: Oversized,
    /// Ingress classes.
    pub classes: RawClasses,
    /// Controller dialects, in order. The first entry that matches the class of an Ingress and watches its namespace
    /// applies. If no such entry watches the namespace, the first that matches the class applies.
    pub dialects: Vec<RawDialect>,
    /// Discovery of the controllers that run in the cluster.
    pub discovery: RawDiscovery,
    /// Assigns hosts to namespaces. The most specific host applies, whatever the order.
    pub host_ownership: Vec<RawHostOwnership>,
    /// Users and groups that are warned, never denied.
    pub break_glass: BreakGlass,
    /// Other levels for some namespaces, in order. The first entry that matches applies.
    pub namespaces: Vec<RawNamespace>,
    /// Contact line at the end of denials: one line of at most 120 characters.
    pub support: Option<String>,
    /// Whether denials mention the waiver annotation. Default: true, and false under profile `strict`.
    pub waiver_hint: Option<bool>,
    /// Lower levels in all namespaces for at most 7 days, for an emergency. It ends by itself.
    #[serde(rename = "override")]
    pub temporary_override: Option<RawOverride>,
    /// Findings that do not deny, for Ingresses that their owners cannot annotate, such as those of a vendor's chart.
    pub exceptions: Vec<RawException>,
    /// Bounds of waivers in annotations. A waiver beyond them waives nothing, and IG903 reports it.
    pub waivers: RawWaiverBounds,
    /// The audit of the stored Ingresses while `serve` runs.
    pub background: RawBackground,
    /// The requests of `serve` to the hosts and paths of Ingresses, whose answers are compared with the predictions of `explain`.
    pub probe: RawProbe,
}

/// The audit of the stored Ingresses while `serve` runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawBackground {
    /// Whether the stored Ingresses are evaluated again when something changes that their findings depend on.
    pub enabled: bool,
    /// The time between two passes over all Ingresses, from `1m` to `24h`. Changes are evaluated at once, so a pass finds what a
    /// change was not known to affect.
    pub interval: String,
    /// The most CPU time that evaluations take, in thousandths of a core: from `10m` to `1000m`.
    pub cpu: String,
    /// The series on `/metrics`.
    pub metrics: StoredSeries,
    /// Whether Events are written on Ingresses that break or heal. Requires `--background-lease`.
    pub events: bool,
    /// Whether a report on each namespace is written, if the cluster has Reports (`openreports.io`) or `PolicyReports`
    /// (`wgpolicyk8s.io`). Requires `--background-lease`.
    pub reports: bool,
}

/// The series of stored Ingresses on `/metrics`. The health port has no authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoredSeries {
    /// Sums over all namespaces.
    #[default]
    Summary,
    /// Also by namespace, and the names of TLS Secrets.
    Detailed,
}

/// Lower levels for a limited time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOverride {
    /// Its end, at most 7 days from now, such as `2027-01-31T18:00:00Z`.
    pub until: String,
    /// The profile of all namespaces.
    #[serde(default)]
    pub profile: Option<RawOverrideProfile>,
    /// The highest levels of single checks, by code or name: `warn` or `audit`.
    #[serde(default)]
    pub checks: BTreeMap<String, Level>,
    /// The reason, which denials, `/readyz` and the log show: one line of at most 120 characters.
    pub reason: String,
}

/// The profile of an override.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawOverrideProfile {
    /// No finding denies.
    Observe,
}

/// Findings that do not deny, until a day.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawException {
    /// Name of the namespace, with `*` and `?`.
    pub namespace: String,
    /// Name of the Ingress, with `*` and `?`. Default: any.
    #[serde(default)]
    pub name: Option<String>,
    /// Checks by code or name; also checks that annotations cannot waive.
    pub checks: Vec<String>,
    /// Field of the finding, with `*` and `?`, such as `spec.tls*`. Default: any.
    #[serde(default)]
    pub field: Option<String>,
    /// The responsible team or person: one line of at most 120 characters.
    pub owner: String,
    /// The reason: one line of at most 120 characters.
    pub reason: String,
    /// The last day (UTC) on which it applies, such as `2027-01-31`.
    pub until: String,
}

/// Bounds of waivers in annotations.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RawWaiverBounds {
    /// The latest end of a waiver, in days from today. A waiver without `until` is beyond this bound. Default: none.
    pub longest_days: Option<u16>,
    /// Checks that may be waived, by code or name. Default: all that can be waived.
    pub checks: Option<Vec<String>>,
    /// Pattern of reasons, with `*` and `?`, such as `*OPS-*`. Default: any reason.
    pub reason: Option<String>,
}

/// The effect of findings that depend on other objects, for some field managers and namespaces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMissingReferences {
    /// Field managers, with `*` and `?`. For a client that names none, the beginning of its user agent counts. Clients choose their
    /// field manager, so these entries do not apply to checks that cannot be waived. Default: any.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Names of namespaces, with `*` and `?`. Default: any.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// The effect.
    pub effect: MissingReferences,
}

/// Access to Secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretsMode {
    /// No access: checks of certificates are not evaluated.
    Off,
    /// One GET for each Secret that an Ingress references, no list.
    #[default]
    Get,
    /// List and watch.
    Watch,
}

/// Ingress classes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RawClasses {
    /// Class names that a controller handles although no IngressClass of that name exists.
    pub assume: Vec<String>,
    /// Whether controllers handle Ingresses without an ingress class.
    pub classless: Classless,
    /// Values of `spec.controller` whose controllers run in this cluster; empty: unknown.
    pub controllers: Vec<String>,
    /// Whether `check` identifies a controller by the annotations of an Ingress if the files contain no IngressClass.
    pub from_annotations: bool,
}

/// The dialect of one controller: its family, version and settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RawDialect {
    /// The Ingresses that the entry applies to.
    #[serde(rename = "match")]
    pub matches: RawDialectMatch,
    /// Controller family: ingress-nginx and its forks, Traefik's ingress-nginx provider, or Kubernetes' own rules. Use
    /// the last for an ingress-nginx with another `--annotations-prefix`: other prefixes are not read.
    pub engine: ControllerFamily,
    /// The controller's version, such as "1.15.1". Findings that depend on it do not deny while it is unknown.
    #[serde(default = "unknown")]
    pub version: String,
    /// The controller's flag `--ingress-class`. Default: that of the running controller, else `nginx`.
    #[serde(default)]
    pub annotation_class: Option<String>,
    /// The controller's flag `--watch-namespace`; empty: all namespaces.
    #[serde(default)]
    pub watch_namespaces: Vec<String>,
    /// Whether the controller's flag `--default-ssl-certificate` is set.
    #[serde(default)]
    pub default_certificate: bool,
    /// nginx variables that a custom template or snippet sets, so that rewrite targets may use them.
    #[serde(default)]
    pub extra_variables: Vec<String>,
    /// The controller's own ConfigMap (`--configmap`), as `namespace/name`. Its settings are read and followed.
    #[serde(default)]
    pub config_map: Option<String>,
    /// Keys of the controller's ConfigMap, and flags, that affect routes. They override the ConfigMap.
    #[serde(default)]
    pub settings: ControllerSettings,
}

/// Discovery of the controllers that run in the cluster: version, flags and ConfigMap. Configured dialects override it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDiscovery {
    /// What is read: `off`: nothing, `classes`: known values of `spec.controller`, `workloads`: also the images and flags of
    /// controller workloads and pods.
    pub mode: DiscoveryMode,
    /// Namespaces whose workloads count, besides those of the Helm releases of IngressClasses.
    pub namespaces: Vec<String>,
    /// Label selector of the workloads and pods that are watched, such as `app=edge`. The default selects the labels of the charts of
    /// ingress-nginx, RKE2, Bitnami and Traefik.
    pub selector: Option<String>,
}

impl Default for RawDiscovery {
    fn default() -> Self {
        let Discovery { mode, namespaces, selector } = Discovery::default();
        Self { mode, namespaces, selector }
    }
}

/// The Ingresses that a dialect applies to. Exactly one of the two keys is set.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDialectMatch {
    /// Ingresses whose IngressClass has this `spec.controller`.
    pub controller: Option<String>,
    /// Ingresses whose class has this name.
    pub class: Option<String>,
}

/// The requests of `serve` to the hosts and paths of Ingresses, whose answers are compared with the predictions of `explain`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawProbe {
    /// Whether requests are sent.
    pub enabled: bool,
    /// The pause between two passes over all hosts, from `1m` to `24h`.
    pub interval: String,
    /// The most requests per second, from 1 to 100. Each host gets at most one per second.
    pub rate: u32,
    /// The addresses of the controller or its load balancer: `HOST`, `HOST:PORT`, `http://HOST:PORT` or `https://HOST:PORT`. Empty: the
    /// Service that each discovered controller publishes.
    pub via: Vec<String>,
    /// The namespaces whose Ingresses are requested; `*` stands for any characters.
    pub namespaces: Vec<String>,
}

impl Default for RawProbe {
    fn default() -> Self {
        Self { enabled: false, interval: "5m".to_owned(), rate: 5, via: Vec::new(), namespaces: Vec::new() }
    }
}

/// Assigns hosts to namespaces. The most specific host applies, whatever the order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawHostOwnership {
    /// Hosts; `*.example.com` stands for all hosts below `example.com`, at any depth, and `*` for all hosts.
    pub hosts: Vec<String>,
    /// The namespaces that may use them.
    pub namespaces: Vec<String>,
}

/// Settings for some namespaces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNamespace {
    /// Name of the namespace, with `*` and `?`. Either this or `selector`.
    #[serde(default, rename = "match")]
    pub matches: Option<String>,
    /// Labels of the namespace. Either this or `match`.
    #[serde(default)]
    pub selector: Option<RawSelector>,
    /// The profile, if it differs from the general one.
    #[serde(default)]
    pub profile: Option<Profile>,
    /// Levels of single checks; they override the general ones.
    #[serde(default)]
    pub checks: BTreeMap<String, Level>,
    /// Classes that Ingresses in these namespaces may use; without this key, any.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
    /// Whether objects in these namespaces may waive findings.
    #[serde(default = "yes")]
    pub waivers: bool,
}

/// Selects namespaces by labels.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RawSelector {
    /// Labels that a namespace must have, all of them.
    pub match_labels: BTreeMap<String, String>,
}

impl Default for RawClasses {
    fn default() -> Self {
        let ClassRules { assume, classless, controllers, from_annotations } = ClassRules::default();
        Self { assume, classless, controllers, from_annotations }
    }
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            checks: BTreeMap::new(),
            rules: "latest".to_owned(),
            missing_references: MissingReferences::default(),
            missing_references_for: None,
            secrets: SecretsMode::default(),
            secret_namespaces: Vec::new(),
            reveal_other_namespaces: true,
            expiry_warning_days: 14,
            oversized: Oversized::default(),
            classes: RawClasses::default(),
            dialects: Vec::new(),
            discovery: RawDiscovery::default(),
            host_ownership: Vec::new(),
            break_glass: BreakGlass::default(),
            namespaces: Vec::new(),
            support: None,
            waiver_hint: None,
            temporary_override: None,
            exceptions: Vec::new(),
            waivers: RawWaiverBounds::default(),
            background: RawBackground::default(),
            probe: RawProbe::default(),
        }
    }
}

impl Default for RawBackground {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: "1h".to_owned(),
            cpu: "50m".to_owned(),
            metrics: StoredSeries::default(),
            events: true,
            reports: true,
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn yes() -> bool {
    true
}
