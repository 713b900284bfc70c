//! Backends: a Service with a port, or a resource.

use super::exceptions::Exceptions;
use super::fault::{BadValue, Faults};
use super::names::{label, label_1035, path_segment, port_name, subdomain};
use super::node::Node;

pub(super) fn validate(backend: &Node<'_>, exceptions: Exceptions, faults: &mut Faults) {
    let (service, resource) = (backend.field("service"), backend.field("resource"));
    if [backend, &service, &resource].into_iter().any(Node::is_unknown) {
        return;
    }
    // The API server prints an empty value for the whole backend.
    let mut invalid = |problem: &'static str, help: &str| {
        faults.invalid_value(backend.at.clone(), BadValue::Text(String::new()), problem).help(help);
    };
    match (service.is_set(), resource.is_set()) {
        (true, true) => invalid("cannot set both resource and service backends", "remove one of them"),
        (false, false) => invalid("resource or service backend is required", "add service: {name: …, port: …}"),
        (false, true) => validate_resource(&resource, faults),
        (true, false) => {
            validate_name(&service.field("name"), exceptions, faults);
            validate_port(backend, &service.field("port"), faults);
        }
    }
}

fn validate_name(name: &Node<'_>, exceptions: Exceptions, faults: &mut Faults) {
    if name.is_unknown() {
        return;
    }
    if name.text().is_empty() {
        faults.required(name, "");
        return;
    }
    let problems = if exceptions.relaxed_service_names { label(name.text()) } else { label_1035(name.text()) };
    for problem in problems {
        let is_of_namespace = name.text().contains(['/', '.']);
        let help = "name a Service of the namespace of the Ingress";
        faults.invalid(name, problem).help(if is_of_namespace { help } else { "" });
    }
}

fn validate_port(backend: &Node<'_>, port: &Node<'_>, faults: &mut Faults) {
    let (name, number) = (port.field("name"), port.field("number"));
    if [port, &name, &number].into_iter().any(Node::is_unknown) {
        return;
    }
    match (name.text(), number.number()) {
        ("", 0) => {
            faults
                .required(backend, "port name or number is required")
                .help("add service.port.number or service.port.name");
        }
        ("", 1..=65535) => {}
        ("", value) => {
            let value = BadValue::Json(value.to_string());
            faults.invalid_value(number.at, value, "must be between 1 and 65535, inclusive");
        }
        (text, 0) => {
            for problem in port_name(text) {
                let help = if text.bytes().all(|byte| byte.is_ascii_digit()) {
                    format!("use number: {text}")
                } else {
                    String::new()
                };
                faults.invalid(&name, problem).help(help);
            }
        }
        _ => {
            let value = BadValue::Text(String::new());
            let fault = faults.invalid_value(backend.at.clone(), value, "cannot set both port name & port number");
            fault.help("remove one of them");
        }
    }
}

fn validate_resource(resource: &Node<'_>, faults: &mut Faults) {
    let group = resource.field("apiGroup");
    if group.is_set() && !group.is_unknown() {
        for problem in subdomain(group.text()) {
            faults.invalid(&group, problem);
        }
    }
    for field in ["kind", "name"].map(|name| resource.field(name)) {
        if field.is_unknown() {
        } else if field.text().is_empty() {
            faults.required(&field, "");
        } else {
            for problem in path_segment(field.text()) {
                faults.invalid(&field, problem);
            }
        }
    }
}
