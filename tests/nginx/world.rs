//! A world: some Ingresses of one controller, and requests to it.

use std::fmt;

use serde_json::{Value, json};

use crate::requests::Ask;

/// Some Ingresses of one controller, and requests to it.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) ingresses: Vec<Ingress>,
    pub(crate) asks: Vec<Ask>,
}

#[derive(Debug, Clone)]
pub(crate) struct Ingress {
    pub(crate) namespace: &'static str,
    pub(crate) name: String,
    /// The second of its creation.
    pub(crate) second: u8,
    /// Names without their prefix.
    pub(crate) annotations: Vec<(&'static str, String)>,
    pub(crate) default_backend: Option<Backend>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Empty: no host.
    pub(crate) host: &'static str,
    /// Empty: no `http`.
    pub(crate) paths: Vec<Path>,
}

#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) text: Text,
    pub(crate) kind: &'static str,
    pub(crate) backend: Backend,
}

/// A path, and URIs that it might be intended to match.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) samples: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Service(&'static str, Port),
    Resource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Number(u16),
    Name(&'static str),
}

impl Ingress {
    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Returns the JSON that the API server would send.
    pub(crate) fn json(&self) -> Value {
        let annotations: serde_json::Map<String, Value> = self
            .annotations
            .iter()
            .map(|(name, value)| (format!("nginx.ingress.kubernetes.io/{name}"), value.clone().into()))
            .collect();
        let rules: Vec<Value> = self.rules.iter().map(Rule::json).collect();
        json!({
            "metadata": {"namespace": self.namespace, "name": self.name, "annotations": annotations,
                         "creationTimestamp": format!("2026-01-01T00:00:{:02}Z", self.second)},
            "spec": {"ingressClassName": "nginx", "rules": rules,
                     "defaultBackend": self.default_backend.map(Backend::json)},
        })
    }
}

impl Rule {
    fn json(&self) -> Value {
        let paths: Vec<Value> = self.paths.iter().map(Path::json).collect();
        if paths.is_empty() { json!({"host": self.host}) } else { json!({"host": self.host, "http": {"paths": paths}}) }
    }
}

impl Path {
    fn json(&self) -> Value {
        json!({"path": self.text.path, "pathType": self.kind, "backend": self.backend.json()})
    }
}

impl Backend {
    fn json(self) -> Value {
        match self {
            Self::Service(name, Port::Number(number)) => json!({"service": {"name": name, "port": {"number": number}}}),
            Self::Service(name, Port::Name(port)) => json!({"service": {"name": name, "port": {"name": port}}}),
            Self::Resource => json!({"resource": {"kind": "Bucket", "name": "assets"}}),
        }
    }
}

impl fmt::Display for World {
    /// Formats the world in the notation of `tests/suite/routing/notation.rs`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ingress in &self.ingresses {
            write!(f, "{} @{}", ingress.key(), ingress.second)?;
            ingress.annotations.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))?;
            writeln!(f)?;
            ingress.default_backend.iter().try_for_each(|backend| writeln!(f, "  default {backend}"))?;
            for rule in &ingress.rules {
                writeln!(f, "  {}", if rule.host.is_empty() { "*" } else { rule.host })?;
                let mut paths = rule.paths.iter();
                paths.try_for_each(|it| writeln!(f, "    {} {} {}", it.kind, it.text.path, it.backend))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name, Port::Number(port)) => write!(f, "{name}:{port}"),
            Self::Service(name, Port::Name(port)) => write!(f, "{name}:{port}"),
            Self::Resource => f.write_str("resource"),
        }
    }
}
