//! The process of an ingress controller in a container: its image and the flags that decide which Ingresses it handles and how.

use serde::Deserialize;

use super::lax::{self, Text};

/// The flags of ingress-nginx that are kept, and whether each is a switch; every other one is dropped when an object is read.
const KEPT: [(&str, bool); 15] = [
    ("annotations-prefix", false),
    ("configmap", false),
    ("controller-class", false),
    ("default-backend-service", false),
    ("default-ssl-certificate", false),
    ("disable-catch-all", true),
    ("disable-svc-external-name", true),
    ("enable-annotation-validation", true),
    ("enable-ssl-passthrough", true),
    ("ingress-class", false),
    ("ingress-class-by-name", true),
    ("publish-service", false),
    ("watch-ingress-without-class", true),
    ("watch-namespace", false),
    ("watch-namespace-selector", false),
];

/// The flag that starts Traefik's ingress-nginx provider, and the prefix of the flags of the provider. Traefik ignores the case
/// of flags.
const TRAEFIK_PROVIDER: &str = "providers.kubernetesingressnginx";
/// The name of the program of ingress-nginx in its image.
const NGINX_PROGRAM: &str = "nginx-ingress-controller";
/// Parts of image names of ingress-nginx and its forks.
const NGINX_IMAGES: [&str; 4] =
    ["ingress-nginx/controller", "nginx-ingress-controller", "ingress-nginx-controller", "ingress-controller-nginx"];

/// A controller that reads the annotations of ingress-nginx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerProcess {
    /// The program.
    pub program: ControllerProgram,
    /// `image` of the container.
    pub image: Box<str>,
    /// The flags that are kept, in order, without `--` and the provider's prefix, in lower case. The value of a switch without
    /// one is `true`. `None`: the flags cannot be read from the container, as in a shell script.
    pub flags: Option<Flags>,
    /// The environment variables that the flags reference.
    pub environment: Box<[(Box<str>, EnvironmentValue)]>,
}

/// Flags with their values.
type Flags = Box<[(Box<str>, Box<str>)]>;

/// The program of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerProgram {
    /// ingress-nginx or a fork.
    Nginx,
    /// Traefik with its ingress-nginx provider.
    Traefik,
}

/// The value of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentValue {
    /// `value`
    Text(Box<str>),
    /// The namespace of the pod.
    Namespace,
    /// From another source, which is not read.
    Unknown,
}

impl ControllerProcess {
    /// Returns the value of the last flag of this name with its references to environment variables replaced, as Kubernetes
    /// does. `namespace` is that of the pod. `None`: unknown; `Some(None)`: not set.
    #[must_use]
    pub fn flag(&self, name: &str, namespace: &str) -> Option<Option<String>> {
        let flags = self.flags.as_deref()?;
        let Some((_, value)) = flags.iter().rev().find(|(have, _)| **have == *name) else { return Some(None) };
        self.expanded(value, namespace).map(Some)
    }

    /// `$(NAME)` is the variable, `$$` is `$`; a reference to a variable that does not exist stays as it is.
    fn expanded(&self, text: &str, namespace: &str) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                (out, rest) = (out + "$", after);
                continue;
            }
            let reference = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
            let Some((name, after)) = reference else {
                out.push('$');
                continue;
            };
            match self.environment.iter().rev().find(|(have, _)| **have == *name) {
                Some((_, EnvironmentValue::Text(value))) => out.push_str(value),
                Some((_, EnvironmentValue::Namespace)) => out.push_str(namespace),
                Some((_, EnvironmentValue::Unknown)) => return None,
                None => out = out + "$(" + name + ")",
            }
            rest = after;
        }
        Some(out + rest)
    }
}

