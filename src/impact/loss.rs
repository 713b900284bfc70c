//! Losses in words: one finding for all Ingresses that lose the same.

use crate::checks::{CHECK_NOT_EVALUATED, CONTROLLER_SETTING_IN_USE};
use crate::finding::Finding;
use crate::model::{FieldPath, Ingress, Key, PathRef};

/// The longest host and path in a message, in characters. The effect stands after them.
const PLACE: usize = 80;
/// The most findings about losses. A response has eight warnings; the last says how many Ingresses were not evaluated.
const MOST: usize = 7;

/// What Ingresses lose by one write.
pub(super) struct Losses {
    /// The written object, such as `Service shop/web`.
    object: String,
    /// Whether the write deletes it.
    is_deleted: bool,
    /// The only namespace whose Ingresses may be named; `None`: all.
    named: Option<Box<str>>,
    all: Vec<Loss>,
}

struct Loss {
    code: &'static str,
    /// What Ingresses with this loss have in common.
    shared: Box<str>,
    /// What is wrong and its effect.
    what: Box<str>,
    /// The first Ingress by namespace and name, and the request that it loses.
    first: (Key, Option<String>),
    /// The latest Ingress that was added, so that one with several paths counts once.
    latest: Key,
    ingresses: usize,
}

impl Losses {
    pub(super) fn of(object: String, is_deleted: bool) -> Self {
        Self { object, is_deleted, named: None, all: Vec::new() }
    }

    /// Leaves out the names of Ingresses of other namespaces.
    pub(super) fn hide_other_namespaces(&mut self, own: &str) {
        self.named = Some(own.into());
    }

    /// Adds a finding that an Ingress has because of the write.
    pub(super) fn add(&mut self, code: &'static str, ingress: &Ingress, found: &Finding) {
        let shared = self.shared(code, found);
        let key = &ingress.meta.key;
        let place = || ingress.paths().find(|path| holds(path, found)).map(place);
        let known = self.all.iter_mut().find(|loss| loss.code == code && *loss.shared == *shared);
        let loss = match known {
            Some(loss) if loss.latest == *key => return,
            Some(loss) => {
                loss.latest = key.clone();
                loss.ingresses += 1;
                if loss.first.0 < *key {
                    return;
                }
                loss
            }
            None => {
                let (shared, what) = (shared.into(), Box::default());
                self.all.push(Loss {
                    code,
                    shared,
                    what,
                    first: (key.clone(), None),
                    latest: key.clone(),
                    ingresses: 1,
                });
                let Some(loss) = self.all.last_mut() else { return };
                loss
            }
        };
        loss.first = (key.clone(), place());
        loss.what = if self.is_deleted { found.effect().into() } else { found.message.clone() };
    }

    /// What Ingresses with this loss have in common. What a setting refuses is named by its check and effect, because the message
    /// names the path or the annotation of one Ingress.
    fn shared(&self, code: &'static str, found: &Finding) -> String {
        if code == CONTROLLER_SETTING_IN_USE.code {
            format!("{} {}", found.code, found.effect())
        } else if self.is_deleted {
            found.effect().to_owned()
        } else {
            found.message.to_string()
        }
    }

    /// Returns the findings. `not_evaluated` is the number of further Ingresses that may lose as well.
    pub(super) fn findings(mut self, not_evaluated: usize) -> Vec<Finding> {
        self.all.sort_by(|a, b| (a.code, b.ingresses).cmp(&(b.code, a.ingresses)));
        let left_out = self.all.len().saturating_sub(MOST);
        let mut findings: Vec<Finding> = self.all.iter().take(MOST).map(|loss| self.finding(loss)).collect();
        if left_out > 0
            && let Some(last) = findings.last_mut()
        {
            let more = format!("; and {left_out} other effects");
            last.shared_warning = last.shared_warning.take().map(|text| format!("{text}{more}").into());
        }
        if not_evaluated > 0 {
            let message = format!("{}: {} not evaluated", self.object, counted(not_evaluated));
            findings.push(finding(CHECK_NOT_EVALUATED.code, message, ""));
        }
        findings
    }

    fn finding(&self, loss: &Loss) -> Finding {
        let Loss { code, what, first: (ingress, place), ingresses, .. } = loss;
        let object = &self.object;
        if *code == CONTROLLER_SETTING_IN_USE.code {
            let may_be_named = self.named.as_ref().is_none_or(|own| *own == ingress.namespace);
            let message = if may_be_named {
                format!("{object}: {}: {what}", subject(ingress, *ingresses))
            } else {
                let effect = what.rsplit_once(": ").map_or(&**what, |(_, effect)| effect);
                format!("{object}: {}: {effect}", counted(*ingresses))
            };
            return finding(code, message, "change the Ingresses first");
        }
        let (who, s) = (subject(ingress, *ingresses), if *ingresses == 1 { "s" } else { "" });
        let message = match place {
            Some(place) => format!("{object}: {who} send{s} {place} here: {what}"),
            None => format!("{object}: {who} send{s} requests here: {what}"),
        };
        let help = if self.is_deleted { "point them to another Service first" } else { "change the Ingresses first" };
        finding(code, message, help)
    }
}

/// `Ingress shop/web`, or `Ingress shop/web and 2 more`.
fn subject(first: &Key, ingresses: usize) -> String {
    match ingresses - 1 {
        0 => format!("Ingress {first}"),
        more => format!("Ingress {first} and {more} more"),
    }
}

/// `1 Ingress`, or `3 Ingresses`.
fn counted(ingresses: usize) -> String {
    if ingresses == 1 { "1 Ingress".to_owned() } else { format!("{ingresses} Ingresses") }
}

/// Whether a finding is about the backend of a path.
fn holds(path: &PathRef<'_>, found: &Finding) -> bool {
    found.field.segments().starts_with(path.field().segments())
}

/// The host and the path, such as `app.example.com/api`.
fn place(path: PathRef<'_>) -> String {
    let place = format!("{}{}", path.rule.host, path.path.routed());
    match place.char_indices().nth(PLACE) {
        None => place,
        Some((end, _)) => format!("{}…", &place[..end]),
    }
}

/// A finding about an object that is not an Ingress: its warning is the message, without a field.
pub(super) fn finding(code: &'static str, message: String, help: &str) -> Finding {
    let mut finding = Finding::new(code, FieldPath::default(), "impact", message.as_str());
    finding.help(help).shared_warning(if help.is_empty() { message } else { format!("{message}; {help}") });
    finding
}
