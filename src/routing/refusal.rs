//! Forced responses: an invalid annotation makes the controller answer every request of a host with 403, or of a
//! location with 503. Sections 5.7 and 7.0.

use std::fmt;

use super::annotations::{Effect, NginxAnnotations};
use super::controller::Dialect;
use super::location::Location;
use super::routes::{Routes, When};
use crate::model::Host;

/// The response that an invalid annotation forces on every request (section 7.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// 503 or 403.
    pub status: u16,
    /// The annotation, without its prefix.
    pub annotation: &'static str,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: annotation {} is invalid", self.status, self.annotation)
    }
}

impl NginxAnnotations<'_> {
    /// Returns the responses that invalid annotation values certainly force: `503` for the locations of the Ingress, `403`
    /// for its hosts (section 7.0).
    pub fn refusals(self, dialect: &Dialect) -> impl Iterator<Item = Refusal> {
        let (version, validates) = (dialect.version, dialect.validates_annotations());
        self.in_force(version).filter_map(move |(row, value)| {
            let fault = row.value_error(value, validates)?;
            let status = match fault.effect {
                Effect::Unavailable => 503,
                Effect::Forbidden => 403,
                Effect::NotLoaded | Effect::Ignored | Effect::Open => return None,
            };
            let is_certain = fault.certain && (row.since.is_none() || version.is_some());
            is_certain.then_some(Refusal { status, annotation: row.name })
        })
    }
}

impl<'a> Routes<'a> {
    pub(super) fn refuses_host(&self, host: &Host, when: When) -> Option<Refusal> {
        let claims = self.claims(host, when).found().unwrap_or_default();
        let mut main = claims.iter().filter(|claim| !claim.is_canary && claim.rule.is_some());
        main.find_map(|claim| self.mistake(NginxAnnotations::of(claim.ingress), 403))
    }

    pub(super) fn refuses_location(&self, location: &Location<'a>) -> Option<Refusal> {
        self.mistake(location.annotations()?, 503)
    }

    fn mistake(&self, annotations: NginxAnnotations<'_>, status: u16) -> Option<Refusal> {
        let mut refusals = annotations.refusals(self.dialect());
        refusals.find(|refusal| refusal.status == status).filter(|_| self.reads_nginx_annotations())
    }
}
