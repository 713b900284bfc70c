//! Somebody at a terminal, in one namespace.

use crate::cluster::{Cluster, Output};

/// kubectl in one namespace.
pub(crate) struct Terminal<'c> {
    pub(crate) cluster: &'c Cluster,
    pub(crate) namespace: &'static str,
}

impl Terminal<'_> {
    pub(crate) fn run(&self, arguments: &[&str], stdin: &str) -> Output {
        let namespace = format!("--namespace={}", self.namespace);
        self.cluster.kubectl_with_stdin(&[&[namespace.as_str()], arguments].concat(), stdin)
    }

    /// What `kubectl apply` says of one object or of a List.
    pub(crate) fn apply(&self, objects: &str) -> Output {
        self.run(&["apply", "--filename=-"], objects)
    }

    #[track_caller]
    pub(crate) fn assert_stored(&self, name: &str, stored: bool) {
        let found = self.run(&["get", "ingress", name, "--output=name"], "");
        if stored {
            assert_eq!(found.ok(), format!("ingress.networking.k8s.io/{name}\n"));
        } else {
            let said = format!("Error from server (NotFound): ingresses.networking.k8s.io \"{name}\" not found\n");
            assert_eq!((found.code, found.stderr), (1, said));
        }
    }
}
