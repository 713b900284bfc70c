//! Ingress: rules, paths, backends, TLS entries, and iterators that know the field path of each item.

use std::sync::Arc;

use foldhash::{HashSet, HashSetExt as _};
use jiff::Timestamp;
use serde_json::Value;

use super::annotation::CLASS_ANNOTATION;
use super::service::PortRef;
use super::{FieldPath, Host, Meta};

/// An Ingress.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingress {
    /// Identity, age, annotations.
    pub meta: Meta,
    /// `spec.ingressClassName`
    pub class_name: Option<Box<str>>,
    /// `spec.defaultBackend`
    pub default_backend: Option<Backend>,
    /// `spec.tls`
    pub tls: Box<[TlsEntry]>,
    /// `spec.rules`
    pub rules: Box<[Rule]>,
    /// The keys of labels that are intended as annotations.
    pub annotation_labels: Box<[Box<str>]>,
    /// The addresses of `status.loadBalancer`: IP addresses and host names. An entry without either is empty.
    pub addresses: Box<[Box<str>]>,
    /// The time of the last write of the stored object, without its status, by the clock of the API server. A review does not have it.
    pub last_write: Option<Timestamp>,
    /// Created by cert-manager to answer an HTTP-01 challenge: it has the label `acme.cert-manager.io/http01-solver`, and every path
    /// is one of a challenge.
    pub is_acme_solver: bool,
    /// The key of a label that was meant as the class. Controllers do not read labels.
    pub class_label: Option<Box<str>>,
    /// The manifest that it was read from, if it is to be applied from a file. An Ingress of a cluster has none.
    pub written: Option<Arc<Written>>,
}

/// The manifest of an Ingress that is to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The document, with fields that the API does not have and values that do not fit their fields.
    pub value: Arc<Value>,
    /// The Ingress of the same name in the cluster, which the manifest replaces.
    pub replaces: Option<Box<Ingress>>,
}

/// How an Ingress names its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClassRef<'a> {
    /// `spec.ingressClassName`; the annotation is then ignored.
    Named(&'a str),
    /// The annotation `kubernetes.io/ingress.class`, empty or not.
    Annotated(&'a str),
    /// Neither the field nor the annotation.
    Classless,
}

impl<'a> ClassRef<'a> {
    /// Returns the name of the class.
    #[must_use]
    pub const fn name(self) -> Option<&'a str> {
        match self {
            Self::Named(name) | Self::Annotated(name) => Some(name),
            Self::Classless => None,
        }
    }
}

/// One of `spec.rules`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// `host`
    pub host: Host,
    /// `http.paths`; empty where the rule has no `http`.
    pub paths: Box<[Path]>,
}

/// One of `http.paths`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// `path` as written, which may be empty.
    pub path: Box<str>,
    /// `pathType`
    pub path_type: PathType,
    /// `backend`, shared with the path before it if both have the same: they mostly do.
    pub backend: Arc<Backend>,
}

/// `pathType`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathType {
    /// `Exact`
    Exact,
    /// `Prefix`
    Prefix,
    /// `ImplementationSpecific`
    #[default]
    ImplementationSpecific,
}

/// The backend of a path or of the whole Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Backend {
    /// A Service in the Ingress' own namespace; the API has no field for another namespace.
    Service {
        /// `service.name`
        name: Box<str>,
        /// `service.port`; `None` only in manifests that the API server has not validated.
        port: Option<PortRef>,
    },
    /// `resource`: some other object, e.g. a storage bucket.
    Resource,
}

/// One of `spec.tls`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlsEntry {
    /// `hosts` as written; may be empty.
    pub hosts: Box<[Host]>,
    /// `secretName`; `None` asks for the controller's default certificate.
    pub secret_name: Option<Box<str>>,
}

/// A rule with its place in the Ingress.
#[derive(Debug, Clone, Copy)]
pub struct RuleRef<'a> {
    /// The rule.
    pub rule: &'a Rule,
    index: usize,
}

/// A path with its place in the Ingress.
#[derive(Debug, Clone, Copy)]
pub struct PathRef<'a> {
    /// The rule that contains it.
    pub rule: &'a Rule,
    /// The path.
    pub path: &'a Path,
    rule_index: usize,
    path_index: usize,
}

/// A backend with its place in the Ingress.
#[derive(Debug, Clone, Copy)]
pub struct BackendRef<'a> {
    /// The backend.
    pub backend: &'a Backend,
    /// The path of this backend; `None` for `spec.defaultBackend`.
    pub path: Option<PathRef<'a>>,
}

