//! Ingresses of files that contain placeholders. A finding stands only if it holds whatever these become: the Ingress is evaluated
//! with several values in their places, among them those of its other fields.

use std::collections::BTreeSet;

use crate::budget::Allowance;
use crate::cluster::{ClusterState, Inventory};
use crate::engine::{Engine, Evaluation};
use crate::finding::Finding;
use crate::model::placeholder::{Placeholder, is_placeholder, placeholders};
use crate::model::{
    Annotations, Backend, CLASS_ANNOTATION, FieldPath, Host, Ingress, NGINX_PREFIX, PortRef, TlsEntry, is_class_key,
};
use crate::routing::annotations::{self, Form};
use crate::routing::is_nginx_variable;

/// The most evaluations of one Ingress.
const MOST: usize = 12;
/// The most values of an annotation that are those of other Ingresses.
const MOST_OF_OTHERS: usize = 2;

/// The values of an Ingress that contain placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placeholders {
    /// The number of values.
    pub values: usize,
    /// The variables in lower case, because hosts are kept in it.
    pub names: BTreeSet<String>,
}

impl Placeholders {
    /// Returns the placeholders of an Ingress, if it has any in a field that checks read.
    #[must_use]
    pub fn of(ingress: &Ingress) -> Option<Self> {
        let mut found = Self::default();
        let key = &ingress.meta.key;
        let names = [Some(&key.namespace), Some(&key.name), ingress.class_name.as_ref()].into_iter().flatten();
        names.for_each(|name| found.add(name));
        for (_, value) in unset_annotations(ingress) {
            found.add(value);
        }
        let hosts =
            ingress.tls.iter().flat_map(|entry| &entry.hosts).chain(ingress.rules.iter().map(|rule| &rule.host));
        hosts.for_each(|host| found.add(&host.to_string()));
        ingress.tls.iter().filter_map(|entry| entry.secret_name.as_deref()).for_each(|name| found.add(name));
        ingress.paths().for_each(|path| found.add(&path.path.path));
        for backend in ingress.backends() {
            if let Backend::Service { name, port } = backend.backend {
                found.add(name);
                if let Some(PortRef::Name(port)) = port {
                    found.add(port);
                }
            }
        }
        (found.values > 0).then_some(found)
    }

    fn add(&mut self, text: &str) {
        if is_placeholder(text) {
            self.values += 1;
            self.names.extend(placeholders(text).filter_map(|found| Some(found.name?.to_ascii_lowercase())));
        }
    }
}

/// Evaluates an Ingress with placeholders: the findings that hold for every value that is tried.
pub(super) fn evaluate(engine: &Engine, ingress: &Ingress, known: ClusterState<'_>) -> Evaluation {
    let run = |ingress: &Ingress| engine.run(ingress, known, &Allowance::command());
    let values = Values::of(ingress, known.store);
    let mut evaluation = run(&values.set(ingress, 0));
    for turn in 1..values.turns() {
        let other = run(&values.set(ingress, turn)).findings;
        evaluation.findings.retain_mut(|finding| other.iter().any(|same| holds(finding, same)));
    }
    let unnamed = unnamed_fields(ingress);
    evaluation.findings.retain(|finding| {
        let is_unnamed = !unnamed.is_empty() && unnamed.contains(&finding.field.to_string());
        !is_unnamed && !names_one(&finding.message) && !names_one(&finding.help)
    });
    // Subjects contain hosts and paths: in baselines, those of the file.
    let as_written = run(ingress).findings;
    for finding in &mut evaluation.findings {
        if let Some(same) = as_written.iter().find(|same| is_same(finding, same)) {
            finding.subject.clone_from(&same.subject);
        }
    }
    evaluation
}

