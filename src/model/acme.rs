//! The HTTP-01 challenges of ACME as cert-manager serves them (cert-manager, `pkg/issuer/acme/http`). The Ingress or path
//! and its Service exist for the duration of a challenge, and both are written within a second.

use super::{Backend, FieldPath, Ingress, Path, Rule, Segment};

/// The path of a challenge up to its token (RFC 8555, section 8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";
/// The `generateName` of a solver's Service.
const SOLVER: &str = "cm-acme-http-solver-";

impl Path {
    /// Whether cert-manager serves a challenge here: the last part is a token of the base64url alphabet, and the backend has the
    /// name of a solver's Service. No regex consists of a token, so the path has no other effect.
    #[must_use]
    pub fn is_acme_challenge(&self) -> bool {
        let is_token = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let is_solver = |name: &str| name.strip_prefix(SOLVER).is_some_and(|suffix| !suffix.is_empty());
        self.path.strip_prefix(CHALLENGES).is_some_and(is_token)
            && matches!(&*self.backend, Backend::Service { name, .. } if is_solver(name))
    }
}

impl Rule {
    /// Whether the rule serves challenges and nothing else.
    #[must_use]
    pub fn serves_only_acme_challenges(&self) -> bool {
        !self.paths.is_empty() && self.paths.iter().all(Path::is_acme_challenge)
    }
}

impl Ingress {
    /// Whether the Ingress serves challenges and nothing else. The label of a solver alone proves nothing: every client can set
    /// it.
    pub(super) fn serves_only_acme_challenges(&self) -> bool {
        self.default_backend.is_none()
            && !self.rules.is_empty()
            && self.rules.iter().all(Rule::serves_only_acme_challenges)
    }

    /// Whether a field belongs to the path of a challenge. cert-manager adds such paths to an existing Ingress if the issuer
    /// names one (`http01.ingress.name`).
    #[must_use]
    pub fn is_acme_challenge_at(&self, field: &FieldPath) -> bool {
        let [_, _, Segment::Index(rule), _, _, Segment::Index(path), ..] = field.segments() else { return false };
        let path = self.rules.get(*rule).and_then(|rule| rule.paths.get(*path));
        path.is_some_and(Path::is_acme_challenge)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ingress(label: &str, path: &str, service: &str, more: serde_json::Value) -> Ingress {
        let backend = json!({"service": {"name": service, "port": {"number": 8089}}});
        let mut object = json!({
            "metadata": {"name": "a", "labels": {label: "true"}},
            "spec": {"rules": [{"host": "app.example.com", "http": {"paths": [{"path": path, "backend": backend}]}}]},
        });
        if !more.is_null() {
            object["spec"]["rules"].as_array_mut().unwrap().push(more);
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_solver_has_the_label_and_only_paths_of_challenges() {
        const LABEL: &str = "acme.cert-manager.io/http01-solver";
        const PATH: &str = "/.well-known/acme-challenge/a-T0_k3n";
        const SERVICE: &str = "cm-acme-http-solver-9m4fd";
        let none = serde_json::Value::Null;
        for (label, path, service, more, is_solver) in [
            (LABEL, PATH, SERVICE, none.clone(), true),
            ("team", PATH, SERVICE, none.clone(), false),
            (LABEL, "/", SERVICE, none.clone(), false),
            (LABEL, "", SERVICE, none.clone(), false),
            (LABEL, "/.well-known/acme-challenge/", SERVICE, none.clone(), false),
            (LABEL, "/.well-known/acme-challenge/a|/", SERVICE, none.clone(), false),
            (LABEL, "/.well-known/acme-challenge/../admin", SERVICE, none.clone(), false),
            (LABEL, PATH, "web", none.clone(), false),
            (LABEL, PATH, SOLVER, none, false),
            (LABEL, PATH, SERVICE, json!({"host": "b.example.com"}), false),
        ] {
            let ingress = ingress(label, path, service, more);
            assert_eq!(ingress.is_acme_solver, is_solver, "{label} {path} {service} {:?}", ingress.rules);
        }
        let mut with_default = json!({"metadata": {"labels": {LABEL: "true"}}, "spec": {"defaultBackend": {}}});
        assert!(!serde_json::from_value::<Ingress>(with_default.clone()).unwrap().is_acme_solver);
        with_default["spec"] = json!({});
        assert!(!serde_json::from_value::<Ingress>(with_default).unwrap().is_acme_solver);
    }

    #[test]
    fn fields_of_a_challenge_are_those_of_its_path() {
        let ingress = ingress(
            "team",
            "/.well-known/acme-challenge/t0k3n",
            "cm-acme-http-solver-9m4fd",
            json!({
                "host": "b.example.com", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "web"}}}]},
            }),
        );
        let fields: Vec<FieldPath> = ingress.paths().map(|at| at.field().field("backend").field("service")).collect();
        assert_eq!(fields.iter().map(|at| ingress.is_acme_challenge_at(at)).collect::<Vec<_>>(), [true, false]);
        for field in [FieldPath::spec(), FieldPath::spec().field("rules").index(0), FieldPath::annotation("a")] {
            assert!(!ingress.is_acme_challenge_at(&field), "{field}");
        }
    }
}
