//! The waivers of all stored Ingresses and the exceptions of the configuration.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cluster::ClusterState;
use crate::model::Key;
use crate::policy::{ENDS_SOON_DAYS, Exception, Policy};

/// A waiver or an exception that is in force.
#[derive(Debug)]
pub struct WaiverInForce<'a> {
    /// Where it comes from.
    pub source: WaiverSource<'a>,
    /// The codes of the checks.
    pub codes: Vec<&'static str>,
    /// The last day (UTC) on which it applies; `None`: it never expires.
    pub until: Option<Date>,
    /// The reason.
    pub reason: Arc<str>,
    /// Whether it ends within [`ENDS_SOON_DAYS`].
    pub ends_soon: bool,
}

/// The source of a waiver.
#[derive(Debug, Clone, Copy)]
pub enum WaiverSource<'a> {
    /// The annotation of an Ingress.
    Annotation(&'a Key),
    /// An exception of the configuration.
    Exception(&'a Exception),
}

impl WaiverSource<'_> {
    /// Returns the value of the label `source` in metrics, and the name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Annotation(_) => "annotation",
            Self::Exception(_) => "exception",
        }
    }
}

/// Returns the waivers in force, those of annotations by Ingress first.
#[must_use]
pub fn waivers_in_force<'a>(state: ClusterState<'a>, policy: &'a Policy) -> Vec<WaiverInForce<'a>> {
    let today = state.now.to_zoned(TimeZone::UTC).date();
    let ends_soon = |until: Option<Date>| {
        until.is_some_and(|until| today.until(until).is_ok_and(|left| i64::from(left.get_days()) < ENDS_SOON_DAYS))
    };
    let mut of_ingresses: Vec<(&Key, _)> = state
        .store
        .ingresses()
        .flat_map(|ingress| {
            let labels = state.store.namespace_labels(&ingress.meta.key.namespace);
            policy.waivers_of(ingress, labels, today).into_iter().map(|waiver| (&ingress.meta.key, waiver))
        })
        .collect();
    of_ingresses.sort_by_key(|(key, _)| *key);
    let of_ingresses = of_ingresses.into_iter().map(|(key, waiver)| WaiverInForce {
        source: WaiverSource::Annotation(key),
        codes: vec![waiver.code],
        until: waiver.until,
        ends_soon: ends_soon(waiver.until),
        reason: waiver.reason,
    });
    let exceptions = policy.exceptions.iter().filter(|exception| exception.is_in_force(today));
    let exceptions = exceptions.map(|exception| WaiverInForce {
        source: WaiverSource::Exception(exception),
        codes: exception.checks.clone(),
        until: Some(exception.until),
        ends_soon: ends_soon(Some(exception.until)),
        reason: Arc::clone(&exception.reason),
    });
    of_ingresses.chain(exceptions).collect()
}
