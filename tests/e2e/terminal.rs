//! A client that runs kubectl in one namespace.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use ingress_guard::checks;
use serde_json::Value;

use crate::cluster::{Cluster, Output};
use crate::objects::list;

/// The message of a denial with these findings, where waivers are on and mentioned.
pub(crate) fn denial(ingress: &str, findings: &[&str]) -> String {
    denial_until(ingress, findings, "")
}

/// The same where the denial is gone once an object exists, such as `Service shop/web`.
pub(crate) fn denial_until(ingress: &str, findings: &[&str], object: &str) -> String {
    let codes: Vec<&str> = findings.iter().map(|finding| code_of(finding)).collect();
    let plural = if codes.len() == 1 { "" } else { "s" };
    let hint = match object {
        "" => String::new(),
        object => format!("if {object} comes later in the same apply, apply again\n"),
    };
    let mut message = format!(
        "Ingress {ingress} is denied: {} finding{plural}\n{}\n{hint}run \"ingress-guard explain {}\" for details",
        codes.len(),
        findings.join("\n"),
        codes[0]
    );
    if codes.iter().all(|code| checks::find(code).is_some_and(|check| check.waivable)) {
        let mut waivers: Vec<String> = codes.iter().map(|code| format!("{code} reason=…")).collect();
        waivers.dedup();
        let _ = write!(message, "\nor waive with annotation ingress-guard.io/ignore: \"{}\"", waivers.join("; "));
    }
    message
}

/// `… [IG201 service-not-found]` → `IG201`
fn code_of(finding: &str) -> &str {
    let (_, code) = finding.rsplit_once('[').unwrap();
    code.split(' ').next().unwrap()
}

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

    /// Applies one object or a List and returns the output of kubectl.
    pub(crate) fn apply(&self, objects: &str) -> Output {
        self.run(&["apply", "--filename=-"], objects)
    }

    #[track_caller]
    pub(crate) fn assert_stored(&self, name: &str, stored: bool) {
        let found = self.run(&["get", "ingress", name, "--output=name"], "");
        if stored {
            assert_eq!(found.ok(), format!("ingress.networking.k8s.io/{name}\n"));
        } else {
            let expected = format!("Error from server (NotFound): ingresses.networking.k8s.io \"{name}\" not found\n");
            assert_eq!((found.code, found.stderr), (1, expected));
        }
    }

    /// Asserts that the object is stored without a warning.
    #[track_caller]
    pub(crate) fn stores(&self, objects: &[Value]) {
        let output = self.apply(&list(objects));
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
    }

    /// Asserts that the object is denied with these words.
    #[track_caller]
    pub(crate) fn refuses(&self, object: &Value, words: &[&str]) {
        let output = self.apply(&object.to_string());
        assert_eq!(output.code, 1, "{output}");
        assert!(output.stderr.contains("Error from server (Forbidden)"), "{output}");
        for word in words {
            assert!(output.stderr.contains(word), "{word} is not in {output}");
        }
    }

    /// Waits until the object is denied with these words, after a start of the API server or a change of permissions.
    /// Deletes what is stored until then.
    #[track_caller]
    pub(crate) fn refuses_in_the_end(&self, object: &Value, words: &[&str]) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) && self.apply(&object.to_string()).code == 0 {
            self.does(&["delete", "ingress", object["metadata"]["name"].as_str().unwrap()]);
        }
        self.refuses(object, words);
    }

    /// Asserts that the object is stored with a warning of this code.
    #[track_caller]
    pub(crate) fn warns(&self, object: &Value, code: &str) {
        let output = self.apply(&object.to_string());
        assert_eq!(output.code, 0, "{output}");
        let ingress = format!("{}/{}", self.namespace, object["metadata"]["name"].as_str().unwrap());
        assert!(output.stderr.contains(&format!("Warning: {ingress} {code} ")), "{output}");
    }

    /// Asserts that a new object is denied, and the whole output of kubectl: one line for each problem.
    #[track_caller]
    pub(crate) fn denies(&self, object: &Value, faults: &[&str]) {
        self.denies_until(object, faults, "");
    }

    /// The same where the denial is gone once an object exists.
    #[track_caller]
    pub(crate) fn denies_until(&self, object: &Value, faults: &[&str], absent: &str) {
        let output = self.apply(&object.to_string());
        let name = object["metadata"]["name"].as_str().unwrap();
        let expected = format!(
            "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \
             \"validate.ingress-guard.io\" denied the request: {}\n",
            denial_until(&format!("{}/{name}", self.namespace), faults, absent)
        );
        assert_eq!((output.code, output.stdout.as_str(), output.stderr), (1, "", expected));
        self.assert_stored(name, false);
    }

    /// Asserts that the object is stored, and all warnings that kubectl prints.
    #[track_caller]
    pub(crate) fn stores_warned(&self, object: &Value, warnings: &[&str]) {
        let output = self.apply(&object.to_string());
        let ingress = format!("{}/{}", self.namespace, object["metadata"]["name"].as_str().unwrap());
        let expected: Vec<String> = warnings.iter().map(|warning| format!("Warning: {ingress} {warning}")).collect();
        let printed: Vec<&str> = output.stderr.lines().collect();
        assert_eq!((output.code, printed), (0, expected.iter().map(String::as_str).collect()), "{}", output.stdout);
        self.assert_stored(object["metadata"]["name"].as_str().unwrap(), true);
    }

    /// As above, after the watches have received the objects that the warnings depend on: dry runs poll for that.
    #[track_caller]
    pub(crate) fn stores_warned_in_the_end(&self, object: &Value, warnings: &[&str]) {
        let started = Instant::now();
        let is_late = || {
            let dry_run = self.run(&["apply", "--dry-run=server", "--filename=-"], &object.to_string());
            dry_run.code != 0 || dry_run.stderr.is_empty()
        };
        while started.elapsed() < Duration::from_secs(20) && is_late() {}
        self.stores_warned(object, warnings);
    }

    /// Asserts that the command succeeds without output on standard error.
    #[track_caller]
    pub(crate) fn does(&self, arguments: &[&str]) {
        let output = self.run(arguments, "");
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{arguments:?}: {output}");
    }
}
