//! The links in order, and the result.

use std::fmt::Write as _;

use serde::Serialize;

use super::facts::Facts;
use super::{backend, dry_run, impact, network, other_webhooks, registration, replicas, rights, transport};
use crate::explain::{Step, Style, write_step};
use crate::finding::one_line;

/// The version of the JSON format.
const SCHEMA_VERSION: u32 = 1;

/// The result of all links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The API server has had a dry run reviewed, and no link is broken.
    Reviewed,
    /// A link is broken.
    Broken,
    /// No link is broken, and no dry run shows that the API server reaches the webhook.
    Unknown,
}

/// Every link, and the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The version of this format.
    pub schema_version: u32,
    /// The result.
    pub outcome: Outcome,
    /// The links in the order in which a review passes them.
    pub links: Vec<Step>,
}

/// Derives every link from the facts.
#[must_use]
pub fn diagnose(facts: &Facts) -> Diagnosis {
    let links = [
        registration::links(facts),
        impact::links(facts),
        backend::links(facts),
        network::links(facts),
        transport::links(facts),
        dry_run::links(facts),
        rights::links(facts),
        replicas::links(facts),
        other_webhooks::links(facts),
    ];
    let links = links.concat();
    let is_broken = links.iter().any(|link| link.ok == Some(false));
    let outcome = match () {
        () if is_broken => Outcome::Broken,
        // Other clients may connect where a firewall or a NetworkPolicy blocks the API server.
        () if !facts.is_answered() => Outcome::Unknown,
        () => Outcome::Reviewed,
    };
    Diagnosis { schema_version: SCHEMA_VERSION, outcome, links }
}

impl Diagnosis {
    /// Returns 0 if Ingresses are reviewed, 1 if a link is broken, 2 if no dry run was answered.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Reviewed => 0,
            Outcome::Broken => 1,
            Outcome::Unknown => 2,
        }
    }

    /// Renders one line for each link, then the result.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let first_broken = self.links.iter().position(|link| link.ok == Some(false));
        let mut text = String::new();
        for (position, link) in self.links.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write_step(&mut text, link, first_broken == Some(position), style);
        }
        let _ = writeln!(text, "\n{}", one_line(&self.result()));
        text
    }

    fn result(&self) -> String {
        let names = |ok: Option<bool>| {
            let names: Vec<&str> = self.links.iter().filter(|link| link.ok == ok).map(|link| link.what).collect();
            names.join(", ")
        };
        let unknown = names(None);
        match self.outcome {
            Outcome::Reviewed if unknown.is_empty() => "Ingresses are reviewed".to_owned(),
            Outcome::Reviewed => format!("Ingresses are reviewed; unknown: {unknown}"),
            Outcome::Broken => format!("broken: {}", names(Some(false))),
            Outcome::Unknown => format!(
                "no broken link found; without an answered dry run it is unknown whether the API server reaches the webhook; \
                 unknown: {unknown}"
            ),
        }
    }
}
