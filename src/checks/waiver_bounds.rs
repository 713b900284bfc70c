//! The bounds of waivers in annotations.

use jiff::ToSpan as _;
use jiff::civil::Date;
use thiserror::Error;
use wildmatch::WildMatch;

use crate::model::Waiver;

/// The bounds of waivers in annotations. A waiver beyond them waives nothing.
#[derive(Debug, Clone, Default)]
pub struct WaiverBounds {
    /// The latest end of a waiver, in days from today; `None`: a waiver may be without an end.
    pub longest_days: Option<u16>,
    /// The codes that may be waived; `None`: all that can be waived.
    pub checks: Option<Vec<&'static str>>,
    /// The pattern of reasons; `None`: any reason.
    pub reason: Option<WildMatch>,
}

/// The reason why a waiver is beyond the bounds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BeyondBounds {
    /// The configuration does not let Ingresses waive the check.
    #[error("waivers.checks does not contain {0}")]
    Check(&'static str),
    /// The waiver has no end.
    #[error("it has no end (waivers.longestDays: {0})")]
    Endless(u16),
    /// The waiver ends too late.
    #[error("it ends after more than {0} days (waivers.longestDays)")]
    Long(u16),
    /// The reason does not have the required form.
    #[error("its reason does not match {0:?} (waivers.reason)")]
    Reason(String),
}

impl WaiverBounds {
    /// Checks a waiver of the check with this code.
    ///
    /// # Errors
    /// If the waiver is beyond a bound.
    pub fn admit(&self, code: &'static str, waiver: &Waiver<'_>, today: Date) -> Result<(), BeyondBounds> {
        if self.checks.as_ref().is_some_and(|checks| !checks.contains(&code)) {
            return Err(BeyondBounds::Check(code));
        }
        if let Some(days) = self.longest_days {
            let until = waiver.until.ok_or(BeyondBounds::Endless(days))?;
            if until > today.saturating_add(i64::from(days).days()) {
                return Err(BeyondBounds::Long(days));
            }
        }
        match &self.reason {
            Some(pattern) if !pattern.matches(waiver.reason) => Err(BeyondBounds::Reason(pattern.to_string())),
            _ => Ok(()),
        }
    }
}
