//! The reasons why a live read does not confirm a finding.

use std::collections::HashMap;
use std::fmt;

use crate::cluster::{LiveRead, ReadFailure};
use crate::finding::{Evidence, Finding};
use crate::model::Kind;

/// The evidence that was confirmed, and the reason for evidence that was not.
pub type Confirmed = HashMap<Evidence, Result<(), Unconfirmed>>;

/// The reason why evidence is not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unconfirmed {
    /// The object was not read.
    Failed(ReadFailure),
    /// RBAC forbids reading objects of this kind.
    Forbidden(Kind),
    /// The watch of this kind does not receive changes.
    NotReceived(Kind),
}

impl Unconfirmed {
    /// Returns whether a read confirms that its object exists, or that it does not.
    ///
    /// # Errors
    /// The reason if it does neither.
    pub fn of(kind: Kind, read: &LiveRead) -> Result<(), Self> {
        match read {
            LiveRead::Found(_) | LiveRead::Absent => Ok(()),
            LiveRead::Forbidden | LiveRead::Excluded => Err(Self::Forbidden(kind)),
            LiveRead::Failed(failure) => Err(Self::Failed(*failure)),
        }
    }

    /// Returns why a finding is not confirmed; `None` if all its evidence is, or if it has none.
    #[must_use]
    pub fn of_finding(finding: &Finding, confirmed: &Confirmed) -> Option<Self> {
        let not_read = &Err(Self::Failed(ReadFailure::LeftOut));
        finding.rests_on.iter().find_map(|evidence| confirmed.get(evidence).unwrap_or(not_read).err())
    }
}

impl fmt::Display for Unconfirmed {
    /// Writes the reason as messages show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => write!(f, "{failure}"),
            Self::Forbidden(kind) => write!(f, "RBAC does not allow ingress-guard to get {kind} objects"),
            Self::NotReceived(kind) => write!(f, "changes of {kind} objects are not received"),
        }
    }
}
