//! Somebody at a terminal, in one namespace.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{Cluster, Output};
use crate::objects::list;

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

    /// Stored without a word.
    #[track_caller]
    pub(crate) fn stores(&self, objects: &[Value]) {
        let output = self.apply(&list(objects));
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    }

    /// Refused with these words.
    #[track_caller]
    pub(crate) fn refuses(&self, object: &Value, words: &[&str]) {
        let output = self.apply(&object.to_string());
        assert_eq!(output.code, 1, "{output}");
        assert!(output.stderr.contains("Error from server (Forbidden)"), "{output}");
        for word in words {
            assert!(output.stderr.contains(word), "{word} is not in {output}");
        }
    }

    /// Refused with these words, soon: the API server has just started, or rights have just changed. What is stored
    /// until then goes again.
    #[track_caller]
    pub(crate) fn refuses_in_the_end(&self, object: &Value, words: &[&str]) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) && self.apply(&object.to_string()).code == 0 {
            self.does(&["delete", "ingress", object["metadata"]["name"].as_str().unwrap()]);
        }
        self.refuses(object, words);
    }

    /// Stored with a warning of this code.
    #[track_caller]
    pub(crate) fn warns(&self, object: &Value, code: &str) {
        let output = self.apply(&object.to_string());
        assert_eq!(output.code, 0, "{output}");
        assert!(output.stderr.contains(&format!("Warning: {code} ")), "{output}");
    }

    /// Done without a word on standard error.
    #[track_caller]
    pub(crate) fn does(&self, arguments: &[&str]) {
        let output = self.run(arguments, "");
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{arguments:?}: {output}");
    }
}