/// The fields with names that are placeholders. They stay so in every evaluation.
fn unnamed_fields(ingress: &Ingress) -> BTreeSet<String> {
    let class = ingress.class_name.as_deref().map(|name| ("spec.ingressClassName".to_owned(), name));
    let annotated = ingress.meta.annotations.iter().filter(|(key, _)| is_class_key(key));
    let annotated = annotated.map(|(key, value)| (FieldPath::annotation(key).to_string(), value));
    let secret = |(at, entry): (usize, &'_ TlsEntry)| {
        entry.secret_name.as_deref().filter(|name| is_placeholder(name)).map(|_| format!("spec.tls[{at}].secretName"))
    };
    let secrets = ingress.tls.iter().enumerate().filter_map(secret);
    let named = class.into_iter().chain(annotated).filter(|(_, name)| is_placeholder(name)).map(|(field, _)| field);
    named.chain(secrets).collect()
}

/// Returns whether a finding is the same with other values. What is not the same of its fix, its level, its advice and its
/// effect, it loses.
fn holds(finding: &mut Finding, other: &Finding) -> bool {
    if !is_same(finding, other) {
        return false;
    }
    finding.at_most(other.ceiling);
    finding.fix = finding.fix.take().filter(|fix| other.fix.as_ref() == Some(fix));
    if finding.help != other.help {
        finding.help = Box::default();
    }
    if finding.message != other.message {
        finding.message = problem(&finding.message).into();
    }
    true
}

fn is_same(finding: &Finding, other: &Finding) -> bool {
    finding.code == other.code && finding.field == other.field && problem(&finding.message) == problem(&other.message)
}

/// Returns a message without the effect on requests, which is after the last colon.
fn problem(message: &str) -> &str {
    message.rsplit_once(": ").map_or(message, |(problem, _)| problem)
}

/// Returns whether a text contains a placeholder, and not only variables of nginx.
fn names_one(text: &str) -> bool {
    placeholders(text).any(|found| !is_of_nginx(&found))
}

fn is_of_nginx(found: &Placeholder<'_>) -> bool {
    found.name.is_some_and(is_nginx_variable)
}

/// The annotations with placeholders. `${host}` is a variable of nginx there.
fn unset_annotations(ingress: &Ingress) -> impl Iterator<Item = (&str, &str)> {
    let set = ingress.variables_of_snippets();
    let is_unset = move |value: &str| {
        let is_set = |name: &str| set.contains(&*name.to_ascii_lowercase());
        placeholders(value).any(|found| !is_of_nginx(&found) && !found.name.is_some_and(is_set))
    };
    ingress.meta.annotations.iter().filter(move |(_, value)| is_unset(value))
}

/// The values that are tried: in each turn, one of each list.
struct Values {
    /// The values of variables, and the other hosts of the Ingress.
    hosts: Vec<Option<Host>>,
    /// The values of variables, the root, and the other paths of the Ingress.
    paths: Vec<Option<String>>,
    /// The unknown class, and those that are known.
    classes: Vec<Option<String>>,
    /// An unknown Service, and those of the Ingress and of others on its hosts.
    services: Vec<Option<String>>,
    /// The usual port, a value of the variable, the name of an action in annotations, and the other ports of the Ingress.
    ports: Vec<Option<PortRef>>,
    /// The annotations with placeholders, and the values of each; `None`: without the annotation.
    annotations: Vec<(String, Vec<Option<String>>)>,
}

