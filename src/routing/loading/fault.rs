//! A fault of an annotation and its effect.

use crate::model::{Key, Kind};
use crate::routing::annotations::{Annotation, Effect, Flaw, Risk};

/// A fault of one annotation, and its effect.
#[derive(Debug, Clone)]
pub struct AnnotationFault<'a> {
    /// The annotation.
    pub row: &'static Annotation,
    /// Its value.
    pub value: &'a str,
    /// The effect.
    pub effect: Effect,
    /// The reason.
    pub reason: FaultReason,
    /// Whether the effect is certain; otherwise it depends on a version or setting that is not known.
    pub certain: bool,
    /// The object on which the fault depends.
    pub rests_on: Option<(Kind, Key)>,
}

/// The reason for a fault of an annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultReason {
    /// The value is empty, or it has this flaw.
    Value(Option<Flaw>),
    /// It contains this text of `annotation-value-word-blocklist`.
    BlockedWord(Box<str>),
    /// Its risk exceeds this level, the highest that the controller accepts.
    Risk(Risk),
    /// The controller does not allow snippets.
    SnippetsDisabled,
    /// `auth-type` is set without `auth-secret`.
    SecretNotSet,
    /// The object does not exist.
    Absent(Kind),
    /// The object lacks the first; the second is the fix.
    Lacks(Kind, &'static str, &'static str),
    /// The object is in another namespace.
    InOtherNamespace(Kind),
    /// The controller uses the value as `namespace/name` and does not add a namespace.
    WithoutNamespace(Kind),
    /// The headers of the ConfigMap are not in `global-allowed-response-headers`.
    HeadersNotAllowed,
}
