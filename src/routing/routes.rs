//! What one controller answers, over everything that it has taken: built for one review from what lives on the hosts in
//! question, and dropped with it.

use std::cell::RefCell;
use std::rc::Rc;

use foldhash::{HashMap, HashSet};

use super::annotations::NginxAnnotations;
use super::controller::{ClassRules, Controller};
use super::controller::{Dialect, Dialects};
use super::location::Budget;
use super::location::Server;
use super::location::{Claim, by_age, claims};
use crate::cluster::{ClusterView, Lookup};
use crate::model::{Backend, Host, Ingress, PortRef};

/// The answers of the controller that takes one Ingress.
#[derive(Debug)]
pub struct Routes<'a> {
    view: &'a ClusterView<'a>,
    rules: &'a ClassRules,
    dialects: &'a Dialects,
    controller: Controller<'a>,
    candidate: Option<&'a Ingress>,
    /// The hosts of the candidate's rules.
    own: HashSet<&'a Host>,
    budget: Budget,
    after: Known<'a>,
    before: Known<'a>,
}

/// What was made of hosts so far.
#[derive(Debug, Default)]
struct Known<'a> {
    claims: RefCell<HashMap<Host, Rc<[Claim<'a>]>>>,
    servers: RefCell<HashMap<Host, Option<Rc<Server<'a>>>>>,
    /// Namespace, Service and port → whether a canary was the first to use it.
    serverless: RefCell<HashMap<(&'a str, &'a str, &'a PortRef), bool>>,
}

/// Whether the Ingress under judgement counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It is not there.
    Before,
    /// It is stored.
    After,
}

impl<'a> Routes<'a> {
    /// The answers of the controller that takes Ingresses as `controller` says, with one that may not be stored yet. Reads
    /// Ingresses and IngressClasses.
    #[must_use]
    pub fn of(
        candidate: Option<&'a Ingress>,
        view: &'a ClusterView<'a>,
        rules: &'a ClassRules,
        dialects: &'a Dialects,
        controller: Controller<'a>,
    ) -> Self {
        Self {
            view,
            rules,
            dialects,
            controller,
            candidate,
            own: candidate.iter().flat_map(|candidate| &candidate.rules).map(|rule| &rule.host).collect(),
            budget: Budget::new(),
            after: Known::default(),
            before: Known::default(),
        }
    }

    /// The work that is left for this review.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The server of a host: absent where no Ingress of this controller makes one.
    #[must_use]
    pub fn server(&self, host: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        if let Some(known) = self.known(when).servers.borrow().get(host) {
            return known.clone().map_or(Lookup::Absent, Lookup::Found);
        }
        let Lookup::Found(claims) = self.claims(host, when) else { return Lookup::Unknown };
        let server = if self.reads_nginx_annotations() {
            Server::of(host, &claims, |ingress, backend| self.is_serverless(ingress, backend, when))
        } else {
            Server::neutral(host, &claims)
        };
        let server = server.map(Rc::new);
        self.known(when).servers.borrow_mut().insert(host.clone(), server.clone());
        server.map_or(Lookup::Absent, Lookup::Found)
    }