impl Values {
    fn of(ingress: &Ingress, store: &Inventory) -> Self {
        let hosts =
            || ingress.tls.iter().flat_map(|entry| &entry.hosts).chain(ingress.rules.iter().map(|rule| &rule.host));
        let is_unset = |host: &&Host| is_placeholder(&host.to_string());
        let others: BTreeSet<&Host> = hosts().filter(|host| **host != Host::Any && !is_unset(host)).collect();
        let others: Vec<Host> = others.into_iter().cloned().collect();
        let paths = || ingress.paths().map(|path| &*path.path.path);
        let other_paths =
            paths().filter(|path| !is_placeholder(path)).flat_map(|path| [path, path.trim_end_matches('/')]);
        let other_paths = other_paths.filter(|path| !path.is_empty());
        // Several Ingresses may define a path with the same Service.
        let on_hosts = || ingress.hosts().into_iter().flat_map(|(_, host)| store.ingresses_on(host));
        let beside = || on_hosts().filter(|other| other.meta.key.namespace == ingress.meta.key.namespace);
        let classes = store.classes().map(|class| class.meta.key.name.to_string());
        let ports = || {
            ingress.backends().filter_map(|it| match it.backend {
                Backend::Service { port, .. } => port.as_ref(),
                Backend::Resource => None,
            })
        };
        let is_unset_port = |port: &&PortRef| matches!(port, PortRef::Name(name) if is_placeholder(name));
        let other_ports = ports().filter(|port| !is_unset_port(port)).cloned();
        let class = [ingress.class_name.as_deref(), ingress.meta.annotations.get(CLASS_ANNOTATION)];
        let unset = unset_annotations(ingress).filter(|(key, _)| !is_class_key(key));
        Self {
            hosts: list(2, hosts().any(|host| is_unset(&host)), others.iter().cloned()),
            paths: list(2, paths().any(is_placeholder), ["/"].into_iter().chain(other_paths).map(str::to_owned)),
            classes: list(1, class.into_iter().flatten().any(is_placeholder), classes),
            services: list(
                1,
                services(ingress).any(is_placeholder),
                services(ingress)
                    .chain(beside().flat_map(services))
                    .filter(|name| !is_placeholder(name))
                    .map(str::to_owned),
            ),
            ports: list(
                2,
                ports().any(|port| is_unset_port(&port)),
                [PortRef::Name("use-annotation".into())].into_iter().chain(other_ports),
            ),
            annotations: unset
                .map(|(key, value)| {
                    let of_others = beside().filter_map(|other| other.meta.annotations.get(key));
                    (key.to_owned(), annotation_values(key, value, &others, of_others.take(MOST_OF_OTHERS)))
                })
                .collect(),
        }
    }

    /// The number of evaluations.
    fn turns(&self) -> usize {
        let annotations = self.annotations.iter().map(|(_, values)| values.len());
        let lists = [self.hosts.len(), self.paths.len(), self.classes.len(), self.services.len(), self.ports.len(), 2];
        annotations.chain(lists).max().unwrap_or_default().min(MOST)
    }

    /// Returns the Ingress with values in the places of the placeholders.
    fn set(&self, ingress: &Ingress, turn: usize) -> Ingress {
        let mut set = ingress.clone();
        let of_rules = set.rules.iter_mut().map(|rule| &mut rule.host);
        for host in of_rules.chain(set.tls.iter_mut().flat_map(|entry| &mut entry.hosts)) {
            let text = host.to_string();
            if is_placeholder(&text) {
                *host = turn_of(&self.hosts, turn).unwrap_or_else(|| Host::parse(&filled(&text, turn)));
            }
        }
        for path in set.rules.iter_mut().flat_map(|rule| &mut rule.paths) {
            if is_placeholder(&path.path) {
                let path_of_turn = turn_of(&self.paths, turn);
                path.path = path_of_turn.unwrap_or_else(|| with_root(&filled(&path.path, turn))).into();
            }
            path.backend = self.backend(&path.backend, turn).into();
        }
        set.default_backend = set.default_backend.map(|backend| self.backend(&backend, turn));
        if let Some(class) = turn_of(&self.classes, turn) {
            set.class_name = set.class_name.map(|name| if is_placeholder(&name) { class.clone().into() } else { name });
        }
        let annotations = ingress.meta.annotations.iter();
        let others = annotations.filter(|(key, _)| !self.annotations.iter().any(|(unset, _)| unset == key));
        let class = turn_of(&self.classes, turn);
        let others = others.map(|(key, value)| match &class {
            Some(class) if is_class_key(key) && is_placeholder(value) => (key, class.as_str()),
            _ => (key, value),
        });
        let tried = self.annotations.iter().filter_map(|(key, values)| {
            let value = values.get(turn % values.len())?.as_deref()?;
            Some((key.as_str(), value))
        });
        set.meta.annotations = others.chain(tried).collect::<Annotations>();
        set
    }

    fn backend(&self, backend: &Backend, turn: usize) -> Backend {
        let Backend::Service { name, port } = backend else { return Backend::Resource };
        let other = turn_of(&self.services, turn).filter(|_| is_placeholder(name));
        let port = port.as_ref().map(|port| match port {
            PortRef::Name(name) if is_placeholder(name) => turn_of(&self.ports, turn).unwrap_or_else(|| match turn {
                0 => PortRef::Number(80),
                _ => PortRef::Name(filled(name, turn).into()),
            }),
            port => port.clone(),
        });
        Backend::Service { name: other.map_or_else(|| name.clone(), Into::into), port }
    }
}

