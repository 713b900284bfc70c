//! The rules of an Ingress: hosts and paths.

use super::backend;
use super::exceptions::Exceptions;
use super::fault::{BadValue, Faults, Reason};
use super::host::{is_ip, validate_host};
use super::names::path_text;
use super::node::Node;
use crate::model::suggest::nearest;

const PATH_TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];

pub(super) fn validate_rule(rule: &Node<'_>, exceptions: Exceptions, faults: &mut Faults) {
    let host = rule.field("host");
    faults.at(host.text());
    if !host.is_unknown() && !host.text().is_empty() {
        if is_ip(host.text()) {
            let fault = faults.invalid(&host, "must be a DNS name, not an IP address");
            fault.help("use a host name, or remove host");
        }
        validate_host(&host, faults);
    }
    let is_exempt = exceptions.wildcard_rules && host.text().contains('*');
    let http = rule.field("http");
    if http.is_set() && !http.is_unknown() && !is_exempt {
        validate_paths(&http.field("paths"), host.text(), exceptions, faults);
    }
}

fn validate_paths(paths: &Node<'_>, host: &str, exceptions: Exceptions, faults: &mut Faults) {
    if paths.items().next().is_none() && !paths.is_unknown() {
        faults.required(paths, "").help("add a path, or remove http");
    }
    for path in paths.items().filter(|path| !path.is_unknown()) {
        faults.at(format!("{host} {}", path.field("path").text()).trim_start());
        validate_path(&path, exceptions, faults);
    }
}

fn validate_path(node: &Node<'_>, exceptions: Exceptions, faults: &mut Faults) {
    let (path, path_type) = (node.field("path"), node.field("pathType"));
    if !path_type.is_set() {
        // The API server does not validate the rest of the path then.
        faults.required(&path_type, "pathType must be specified").help("add pathType: Prefix");
        return;
    }
    match path_type.text() {
        text if PATH_TYPES.contains(&text) => {
            if !path.is_unknown() {
                for problem in path_text(path.text(), text != "ImplementationSpecific") {
                    faults.invalid(&path, problem).help(path_help(path.text()));
                }
            }
        }
        _ if path_type.is_unknown() => {}
        text => {
            let supported = "supported values: \"Exact\", \"ImplementationSpecific\", \"Prefix\"";
            let reason = Reason::Unsupported(BadValue::Text(text.to_owned()), supported.into());
            let meant = nearest(text, PATH_TYPES);
            let fault = faults.add(path_type.at.clone(), reason);
            fault.help(meant.map_or_else(|| "use Prefix".to_owned(), |meant| format!("use {meant}")));
        }
    }
    backend::validate(&node.field("backend"), exceptions, faults);
}

fn path_help(path: &str) -> String {
    if path.is_empty() {
        "add path: /".to_owned()
    } else if path.starts_with('/') {
        "a Prefix or Exact path is literal text: remove this part".to_owned()
    } else {
        "begin the path with /".to_owned()
    }
}
