//! Exceptions, bounds of waivers, and the temporary override.

use jiff::{Timestamp, ToSpan as _};
use wildmatch::WildMatch;

use super::error::ConfigFault;
use super::levels::{overrides, unknown_check};
use super::raw::{RawException, RawOverride, RawOverrideProfile, RawWaiverBounds};
use crate::checks::{self, WaiverBounds};
use crate::finding::Level;
use crate::policy::{Exception, TemporaryOverride};

/// The longest time from now until the end of an override: a week. What is needed for longer belongs into `checks` or `namespaces`.
const LONGEST_OVERRIDE_DAYS: i64 = 7;

/// The most characters of a reason or an owner, which are shown on one line.
const LONGEST_TEXT: usize = 120;

pub(super) fn exception(index: usize, raw: RawException) -> Result<Exception, ConfigFault> {
    let key = |name: &str| format!("exceptions[{index}].{name}");
    if raw.checks.is_empty() {
        return Err(ConfigFault::new(key("checks"), "must name at least one check"));
    }
    let until = raw.until.parse();
    Ok(Exception {
        namespace: WildMatch::new(&raw.namespace),
        name: WildMatch::new(raw.name.as_deref().unwrap_or("*")),
        checks: codes(&key("checks"), &raw.checks)?,
        field: WildMatch::new(raw.field.as_deref().unwrap_or("*")),
        owner: text(&key("owner"), raw.owner)?,
        reason: text(&key("reason"), raw.reason)?.into(),
        until: until.map_err(|_| ConfigFault::new(key("until"), "not a date; use the form \"2027-01-31\""))?,
    })
}

pub(super) fn bounds(raw: RawWaiverBounds) -> Result<WaiverBounds, ConfigFault> {
    let checks = raw.checks.map(|names| codes("waivers.checks", &names)).transpose()?;
    Ok(WaiverBounds {
        longest_days: raw.longest_days,
        checks,
        reason: raw.reason.map(|pattern| WildMatch::new(&pattern)),
    })
}

pub(super) fn temporary_override(raw: RawOverride, now: Timestamp) -> Result<TemporaryOverride, ConfigFault> {
    let until: Timestamp = raw.until.parse().map_err(|_| {
        ConfigFault::new("override.until", "not a time with a time zone; use the form \"2027-01-31T18:00:00Z\"")
    })?;
    let latest = now.checked_add((LONGEST_OVERRIDE_DAYS * 24).hours()).unwrap_or(Timestamp::MAX);
    if until > latest {
        let message = format!(
            "more than {LONGEST_OVERRIDE_DAYS} days from now; use checks, namespaces or exceptions for a longer time"
        );
        return Err(ConfigFault::new("override.until", message));
    }
    let checks = overrides("override.checks", raw.checks)?;
    if let Some((code, level)) = checks.0.iter().find(|(_, level)| !matches!(level, Level::Audit | Level::Warn)) {
        let message = format!("{code} is {level}, but an override lowers levels to warn or audit");
        return Err(ConfigFault::new("override.checks", message));
    }
    let observe = matches!(raw.profile, Some(RawOverrideProfile::Observe));
    if !observe && checks.0.is_empty() {
        return Err(ConfigFault::new("override", "lowers nothing; set profile: observe, or checks"));
    }
    Ok(TemporaryOverride { until, observe, checks, reason: text("override.reason", raw.reason)?.into() })
}

/// Returns the codes of checks that are named by code or name.
fn codes(key: &str, names: &[String]) -> Result<Vec<&'static str>, ConfigFault> {
    let code = |name: &String| {
        let check = checks::find(name).ok_or_else(|| ConfigFault::new(key, unknown_check(name)))?;
        Ok(check.code)
    };
    names.iter().map(code).collect()
}

/// Checks a text that is shown on one line.
fn text(key: &str, text: String) -> Result<String, ConfigFault> {
    let is_valid = !text.trim().is_empty()
        && text.chars().count() <= LONGEST_TEXT
        && !text.contains(|character: char| character.is_control());
    let fault = || format!("must be one line of 1 to {LONGEST_TEXT} characters, without control characters");
    if is_valid { Ok(text) } else { Err(ConfigFault::new(key, fault())) }
}