impl Ingress {
    /// Returns the class reference. The field takes precedence over the annotation
    /// (ingress-nginx `GetIngressClass`; Kubernetes Ingress API, "Deprecated annotation").
    #[must_use]
    pub fn class_ref(&self) -> ClassRef<'_> {
        match (&self.class_name, self.meta.annotations.get(CLASS_ANNOTATION)) {
            (Some(name), _) => ClassRef::Named(name),
            (None, Some(value)) => ClassRef::Annotated(value),
            (None, None) => ClassRef::Classless,
        }
    }

    /// Returns whether it has a load-balancer address: some controller handles it.
    #[must_use]
    pub fn has_address(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Every rule.
    pub fn rules(&self) -> impl Iterator<Item = RuleRef<'_>> {
        self.rules.iter().enumerate().map(|(index, rule)| RuleRef { rule, index })
    }

    /// Every path of every rule.
    pub fn paths(&self) -> impl Iterator<Item = PathRef<'_>> {
        self.rules().flat_map(RuleRef::paths)
    }

    /// Returns every backend: the default one first, then those of the paths.
    pub fn backends(&self) -> impl Iterator<Item = BackendRef<'_>> {
        let default = self.default_backend.iter().map(|backend| BackendRef { backend, path: None });
        default.chain(self.paths().map(|path| BackendRef { backend: &path.path.backend, path: Some(path) }))
    }

    /// The distinct hosts of the rules with the index of the first rule that has each, in the order of the rules.
    #[must_use]
    pub fn hosts(&self) -> Vec<(usize, &Host)> {
        let mut seen = HashSet::with_capacity(self.rules.len());
        self.rules.iter().map(|rule| &rule.host).enumerate().filter(|(_, host)| seen.insert(*host)).collect()
    }
}

impl Path {
    /// Returns the path that controllers use: an empty path is `/`.
    #[must_use]
    pub fn routed(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }
}

impl PathType {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "Exact",
            Self::Prefix => "Prefix",
            Self::ImplementationSpecific => "ImplementationSpecific",
        }
    }
}

impl<'a> RuleRef<'a> {
    /// Its place in the list of rules.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// `spec.rules[i]`
    #[must_use]
    pub fn field(&self) -> FieldPath {
        FieldPath::spec().field("rules").index(self.index)
    }

    /// The paths in order.
    pub fn paths(self) -> impl Iterator<Item = PathRef<'a>> {
        let Self { rule, index: rule_index } = self;
        let paths = rule.paths.iter().enumerate();
        paths.map(move |(path_index, path)| PathRef { rule, path, rule_index, path_index })
    }
}

impl PathRef<'_> {
    /// Whether this is the same place in the same object.
    #[must_use]
    pub fn is_same(self, other: PathRef<'_>) -> bool {
        std::ptr::eq(self.path, other.path)
    }

    /// Whether the path is an Exact `/`: it is meant for one request.
    #[must_use]
    pub fn is_exact_root(self) -> bool {
        self.path.routed() == "/" && self.path.path_type == PathType::Exact
    }

    /// `spec.rules[i].http.paths[j]`
    #[must_use]
    pub fn field(&self) -> FieldPath {
        FieldPath::spec().field("rules").index(self.rule_index).field("http").field("paths").index(self.path_index)
    }

    /// Returns the identity of the path without its index in the list, e.g. `app.example.com /api Prefix`. To change
    /// `ImplementationSpecific` to `Prefix` does not make it another path: to ingress-nginx they are the same (section
    /// 2.2).
    #[must_use]
    pub fn subject(&self) -> String {
        let path_type = if self.path.path_type == PathType::Exact { "Exact" } else { "Prefix" };
        format!("{} {} {path_type}", self.rule.host, self.path.routed())
    }
}

impl BackendRef<'_> {
    /// `spec.defaultBackend` or `spec.rules[i].http.paths[j].backend`
    #[must_use]
    pub fn field(&self) -> FieldPath {
        match self.path {
            Some(path) => path.field().field("backend"),
            None => FieldPath::spec().field("defaultBackend"),
        }
    }

    /// Returns the identity of the backend without its index in the list.
    #[must_use]
    pub fn subject(&self) -> String {
        self.path.map_or_else(|| "defaultBackend".to_owned(), |path| path.subject())
    }
}
