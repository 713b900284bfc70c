//! What a check finds: where, what is wrong, what to do, and on what else that rests. No verdict: policy makes it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{FieldPath, Key, Kind};

/// What becomes of a finding, from nothing to a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The check does not run.
    Off,
    /// Counted and reported by audits; silent at admission.
    Audit,
    /// The person who applies is warned; the object is stored.
    Warn,
    /// The object is refused.
    Deny,
}

impl Level {
    /// As configuration and reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A level for each profile: `observe` is `guard` without its denials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// Under the default profile.
    pub guard: Level,
    /// Under the stern one.
    pub strict: Level,
}

impl Levels {
    /// These levels.
    #[must_use]
    pub const fn new(guard: Level, strict: Level) -> Self {
        Self { guard, strict }
    }

    /// The same level under every profile.
    #[must_use]
    pub const fn both(level: Level) -> Self {
        Self::new(level, level)
    }
}

/// Something outside the judged object that a finding depends on, whether it was found there or found absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// One object.
    Object(Kind, Key),
    /// The answer of an index over the objects of a kind, e.g. `hosts`.
    Index(Kind, &'static str),
}

/// An RFC 6902 patch that mends the finding. It begins with a `test`, so that it never lands on another object than
/// the one that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Patch(Vec<PatchOperation>);

/// One step of a [`Patch`]. Paths are JSON pointers (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum PatchOperation {
    /// Go on only where `path` holds `value`.
    Test {
        /// The field.
        path: String,
        /// What it must hold.
        value: Value,
    },
    /// Put `value` at `path`, which was not there.
    Add {
        /// The field.
        path: String,
        /// What it is to hold.
        value: Value,
    },
    /// Remove `path`.
    Remove {
        /// The field.
        path: String,
    },
    /// Put `value` in the place of what `path` holds.
    Replace {
        /// The field.
        path: String,
        /// What it is to hold.
        value: Value,
    },
}

impl Patch {
    /// A patch for an object in which `field` holds `value`.
    #[must_use]
    pub fn on(field: &FieldPath, value: impl Into<Value>) -> Self {
        Self(vec![PatchOperation::Test { path: field.pointer(), value: value.into() }])
    }

    /// Its steps in their order.
    #[must_use]
    pub fn operations(&self) -> &[PatchOperation] {
        &self.0
    }

    /// Add `value` at `field`.
    #[must_use]
    pub fn add(mut self, field: &FieldPath, value: impl Into<Value>) -> Self {
        self.0.push(PatchOperation::Add { path: field.pointer(), value: value.into() });
        self
    }

    /// Remove `field`.
    #[must_use]
    pub fn remove(mut self, field: &FieldPath) -> Self {
        self.0.push(PatchOperation::Remove { path: field.pointer() });
        self
    }

    /// Put `value` in the place of what `field` holds.
    #[must_use]
    pub fn replace(mut self, field: &FieldPath, value: impl Into<Value>) -> Self {
        self.0.push(PatchOperation::Replace { path: field.pointer(), value: value.into() });
        self
    }
}

/// One fault of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's code, e.g. `IG202`.
    pub code: &'static str,
    /// Its identity together with the code: no list indices, no counts, no names of other objects. What was already
    /// so before a write has the same subject after it.
    pub subject: Box<str>,
    /// Where it is.
    pub field: FieldPath,
    /// What is wrong and what the visitor will see.
    pub message: Box<str>,
    /// What to do; empty where nothing short can be said.
    pub help: Box<str>,
    /// How to mend it without thinking.
    pub fix: Option<Patch>,
    /// Everything outside the object that it depends on.
    pub rests_on: Vec<Evidence>,
    /// The highest level that this finding can have, whatever its check's level is.
    pub ceiling: Levels,
    /// The text of the warning at admission if the platform is the cause, not the Ingress: rights, watches, time. It is equal for
    /// all Ingresses, so that kubectl prints it once.
    pub shared_warning: Option<Box<str>>,
}

impl Finding {
    /// A finding that rests on nothing but the object and may deny.
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
            shared_warning: None,
        }
    }

    /// Say what to do.
    pub fn help(&mut self, help: impl Into<Box<str>>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Offer a patch.
    pub fn fix(&mut self, fix: Patch) -> &mut Self {
        self.fix = Some(fix);
        self
    }

    /// Name an object that it depends on.
    pub fn rests_on(&mut self, kind: Kind, key: Key) -> &mut Self {
        self.rests_on.push(Evidence::Object(kind, key));
        self
    }

    /// Name an index over Ingresses that it depends on.
    pub fn rests_on_index(&mut self, index: &'static str) -> &mut Self {
        self.rests_on_index_of(Kind::Ingress, index)
    }

    /// Name an index over the objects of a kind that it depends on.
    pub fn rests_on_index_of(&mut self, kind: Kind, index: &'static str) -> &mut Self {
        self.rests_on.push(Evidence::Index(kind, index));
        self
    }

    /// Makes the platform the cause, with a text that does not depend on the Ingress.
    pub fn shared_warning(&mut self, text: impl Into<Box<str>>) -> &mut Self {
        self.shared_warning = Some(text.into());
        self
    }

    /// Never above these levels.
    pub fn at_most(&mut self, ceiling: Levels) -> &mut Self {
        self.ceiling = Levels::new(self.ceiling.guard.min(ceiling.guard), self.ceiling.strict.min(ceiling.strict));
        self
    }
}

impl fmt::Display for Finding {
    /// `field: what is wrong: what the visitor will see; what to do`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, "; {}", self.help) }
    }
}

/// A text with its control characters made visible, so that it stays on one line and commands no terminal. The API server
/// drops a warning that holds one in silence.
#[must_use]
pub fn one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len() + 8), |mut out, character| {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
        out
    })
}

/// A value from an object as messages quote it: escaped, so that it stays on its line, and cut where it is long.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARACTERS: usize = 60;
        match self.0.char_indices().nth(CHARACTERS) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_begins_with_a_test() {
        let field = FieldPath::spec().field("ingressClassName");
        let patch = Patch::on(&field, "ngnix").replace(&field, "nginx");
        assert_eq!(
            serde_json::to_string(&patch).unwrap(),
            r#"[{"op":"test","path":"/spec/ingressClassName","value":"ngnix"},{"op":"replace","path":"/spec/ingressClassName","value":"nginx"}]"#
        );
    }

    #[test]
    fn quoted_values_stay_on_their_line_and_short() {
        assert_eq!(Quoted("/a\nb").to_string(), r#""/a\nb""#);
        assert_eq!(Quoted(&"é".repeat(70)).to_string(), format!("\"{}\"…", "é".repeat(60)));
    }
}