/// One of the environment variables of a container.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireVariable {
    #[serde(deserialize_with = "lax::null")]
    name: Box<str>,
    value: Text,
    value_from: Option<WireSource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireSource {
    field_ref: Option<WireField>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireField {
    #[serde(deserialize_with = "lax::null")]
    field_path: Box<str>,
}

impl ControllerProcess {
    /// Returns the controller that a container runs, if it runs one.
    pub(super) fn of(image: Box<str>, command: &[Text], args: &[Text], env: Vec<WireVariable>) -> Option<Self> {
        let words = || command.iter().chain(args).map(|word| &*word.0);
        let runs_nginx = words().any(|word| word.rsplit('/').next() == Some(NGINX_PROGRAM));
        let repository = image.split('@').next().unwrap_or_default();
        let is_nginx = runs_nginx || NGINX_IMAGES.iter().any(|part| repository.contains(part));
        let program = if is_nginx {
            ControllerProgram::Nginx
        } else if words().any(starts_provider) {
            ControllerProgram::Traefik
        } else {
            return None;
        };
        // Of another command, such as a shell script, the flags are not known.
        let is_readable = runs_nginx || program == ControllerProgram::Traefik || command.is_empty();
        let flags = is_readable.then(|| flags(program, words()));
        let references = |name: &str| {
            let reference = format!("$({name})");
            flags.as_deref().is_some_and(|flags| flags.iter().any(|(_, value)| value.contains(&reference)))
        };
        let environment = env.into_iter().filter(|variable| references(&variable.name)).map(WireVariable::read);
        Some(Self { program, image, environment: environment.collect(), flags })
    }
}

fn starts_provider(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let Some(rest) = word.strip_prefix("--").and_then(|flag| flag.strip_prefix(TRAEFIK_PROVIDER)) else { return false };
    rest.is_empty() || rest == "=true" || rest.starts_with('.')
}

/// Reads flags as Go's `pflag` does: `--name=value`, `--name value`, and `--name` for a switch.
fn flags<'a>(program: ControllerProgram, words: impl Iterator<Item = &'a str>) -> Flags {
    let mut words = words.peekable();
    let mut flags = Vec::new();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        let name = match program {
            ControllerProgram::Nginx => name.to_owned(),
            ControllerProgram::Traefik => {
                let name = name.to_ascii_lowercase();
                let Some(own) = name.strip_prefix(TRAEFIK_PROVIDER).and_then(|own| own.strip_prefix('.')) else {
                    continue;
                };
                let own = own.to_owned();
                KEPT.iter().find(|(kept, _)| kept.replace('-', "") == own).map_or(own, |(kept, _)| (*kept).to_owned())
            }
        };
        let Some((_, is_switch)) = KEPT.iter().find(|(kept, _)| *kept == name) else { continue };
        let value = match value {
            Some(value) => value,
            None if *is_switch => "true",
            None => words.next_if(|next| !next.starts_with("--")).unwrap_or_default(),
        };
        flags.push((name.into(), value.into()));
    }
    flags.into_boxed_slice()
}

impl WireVariable {
    fn read(self) -> (Box<str>, EnvironmentValue) {
        let is_namespace = |source: &WireSource| {
            source.field_ref.as_ref().is_some_and(|field| &*field.field_path == "metadata.namespace")
        };
        let value = match (self.value.0, self.value_from) {
            (_, Some(source)) if is_namespace(&source) => EnvironmentValue::Namespace,
            (_, Some(_)) => EnvironmentValue::Unknown,
            (value, None) => EnvironmentValue::Text(value),
        };
        (self.name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Workload;

    fn process(text: &str) -> Option<ControllerProcess> {
        let template = format!(
            r#"{{"metadata": {{"name": "c"}}, "spec": {{"template": {{"spec": {{"containers": [{text}]}}}}}}}}"#
        );
        serde_json::from_str::<Workload>(&template).unwrap().template.controller.map(|controller| *controller)
    }

    #[test]
    fn flags_are_read_as_go_reads_them_and_references_are_replaced() {
        let process = process(
            r#"{"image": "registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:abc",
                "args": ["/nginx-ingress-controller", "--configmap=$(POD_NAMESPACE)/$$x", "--ingress-class", "public",
                         "--enable-ssl-passthrough", "--maxmind-license-key=hidden", "--publish-service=$(SECRET)/x",
                         "--watch-namespace=$(MISSING)"],
                "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                        {"name": "OTHER", "value": "dropped"}]}"#,
        )
        .unwrap();
        let flag = |name| process.flag(name, "ingress-nginx");
        assert_eq!(flag("configmap"), Some(Some("ingress-nginx/$x".to_owned())));
        assert_eq!(flag("ingress-class"), Some(Some("public".to_owned())));
        assert_eq!(flag("enable-ssl-passthrough"), Some(Some("true".to_owned())));
        assert_eq!(flag("publish-service"), None, "the value of a Secret is not read");
        assert_eq!(flag("watch-namespace"), Some(Some("$(MISSING)".to_owned())));
        assert_eq!(flag("controller-class"), Some(None));
        assert!(!format!("{process:?}").contains("hidden") && !format!("{process:?}").contains("dropped"));
    }

    #[test]
    fn a_controller_is_recognised_by_its_program_or_image() {
        let traefik = process(
            r#"{"image": "traefik:v3.6", "args": ["--providers.kubernetesIngressNGINX",
                "--providers.kubernetesIngressNGINX.watchIngressWithoutClass=true"]}"#,
        )
        .unwrap();
        assert_eq!(traefik.program, ControllerProgram::Traefik);
        assert_eq!(traefik.flag("watch-ingress-without-class", ""), Some(Some("true".to_owned())));
        let script = process(
            r#"{"image": "rancher/nginx-ingress-controller:v1.14.3-hardened1", "command": ["sh", "-c", "x --configmap=a/b"]}"#,
        );
        assert_eq!(script.unwrap().flag("configmap", ""), None, "the flags of a script are unknown");
        for other in [
            r#"{"image": "nginx/nginx-ingress:5.0", "args": ["-nginx-configmaps=a/b"]}"#,
            r#"{"image": "traefik:v3.6", "args": ["--providers.kubernetesingress"]}"#,
            r#"{"image": "nginx"}"#,
        ] {
            assert_eq!(process(other), None, "{other}");
        }
    }
}
