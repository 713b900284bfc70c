//! A hash of what an Ingress says, by which a review and a watch recognise the same write.

use std::hash::{Hash as _, Hasher};

use ring::digest::{Context, SHA256};

use super::Ingress;

impl Ingress {
    /// Returns a hash of its content: namespace and name, the relevant annotations, and the spec. Labels are left out, because a write
    /// that changes nothing else is not reviewed. Processes of one version have equal hashes of equal contents.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let Self { meta, class_name, default_backend, tls, rules, .. } = self;
        let mut hasher = Sha256::default();
        (&meta.key, &meta.annotations, class_name, default_backend, tls, rules).hash(&mut hasher);
        hasher.finish()
    }

    /// Returns a hash of its content and of the time of its last write. Another write of the same content has another one, except
    /// within the same second. `None`: the time is not known.
    #[must_use]
    pub fn write_fingerprint(&self) -> Option<u64> {
        let mut hasher = Sha256::default();
        (self.fingerprint(), self.last_write?.as_second()).hash(&mut hasher);
        Some(hasher.finish())
    }
}

/// SHA-256, cut to 64 bits: contents with equal hashes cannot be constructed on purpose.
struct Sha256(Context);

impl Default for Sha256 {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finish();
        digest.as_ref().iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ingress(change: impl FnOnce(&mut Value)) -> Ingress {
        let mut object = json!({
            "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-11-22T11:30:00Z"},
            "spec": {"rules": [{"host": "app.example.com", "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
            ]}}]},
        });
        change(&mut object);
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn a_change_of_the_content_changes_the_hash() {
        let plain = ingress(|_| {}).fingerprint();
        let changes: [fn(&mut Value); 6] = [
            |it| it["metadata"]["name"] = json!("api"),
            |it| it["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/"}),
            |it| it["spec"]["ingressClassName"] = json!("nginx"),
            |it| it["spec"]["tls"] = json!([{"hosts": ["app.example.com"]}]),
            |it| it["spec"]["defaultBackend"] = json!({"service": {"name": "web", "port": {"number": 80}}}),
            |it| it["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = json!({"name": "80"}),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_ne!(ingress(change).fingerprint(), plain, "{number}");
        }
        let same: [fn(&mut Value); 4] = [
            |it| it["metadata"]["labels"] = json!({"kubernetes.io/ingress.class": "nginx"}),
            |it| it["metadata"]["creationTimestamp"] = json!("2026-11-22T11:31:00Z"),
            |it| it["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"}),
            |it| it["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}),
        ];
        for (number, change) in same.into_iter().enumerate() {
            assert_eq!(ingress(change).fingerprint(), plain, "{number}");
        }
    }

    #[test]
    fn two_writes_of_one_content_differ_in_their_time() {
        let (first, second) =
            (ingress(|_| {}), ingress(|it| it["metadata"]["creationTimestamp"] = json!("2026-11-22T11:31:00Z")));
        assert_ne!(first.write_fingerprint(), second.write_fingerprint());
        let unstored = ingress(|it| it["metadata"]["creationTimestamp"] = Value::Null);
        assert_eq!(unstored.write_fingerprint(), None);
    }
}
