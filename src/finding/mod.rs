//! A finding of a check: the field, the problem, the fix, and the evidence. Policy decides the level.

mod level;
mod patch;
mod ranges;
mod text;

pub use level::{Level, Levels};
pub use patch::{Patch, PatchOperation};
pub(crate) use ranges::ranges;
pub use text::{Quoted, escaped, is_invisible, one_line, start_of_line};

use std::fmt;

use crate::model::{FieldPath, Key, Kind};

/// Something outside the Ingress that a finding depends on, whether it exists or is absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// One object.
    Object(Kind, Key),
    /// The result of an index over the objects of a kind, e.g. `hosts`.
    Index(Kind, &'static str),
}

impl Evidence {
    /// Returns whether it is a workload or a pod: the controller that handles the Ingress.
    #[must_use]
    pub fn is_of_running_controller(&self) -> bool {
        matches!(self, Self::Object(kind, _) if *kind == Kind::Pod || Kind::WORKLOADS.contains(kind))
    }
}

/// One problem of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's code, e.g. `IG202`.
    pub code: &'static str,
    /// The identity together with the code: no list indices, no counts, no names of other objects. A pre-existing
    /// problem has the same subject before and after a write.
    pub subject: Box<str>,
    /// The field of the Ingress.
    pub field: FieldPath,
    /// The problem and its effect on requests.
    pub message: Box<str>,
    /// The fix in words; empty where it cannot be said in short.
    pub help: Box<str>,
    /// The fix as a patch, where it can be applied without a decision.
    pub fix: Option<Patch>,
    /// The evidence outside the object.
    pub rests_on: Vec<Evidence>,
    /// The highest level that this finding can have, whatever its check's level is.
    pub ceiling: Levels,
    /// The level of this finding if the configuration does not set that of its check; `None`: that of its check.
    pub by_default: Option<Levels>,
    /// The text of the warning at admission if the platform is the cause, not the Ingress: rights, watches, time. It is equal for
    /// all Ingresses, so that kubectl prints it once.
    pub shared_warning: Option<Box<str>>,
}

impl Finding {
    /// Creates a finding without outside evidence that may deny.
    #[must_use]
    pub fn new(
        code: &'static str,
        field: FieldPath,
        subject: impl Into<Box<str>>,
        message: impl Into<Box<str>>,
    ) -> Self {
        Self {
            code,
            subject: subject.into(),
            field,
            message: message.into(),
            help: Box::default(),
            fix: None,
            rests_on: Vec::new(),
            ceiling: Levels::both(Level::Deny),
            by_default: None,
            shared_warning: None,
        }
    }

    /// Returns the effect on requests: the end of the message.
    #[must_use]
    pub fn effect(&self) -> &str {
        self.message.rsplit_once(": ").map_or(&*self.message, |(_, effect)| effect)
    }

    /// Sets the fix in words.
    pub fn help(&mut self, help: impl Into<Box<str>>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Sets the fix as a patch.
    pub fn fix(&mut self, fix: Patch) -> &mut Self {
        self.fix = Some(fix);
        self
    }

    /// Adds an object as evidence.
    pub fn rests_on(&mut self, kind: Kind, key: Key) -> &mut Self {
        self.rests_on.push(Evidence::Object(kind, key));
        self
    }

    /// Adds an index over Ingresses as evidence.
    pub fn rests_on_index(&mut self, index: &'static str) -> &mut Self {
        self.rests_on_index_of(Kind::Ingress, index)
    }

    /// Adds an index over the objects of a kind as evidence.
    pub fn rests_on_index_of(&mut self, kind: Kind, index: &'static str) -> &mut Self {
        self.rests_on.push(Evidence::Index(kind, index));
        self
    }

    /// Makes the platform the cause, with a text that does not depend on the Ingress.
    pub fn shared_warning(&mut self, text: impl Into<Box<str>>) -> &mut Self {
        self.shared_warning = Some(text.into());
        self
    }

    /// Sets the level that applies if the configuration does not set that of the check.
    pub fn by_default(&mut self, levels: Levels) -> &mut Self {
        self.by_default = Some(levels);
        self
    }

    /// Lowers the ceiling to these levels.
    pub fn at_most(&mut self, ceiling: Levels) -> &mut Self {
        self.ceiling = Levels::new(self.ceiling.guard.min(ceiling.guard), self.ceiling.strict.min(ceiling.strict));
        self
    }
}

impl fmt::Display for Finding {
    /// Writes `field: what is wrong: effect on requests; fix`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, "; {}", self.help) }
    }
}
