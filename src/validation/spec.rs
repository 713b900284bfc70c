//! The spec of an Ingress.

use super::exceptions::Exceptions;
use super::fault::{BadValue, Faults};
use super::names::subdomain;
use super::node::Node;
use super::{backend, path, tls};

pub(super) fn validate(spec: &Node<'_>, exceptions: Exceptions, faults: &mut Faults) {
    let (rules, default) = (spec.field("rules"), spec.field("defaultBackend"));
    let is_unknown = [spec, &rules, &default].into_iter().any(Node::is_unknown);
    if rules.items().next().is_none() && !default.is_set() && !is_unknown {
        let value = BadValue::Json(if rules.is_set() { "[]" } else { "null" }.to_owned());
        let fault =
            faults.invalid_value(spec.at.clone(), value, "either `defaultBackend` or `rules` must be specified");
        fault.help("add spec.rules");
    }
    if default.is_set() {
        backend::validate(&default, exceptions, faults);
    }
    for rule in rules.items() {
        path::validate_rule(&rule, exceptions, faults);
    }
    faults.at("");
    tls::validate(&spec.field("tls"), exceptions, faults);
    let class = spec.field("ingressClassName");
    if class.is_set() && !class.is_unknown() {
        for problem in subdomain(class.text()) {
            faults.invalid(&class, problem).help("use the name of an IngressClass, or remove the field");
        }
    }
}
