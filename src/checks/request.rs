//! A request and its result in words, for the messages of checks on paths.

use std::fmt;

use super::Context;
use super::routed_paths::of_other;
use crate::finding::Quoted;
use crate::model::Backend;
use crate::routing::{Answer, Outcome, Refusal};

/// Displays the path of a request in a message, without quotes if it is short and printable.
pub(super) struct Request<'a>(pub(super) &'a str);

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_clear = self.0.len() <= 60 && self.0.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if is_clear { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

/// Describes the result of one request, as the end of `/api …`.
pub(super) fn result(cx: &Context<'_>, answer: &Answer<'_>) -> String {
    match (&answer.outcome, answer.location.as_ref().and_then(|location| location.refusal)) {
        // Other checks report the annotations of this Ingress.
        (Outcome::Backend { of, .. }, Some(Refusal { status, .. })) if of.0.meta.key != cx.ingress.meta.key => {
            format!("returns {status} because{}", of_other(cx, &of.0.meta.key))
        }
        (Outcome::Backend { of, backend, .. }, _) => {
            let service = match backend {
                Backend::Service { name, .. } => format!("Service {}", Quoted(name)),
                Backend::Resource => "a resource".to_owned(),
            };
            format!("goes to {service}{}", of_other(cx, &of.0.meta.key))
        }
        (outcome, _) => format!("returns {outcome}"),
    }
}
