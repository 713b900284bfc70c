//! The waivers in the annotation of an Ingress that have an effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::Policy;
use crate::checks::{self, Check};
use crate::cluster::Lookup;
use crate::model::{Ingress, WAIVER_ANNOTATION, Waiver, parse_waivers};

/// The number of days before its end from which a waiver is shown as ending soon.
pub const ENDS_SOON_DAYS: i64 = 14;

/// The most characters of a reason that are kept.
const REASON: usize = 120;

/// A waiver that has an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidWaiver {
    /// The code of the check.
    pub code: &'static str,
    /// The last day (UTC) on which it applies; `None`: it never expires.
    pub until: Option<Date>,
    /// The reason, cut to 120 characters.
    pub reason: Arc<str>,
}

impl Policy {
    /// Returns the waivers in the annotation of an Ingress that have an effect on a day (UTC).
    #[must_use]
    pub fn waivers_of(
        &self,
        ingress: &Ingress,
        labels: Lookup<&BTreeMap<Box<str>, Box<str>>>,
        today: Date,
    ) -> Vec<ValidWaiver> {
        if self.scope(&ingress.meta.key.namespace, labels).waivers() {
            self.admitted(ingress, today)
        } else {
            Vec::new()
        }
    }

    /// The same in a namespace with waivers.
    pub(super) fn admitted(&self, ingress: &Ingress, today: Date) -> Vec<ValidWaiver> {
        let Some(value) = ingress.meta.annotations.get(WAIVER_ANNOTATION) else { return Vec::new() };
        let in_force = |check: &Check, waiver: &Waiver<'_>| {
            check.waivable && !waiver.expired(today) && self.waiver_bounds.admit(check.code, waiver, today).is_ok()
        };
        let known = parse_waivers(value).filter_map(Result::ok).filter_map(|it| Some((checks::find(it.check)?, it)));
        known
            .filter(|(check, waiver)| in_force(check, waiver))
            .map(|(check, waiver)| ValidWaiver {
                code: check.code,
                until: waiver.until,
                reason: waiver.reason.chars().take(REASON).collect::<String>().into(),
            })
            .collect()
    }
}
