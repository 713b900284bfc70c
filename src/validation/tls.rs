//! TLS entries: hosts and names of Secrets.

use super::exceptions::Exceptions;
use super::fault::Faults;
use super::host::validate_host;
use super::names::subdomain;
use super::node::Node;

pub(super) fn validate(tls: &Node<'_>, exceptions: Exceptions, faults: &mut Faults) {
    for entry in tls.items() {
        for host in entry.field("hosts").items().filter(|host| !host.is_unknown()) {
            validate_host(&host, faults);
        }
        let secret = entry.field("secretName");
        if exceptions.secret_names || secret.text().is_empty() || secret.is_unknown() {
            continue;
        }
        for problem in subdomain(secret.text()) {
            let is_of_namespace = secret.text().contains('/');
            let help = "name a Secret of the namespace of the Ingress";
            faults.invalid(&secret, problem).help(if is_of_namespace { help } else { "" });
        }
    }
}
