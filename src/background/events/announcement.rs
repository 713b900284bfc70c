//! The content of an Event.

use jiff::Timestamp;

use crate::background::problem::Problem;
use crate::background::verdicts::StoredFinding;
use crate::checks;
use crate::model::Key;

/// The maximum length of a note in bytes (`pkg/apis/core/validation/events.go`).
const NOTE: usize = 1024;

/// What became of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It appeared, or it still exists after a while.
    Broken,
    /// It is gone.
    Healed,
}

/// The object that an Event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Regarding {
    /// An Ingress.
    Ingress(Key),
    /// A Service on which problems of several Ingresses depend.
    Service(Key),
    /// The class of Ingresses with the same problem.
    IngressClass(Box<str>),
}

impl Regarding {
    /// Returns the namespace of the object; empty: it has none.
    pub(super) fn namespace(&self) -> &str {
        match self {
            Self::Ingress(key) | Self::Service(key) => &key.namespace,
            Self::IngressClass(_) => "",
        }
    }
}

/// An Event that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its object.
    pub regarding: Regarding,
    /// The check's code.
    pub code: &'static str,
    /// The change.
    pub change: Change,
    /// The text for people, at most 1,024 bytes.
    pub note: String,
}

/// The result of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The Event exists.
    Written,
    /// The Ingress does not exist any more, or its namespace is being deleted.
    Unwanted,
    /// It failed: the write is repeated.
    Failed,
}

/// An Event that an earlier holder of the Lease has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its object.
    pub regarding: Regarding,
    /// The check's code.
    pub code: &'static str,
    /// What it says.
    pub change: Change,
    /// When it was said last.
    pub at: Timestamp,
}

impl Announcement {
    /// The problem of one Ingress.
    pub(super) fn broken(ingress: &Key, problem: &Problem<'_>, finding: &StoredFinding) -> Self {
        let note = format!("{} {}", problem.code, problem.described(finding));
        Self::new(Regarding::Ingress(ingress.clone()), problem.code, Change::Broken, &note)
    }

    /// The end of the problem of one Ingress.
    pub(super) fn healed(ingress: &Key, code: &'static str) -> Self {
        let note = format!("{code} {} is not reported any more", name(code));
        Self::new(Regarding::Ingress(ingress.clone()), code, Change::Healed, &note)
    }

    /// The same problem of many Ingresses.
    pub(super) fn broken_many(regarding: Regarding, code: &'static str, ingresses: usize) -> Self {
        let (name, summary) = checks::find(code).map_or(("", ""), |check| (check.name, check.summary));
        let more = if ingresses == 1 { "1 more Ingress".to_owned() } else { format!("{ingresses} more Ingresses") };
        let note = format!("{code} {name} is reported for {more}: {summary}; run \"ingress-guard audit\" to list them");
        Self::new(regarding, code, Change::Broken, &note)
    }

    /// The end of that.
    pub(super) fn healed_many(regarding: Regarding, code: &'static str) -> Self {
        let note = format!("{code} {} is not reported any more for these Ingresses", name(code));
        Self::new(regarding, code, Change::Healed, &note)
    }

    fn new(regarding: Regarding, code: &'static str, change: Change, note: &str) -> Self {
        Self { regarding, code, change, note: note[..note.floor_char_boundary(NOTE)].to_owned() }
    }

    /// Returns the reason: the name of the check in CamelCase, `Resolved` for the end of a problem.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.change {
            Change::Healed => "Resolved".to_owned(),
            Change::Broken => name(self.code).split('-').map(capitalised).collect(),
        }
    }
}

fn name(code: &str) -> &'static str {
    checks::find(code).map_or("", |check| check.name)
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