/// Returns the names of the Services of an Ingress.
fn services(ingress: &Ingress) -> impl Iterator<Item = &str> {
    ingress.backends().filter_map(|it| match it.backend {
        Backend::Service { name, .. } => Some(&**name),
        Backend::Resource => None,
    })
}

/// Returns a list of values with `own` places for what is made from the placeholder itself; empty if there is none.
fn list<T: PartialEq>(own: usize, is_needed: bool, others: impl Iterator<Item = T>) -> Vec<Option<T>> {
    let mut list: Vec<Option<T>> = Vec::new();
    if is_needed {
        list.extend(std::iter::repeat_with(|| None).take(own));
        for other in others.map(Some) {
            if list.len() < MOST && !list.contains(&other) {
                list.push(other);
            }
        }
    }
    list
}

fn turn_of<T: Clone>(list: &[Option<T>], turn: usize) -> Option<T> {
    list.get(turn.checked_rem(list.len())?)?.clone()
}

/// Returns the values of an annotation that are tried.
fn annotation_values<'a>(
    key: &str,
    value: &str,
    hosts: &[Host],
    of_others: impl Iterator<Item = &'a str>,
) -> Vec<Option<String>> {
    let form = key.strip_prefix(NGINX_PREFIX).and_then(annotations::find).map(|row| row.form);
    let words: &[&str] = match form {
        // Objects of unknown names.
        Some(Form::Service | Form::Reference | Form::Qualified) => return vec![Some(value.to_owned()), None],
        Some(Form::ServerName | Form::ServerNames) => {
            let names = hosts.iter().map(Host::to_string).collect::<Vec<_>>().join(",");
            return vec![Some(filled(value, 0)), Some(filled(value, 1)), Some(names).filter(|it| !it.is_empty()), None];
        }
        _ if key.ends_with("-snippet") => &["return 204;"],
        _ if placeholders(value).next().is_none_or(|found| found.bytes != (0..value.len())) => &[],
        Some(Form::Bool) => &["true", "false"],
        Some(Form::Int | Form::Seconds) => &["1"],
        Some(Form::Size) => &["1m"],
        Some(Form::Codes) => &["404"],
        Some(Form::RootPath) => &["/a"],
        Some(Form::Cidrs) => &["10.0.0.0/8"],
        Some(Form::AuthUrl | Form::Url | Form::HttpUrl) => &["https://a.example/"],
        Some(Form::Word(words) | Form::Containing(words) | Form::AnyCase(words) | Form::Words(words)) => words,
        _ => &[],
    };
    let words = words.iter().map(|word| Some((*word).to_owned()));
    let own = [Some(filled(value, 0)), Some(filled(value, 1))].into_iter();
    let own = own.filter(|_| words.len() == 0 || key.ends_with("-snippet"));
    // A `rewrite-target` that begins as a URL does redirects.
    let may_redirect = key.strip_prefix(NGINX_PREFIX) == Some("rewrite-target")
        && placeholders(value).next().is_some_and(|found| found.bytes.start == 0);
    let redirect = may_redirect.then(|| Some("https://a.example/".to_owned()));
    // Several Ingresses may have the same value.
    let of_others = of_others.filter(|of| !is_placeholder(of)).map(|of| Some(of.to_owned()));
    words.clone().take(MOST - 2 - MOST_OF_OTHERS).chain(own).chain(redirect).chain(of_others).chain([None]).collect()
}

/// Returns a text with a value of its own in the place of each placeholder, made from the name of its variable.
fn filled(text: &str, turn: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for found in placeholders(text).filter(|found| !is_of_nginx(found)) {
        out += &text[at..found.bytes.start];
        let name: String = found.name.unwrap_or("value").chars().filter(char::is_ascii_alphanumeric).collect();
        out += &name.to_ascii_lowercase();
        out += &turn.to_string();
        at = found.bytes.end;
    }
    out + &text[at..]
}

fn with_root(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}