    pub(super) fn controller(&self) -> &Controller<'a> {
        &self.controller
    }

    pub(super) fn dialect(&self) -> &'a Dialect {
        self.controller.dialect
    }

    pub(super) fn reads_nginx_annotations(&self) -> bool {
        self.controller.dialect.family.reads_nginx_annotations()
    }

    /// The claims on a host, the oldest first.
    #[must_use]
    pub fn claims(&self, host: &Host, when: When) -> Lookup<Rc<[Claim<'a>]>> {
        if let Some(known) = self.known(when).claims.borrow().get(host) {
            return Lookup::Found(Rc::clone(known));
        }
        // All hosts of the Ingress under judgement at once: each rule of each Ingress is looked at once only.
        let hosts: Vec<&Host> = if self.own.contains(host) { self.own.iter().copied().collect() } else { vec![host] };
        let Some(taken) = self.taken_on(&hosts, when) else { return Lookup::Unknown };
        let mut of_host = claims(hosts.iter().copied(), &taken);
        let mut memo = self.known(when).claims.borrow_mut();
        memo.extend(hosts.into_iter().map(|host| (host.clone(), of_host.remove(host).unwrap_or_default().into())));
        memo.get(host).map_or(Lookup::Unknown, |claims| Lookup::Found(Rc::clone(claims)))
    }

    /// Returns the Ingress that decides which certificate ingress-nginx serves for a host, the default one included: the
    /// oldest with `spec.tls`. Rules without a host have none (section 5.2).
    pub(super) fn asks_for_tls(&self, host: &Host, when: When) -> Option<&'a Ingress> {
        let claims = self.claims(host, when).found().filter(|_| *host != Host::Any)?;
        let mut main = claims.iter().filter(|claim| !claim.is_canary).map(|claim| claim.ingress);
        main.find(|ingress| !ingress.tls.is_empty())
    }

    fn known(&self, when: When) -> &Known<'a> {
        match when {
            When::Before => &self.before,
            When::After => &self.after,
        }
    }

    /// The Ingresses with a rule or an alias for some of these hosts that this controller has taken, in the order of
    /// their age.
    pub(super) fn taken_on(&self, hosts: &[&Host], when: When) -> Option<Vec<&'a Ingress>> {
        let mut taken: Vec<&'a Ingress> = Vec::new();
        for host in hosts {
            taken.extend(self.view.others_on(host).found()?);
        }
        self.keep_taken(&mut taken, when);
        Some(taken)
    }

    /// Other Ingresses that this controller has taken, with the candidate where it counts.
    fn keep_taken(&self, others: &mut Vec<&'a Ingress>, when: When) {
        others.sort_by(|a, b| by_age(a, b).then_with(|| a.meta.key.cmp(&b.meta.key)));
        others.dedup_by(|a, b| a.meta.key == b.meta.key);
        others.retain(|other| self.takes(other));
        if when == When::After
            && let Some(candidate) = self.candidate
        {
            let at = others.partition_point(|other| by_age(other, candidate).is_lt());
            others.insert(at, candidate);
        }
    }

    /// Whether the candidate's controller takes this Ingress too (sections 1.1 and 1.4).
    #[must_use]
    pub fn takes(&self, other: &Ingress) -> bool {
        Controller::handling(other, self.view, self.rules, self.dialects).is_same_as(&self.controller)
    }

    /// Whether a canary was the first to use this Service and port: then no main rule with it gets a location
    /// (section 7.1). A `defaultBackend` counts each time anew.
    fn is_serverless(&self, ingress: &'a Ingress, backend: &'a Backend, when: When) -> bool {
        let Backend::Service { name, port: Some(port) } = backend else { return false };
        let upstream = (&*ingress.meta.key.namespace, &**name, port);
        // A thousand Ingresses of a host may well use one Service.
        if let Some(known) = self.known(when).serverless.borrow().get(&upstream) {
            return *known;
        }
        let is_serverless = self.was_first_used_by_a_canary(upstream, when);
        self.known(when).serverless.borrow_mut().insert(upstream, is_serverless);
        is_serverless
    }

    fn was_first_used_by_a_canary(&self, (namespace, name, port): (&str, &str, &PortRef), when: When) -> bool {
        let Lookup::Found(mut users) = self.view.others_using(namespace, name) else { return false };
        let is_canary = |user: &Ingress| NginxAnnotations::of(user).is_canary();
        // Nearly always: nobody who uses it is a canary.
        if !self.candidate.is_some_and(is_canary) && !users.iter().any(|user| is_canary(user)) {
            return false;
        }
        self.keep_taken(&mut users, when);
        let users = users.into_iter().filter(|user| *user.meta.key.namespace == *namespace);
        let mut decides = None;
        for user in users {
            let is_it = |backend: &Backend| is_same(backend, name, port);
            if user.default_backend.as_ref().is_some_and(is_it)
                || (decides.is_none() && user.paths().any(|at| is_it(&at.path.backend)))
            {
                decides = Some(user);
            }
        }
        decides.is_some_and(is_canary)
    }
}

/// Whether a backend is this Service and port: the number where there is one, else the name (section 4.1).
fn is_same(backend: &Backend, name: &str, port: &PortRef) -> bool {
    matches!(backend, Backend::Service { name: of, port: Some(at) } if **of == *name && at == port)
}
