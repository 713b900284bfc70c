//! `ingress-guard.io/ignore: "IG305 until=2027-01-31 reason=landing page; IG501 reason=moving hosts"`

use jiff::civil::Date;
use thiserror::Error;

/// One clause of the annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver<'a> {
    /// Code or name of the check as written.
    pub check: &'a str,
    /// The last day (UTC) on which it applies; `None`: it never expires.
    pub until: Option<Date>,
    /// The reason; never empty.
    pub reason: &'a str,
}

/// The reason why a clause waives nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WaiverError<'a> {
    /// No `reason=`, or an empty one.
    #[error("the waiver of {0:?} has no reason")]
    NoReason(&'a str),
    /// The value of `until=` is not a date.
    #[error("the waiver of {check:?} has an invalid date {date:?}")]
    BadDate {
        /// The check that the clause names.
        check: &'a str,
        /// The text in its place.
        date: &'a str,
    },
    /// Text that is neither `until=` nor `reason=`.
    #[error("the waiver of {check:?} has an unexpected word {word:?}")]
    UnknownWord {
        /// The check that the clause names.
        check: &'a str,
        /// The text in its place.
        word: &'a str,
    },
}

impl Waiver<'_> {
    /// Whether its last day (UTC) has passed.
    #[must_use]
    pub fn expired(&self, today: Date) -> bool {
        self.until.is_some_and(|day| today > day)
    }
}

/// The clauses of an annotation that are read; there are fewer checks.
pub const MOST_WAIVERS: usize = 100;

/// The clauses of an annotation's value, in order, up to [`MOST_WAIVERS`]. `;` separates clauses; the reason extends to the end of its clause.
pub fn parse_waivers(value: &str) -> impl Iterator<Item = Result<Waiver<'_>, WaiverError<'_>>> {
    clauses(value).take(MOST_WAIVERS).map(parse_clause)
}

/// Returns whether an annotation has more clauses than are read.
#[must_use]
pub fn has_more_waivers(value: &str) -> bool {
    clauses(value).nth(MOST_WAIVERS).is_some()
}

fn clauses(value: &str) -> impl Iterator<Item = &str> {
    value.split(';').map(str::trim).filter(|clause| !clause.is_empty())
}

fn parse_clause(clause: &str) -> Result<Waiver<'_>, WaiverError<'_>> {
    let (check, mut rest) = clause.split_once(char::is_whitespace).unwrap_or((clause, ""));
    let mut until = None;
    loop {
        rest = rest.trim_start();
        if let Some(reason) = rest.strip_prefix("reason=") {
            let reason = reason.trim();
            return if reason.is_empty() {
                Err(WaiverError::NoReason(check))
            } else {
                Ok(Waiver { check, until, reason })
            };
        }
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if word.is_empty() {
            return Err(WaiverError::NoReason(check));
        }
        let date = word.strip_prefix("until=").ok_or(WaiverError::UnknownWord { check, word })?;
        until = Some(date.parse().map_err(|_| WaiverError::BadDate { check, date })?);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_name_a_check_a_day_and_a_reason() {
        let parsed: Vec<_> =
            parse_waivers("IG305 until=2027-01-31 reason=landing page; path-shadowed reason=on purpose ;; IG501")
                .collect();
        assert_eq!(
            parsed,
            [
                Ok(Waiver { check: "IG305", until: Some(jiff::civil::date(2027, 1, 31)), reason: "landing page" }),
                Ok(Waiver { check: "path-shadowed", until: None, reason: "on purpose" }),
                Err(WaiverError::NoReason("IG501")),
            ]
        );
        assert_eq!(
            parse_waivers("IG1 until=tomorrow reason=x").next(),
            Some(Err(WaiverError::BadDate { check: "IG1", date: "tomorrow" }))
        );
        assert_eq!(
            parse_waivers("IG1 IG2 reason=x").next(),
            Some(Err(WaiverError::UnknownWord { check: "IG1", word: "IG2" }))
        );
        assert_eq!(parse_waivers("IG1 reason= ").next(), Some(Err(WaiverError::NoReason("IG1"))));
    }

    #[test]
    fn a_waiver_applies_through_its_last_day() {
        let waiver = parse_waivers("IG305 until=2027-01-31 reason=x").next().unwrap().unwrap();
        assert!(!waiver.expired(jiff::civil::date(2027, 1, 31)));
        assert!(waiver.expired(jiff::civil::date(2027, 2, 1)));
    }
}
