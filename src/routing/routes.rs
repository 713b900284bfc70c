//! The routes of one controller: the rules and servers of the hosts in question, built on demand and kept for one review.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use foldhash::{HashMap, HashSet};

use super::annotations::NginxAnnotations;
use super::controller::{Controller, ControllerFamily, Controllers, Dialect};
use super::loading::Loading;
use super::location::{Claim, HostWinner, Server, by_age, claims};
use crate::budget::{Budget, BudgetExceeded};
use crate::cluster::{ClusterView, Lookup};
use crate::model::{Backend, Host, Ingress, PortRef};

/// The steps of a budget for one location beside those for the bytes of its path, and for reading the annotations of an Ingress.
const LOCATION: usize = 24;
const READING: usize = 16;

/// The routes of one controller, built host by host on demand.
#[derive(Debug)]
pub struct Routes<'a> {
    controllers: Controllers<'a>,
    controller: Controller<'a>,
    candidate: Option<&'a Ingress>,
    /// The hosts of the candidate's rules.
    own: HashSet<&'a Host>,
    /// That of the evaluation, if it is set, instead of the one of its own.
    shared_budget: Option<&'a Budget>,
    own_budget: Budget,
    /// Whether stored Ingresses that are not loaded count: see [`Routes::with_previous_versions`].
    counts_unloaded: bool,
    leaves_out_unloaded: Cell<bool>,
    /// What the controller does with each Ingress, by its address.
    loading: RefCell<HashMap<*const Ingress, Loading>>,
    after: Memo<'a>,
    before: Memo<'a>,
}

/// The hosts that were built so far.
#[derive(Debug, Default)]
struct Memo<'a> {
    claims: RefCell<HashMap<Host, Rc<[Claim<'a>]>>>,
    servers: RefCell<HashMap<Host, Option<Rc<Server<'a>>>>>,
    /// Namespace, Service and port → whether a canary was the first to use them.
    canary_upstreams: RefCell<HashMap<(&'a str, &'a str, &'a PortRef), bool>>,
}

/// Whether the candidate counts as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It is not stored.
    Before,
    /// It is stored.
    After,
}

impl<'a> Routes<'a> {
    /// Creates the routes of one controller. `candidate` is an Ingress of it that may not be stored yet. Reads Ingresses and
    /// IngressClasses.
    #[must_use]
    pub fn of(controllers: Controllers<'a>, controller: Controller<'a>, candidate: Option<&'a Ingress>) -> Self {
        Self {
            controllers,
            controller,
            candidate,
            own: candidate.iter().flat_map(|candidate| &candidate.rules).map(|rule| &rule.host).collect(),
            shared_budget: None,
            own_budget: Budget::default(),
            counts_unloaded: false,
            leaves_out_unloaded: Cell::new(false),
            loading: RefCell::default(),
            after: Memo::default(),
            before: Memo::default(),
        }
    }

    /// Sets the budget of the evaluation; by default it is that of a full one.
    #[must_use]
    pub fn within(self, budget: &'a Budget) -> Self {
        Self { shared_budget: Some(budget), ..self }
    }

    /// Counts stored Ingresses that the controller does not load: it may still serve the versions from before a faulty change,
    /// until it restarts (section 7.0). By default they count as absent.
    #[must_use]
    pub fn with_previous_versions(self) -> Self {
        Self { counts_unloaded: true, ..self }
    }

    /// Returns whether a stored Ingress was left out because the controller does not load it.
    #[must_use]
    pub fn leaves_out_unloaded(&self) -> bool {
        self.leaves_out_unloaded.get()
    }

    /// Returns what the controller does with an Ingress because of its annotations. Reads ConfigMaps and Secrets.
    #[must_use]
    pub fn loading(&self, ingress: &'a Ingress) -> Loading {
        let at = std::ptr::from_ref(ingress);
        if let Some(known) = self.loading.borrow().get(&at) {
            return *known;
        }
        let loading = Loading::of(ingress, self.dialect(), self.controllers.view());
        self.loading.borrow_mut().insert(at, loading);
        loading
    }

    /// Returns the Ingresses of this controller with a rule for a host that it does not load, each with the annotation.
    #[must_use]
    pub fn unloaded_on(&self, host: &Host, when: When) -> Vec<(&'a Ingress, &'static str)> {
        let mut others = self.controllers.view().others_on(host).found().unwrap_or_default();
        others.retain(|other| self.handles(other));
        others.extend(self.candidate.filter(|_| when == When::After && self.own.contains(host)));
        others.sort_by(|a, b| by_age(a, b));
        others.dedup_by(|a, b| a.meta.key == b.meta.key);
        others.into_iter().filter_map(|ingress| Some((ingress, self.loading(ingress).not_loaded?))).collect()
    }

    /// Returns whether this controller handles an Ingress and its configuration has it (section 7.0).
    #[must_use]
    pub fn counts(&self, other: &'a Ingress) -> bool {
        self.handles(other) && (self.counts_unloaded || self.loading(other).not_loaded.is_none())
    }

    /// Returns whether one Ingress is evaluated, and not the whole configuration.
    pub(super) const fn evaluates_one(&self) -> bool {
        self.candidate.is_some()
    }

    /// Returns the hosts of the rules of the evaluated Ingress.
    #[must_use]
    pub fn own_hosts(&self) -> &HashSet<&'a Host> {
        &self.own
    }

    /// Returns the budget of the evaluation.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        self.shared_budget.unwrap_or(&self.own_budget)
    }

    /// Returns the server of a host; absent where no Ingress of this controller creates one.
    #[must_use]
    pub fn server(&self, host: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        if let Some(known) = self.memo(when).servers.borrow().get(host) {
            return known.clone().map_or(Lookup::Absent, Lookup::Found);
        }
        let Lookup::Found(claims) = self.claims(host, when) else { return Lookup::Unknown };
        let Ok(server) = self.build(host, &claims, when) else { return Lookup::Unknown };
        let server = server.map(Rc::new);
        self.memo(when).servers.borrow_mut().insert(host.clone(), server.clone());
        server.map_or(Lookup::Absent, Lookup::Found)
    }

    fn build(&self, host: &Host, claims: &[Claim<'a>], when: When) -> Result<Option<Server<'a>>, BudgetExceeded> {
        for Claim { ingress, rule, .. } in claims {
            let bytes = rule.iter().flat_map(|rule| rule.paths()).map(|at| LOCATION + at.path.routed().len() / 8);
            self.spend_on(ingress, LOCATION + bytes.sum::<usize>())?;
        }
        if !self.reads_nginx_annotations() {
            let is_contested = *host != Host::Any && self.controller.known.is_some_and(|it| it.one_ingress_per_host);
            let winner = if is_contested { HostWinner::of(claims) } else { None };
            return Ok(Server::neutral(host, claims, |ingress, path| self.controller.meaning(ingress, path), winner));
        }
        Server::of(host, claims, |ingress, backend| self.is_canary_upstream(ingress, backend, when))
    }

    /// Spends steps on an Ingress.
    fn spend_on(&self, ingress: &Ingress, steps: usize) -> Result<(), BudgetExceeded> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let is_own = self.candidate.is_some_and(|candidate| candidate.meta.key == ingress.meta.key);
        if is_own { self.budget().spend_own(steps) } else { self.budget().spend(steps) }
    }

    /// Returns the controllers of the cluster.
    #[must_use]
    pub const fn controllers(&self) -> &Controllers<'a> {
        &self.controllers
    }

    /// Returns the controller.
    #[must_use]
    pub const fn controller(&self) -> &Controller<'a> {
        &self.controller
    }

    pub(super) fn view(&self) -> &'a ClusterView<'a> {
        self.controllers.view()
    }

    pub(super) fn dialect(&self) -> &'a Dialect {
        self.controller.dialect
    }

    pub(super) fn reads_nginx_annotations(&self) -> bool {
        self.controller.dialect.family.reads_nginx_annotations()
    }

    /// Returns the rules for a host, the oldest first.
    #[must_use]
    pub fn claims(&self, host: &Host, when: When) -> Lookup<Rc<[Claim<'a>]>> {
        if let Some(known) = self.memo(when).claims.borrow().get(host) {
            return Lookup::Found(Rc::clone(known));
        }
        // All hosts of the candidate at once: each rule of each Ingress is read only once.
        let hosts: Vec<&Host> = if self.own.contains(host) { self.own.iter().copied().collect() } else { vec![host] };
        let Some(handled) = self.handled_on(&hosts, when) else { return Lookup::Unknown };
        let spent = handled.iter().try_for_each(|ingress| {
            let target = ingress.meta.annotations.nginx("rewrite-target").unwrap_or_default();
            self.spend_on(ingress, READING + 2 * ingress.rules.len() + target.len() / 4)
        });
        if spent.is_err() {
            return Lookup::Unknown;
        }
        let mut of_host = claims(hosts.iter().copied(), &handled, |ingress| self.loading(ingress).refusal);
        if let Some(of_any) = of_host.get_mut(&Host::Any) {
            of_any.extend(self.canaries_without_server(when));
            // Rules of one canary stand in its order, whether their hosts have a server or not.
            let place = |claim: &Claim<'_>| claim.rule.map(|rule| rule.index());
            of_any.sort_by(|a, b| by_age(a.ingress, b.ingress).then_with(|| place(a).cmp(&place(b))));
        }
        let mut memo = self.memo(when).claims.borrow_mut();
        memo.extend(hosts.into_iter().map(|host| (host.clone(), of_host.remove(host).unwrap_or_default().into())));
        memo.get(host).map_or(Lookup::Unknown, |claims| Lookup::Found(Rc::clone(claims)))
    }

    /// Returns the rules of canaries for hosts without a server. Their paths are locations of the server `_` where a main rule was
    /// the first to use the Service (section 2.3). Every Ingress is read, so a review does without them.
    fn canaries_without_server(&self, when: When) -> Vec<Claim<'a>> {
        if self.candidate.is_some() || self.dialect().family != ControllerFamily::Nginx {
            return Vec::new();
        }
        let mut canaries: Vec<&'a Ingress> = self.controllers.view().ingresses().collect();
        canaries.retain(|ingress| NginxAnnotations::of(ingress).is_canary() && self.counts(ingress));
        let hosts: Vec<&Host> = canaries.iter().flat_map(|it| &it.rules).map(|rule| &rule.host).collect();
        let has_server = |host: &Host| *host == Host::Any || !self.server(host, when).is_absent();
        let lone: HashSet<&Host> = hosts.into_iter().filter(|host| !has_server(host)).collect();
        claims(lone, &canaries, |ingress| self.loading(ingress).refusal).into_values().flatten().collect()
    }

    /// Returns whether another rule than a canary's was the first to use a backend's Service and port (section 7.1).
    #[must_use]
    pub fn has_upstream_of_main(&self, ingress: &'a Ingress, backend: &'a Backend, when: When) -> bool {
        let Backend::Service { name, port: Some(port) } = backend else { return false };
        let namespace = &*ingress.meta.key.namespace;
        let others = self.controllers.view().others_using(namespace, name).found().unwrap_or_default();
        let is_main = |user: &&Ingress| {
            let has_it = || user.backends().any(|at| is_same(at.backend, name, port));
            *user.meta.key.namespace == *namespace && !NginxAnnotations::of(user).is_canary() && has_it()
        };
        let mut mains = others.into_iter().filter(is_main);
        mains.any(|user| self.counts(user)) && matches!(self.is_canary_upstream(ingress, backend, when), Ok(false))
    }

    /// Returns the Ingress that decides which certificate ingress-nginx serves for a host, the default one included: the
    /// oldest with `spec.tls`. Rules without a host have none (section 5.2).
    pub(super) fn asks_for_tls(&self, host: &Host, when: When) -> Option<&'a Ingress> {
        let claims = self.claims(host, when).found().filter(|_| *host != Host::Any)?;
        let mut main = claims.iter().filter(|claim| !claim.is_canary).map(|claim| claim.ingress);
        main.find(|ingress| !ingress.tls.is_empty())
    }

    fn memo(&self, when: When) -> &Memo<'a> {
        match when {
            When::Before => &self.before,
            When::After => &self.after,
        }
    }

    /// Returns the Ingresses of this controller with a rule or an alias for any of these hosts, the oldest first.
    pub(super) fn handled_on(&self, hosts: &[&Host], when: When) -> Option<Vec<&'a Ingress>> {
        let mut handled: Vec<&'a Ingress> = Vec::new();
        for host in hosts {
            handled.extend(self.controllers.view().others_on(host).found()?);
        }
        self.keep_handled(&mut handled, when).ok()?;
        Some(handled)
    }

    /// Keeps the Ingresses of this controller, sorts them by age, and adds the candidate where it counts.
    pub(super) fn keep_handled(&self, others: &mut Vec<&'a Ingress>, when: When) -> Result<(), BudgetExceeded> {
        let comparisons = others.len().saturating_mul(others.len().max(1).ilog2() as usize);
        self.budget().spend(u32::try_from(comparisons.saturating_mul(2)).unwrap_or(u32::MAX))?;
        others.sort_by(|a, b| by_age(a, b).then_with(|| a.meta.key.cmp(&b.meta.key)));
        others.dedup_by(|a, b| a.meta.key == b.meta.key);
        others.retain(|other| self.handles(other));
        if !self.counts_unloaded {
            self.leave_out_unloaded(others)?;
        }
        if when == When::After
            && let Some(candidate) = self.candidate.filter(|candidate| self.loading(candidate).not_loaded.is_none())
        {
            let at = others.partition_point(|other| by_age(other, candidate).is_lt());
            others.insert(at, candidate);
        }
        // The classes of some may be unknown.
        if self.budget().is_exceeded() { Err(BudgetExceeded) } else { Ok(()) }
    }

    fn leave_out_unloaded(&self, others: &mut Vec<&'a Ingress>) -> Result<(), BudgetExceeded> {
        let new = others.iter().filter(|other| !self.loading.borrow().contains_key(&std::ptr::from_ref(**other)));
        let bytes: usize =
            new.flat_map(|other| other.meta.annotations.iter()).map(|(_, value)| 2 + value.len() / 16).sum();
        self.budget().spend(u32::try_from(bytes).unwrap_or(u32::MAX))?;
        let all = others.len();
        others.retain(|other| self.loading(other).not_loaded.is_none());
        self.leaves_out_unloaded.set(self.leaves_out_unloaded.get() || others.len() < all);
        Ok(())
    }

    /// Returns whether this controller handles an Ingress (sections 1.1 and 1.4).
    #[must_use]
    pub fn handles(&self, other: &Ingress) -> bool {
        self.controllers.handling(other).is_same_as(&self.controller) && self.shares_balancer(other)
    }

    /// Returns whether an Ingress is behind the same address as the evaluated one.
    fn shares_balancer(&self, other: &Ingress) -> bool {
        let pair = self.controller.known.zip(self.candidate);
        pair.is_none_or(|(known, candidate)| known.shares_balancer(candidate, other))
    }

    /// Returns whether a canary was the first to use a backend's Service and port: no other rule with them gets a location
    /// then (section 7.1). A `defaultBackend` counts each time again.
    pub(super) fn is_canary_upstream(
        &self,
        ingress: &'a Ingress,
        backend: &'a Backend,
        when: When,
    ) -> Result<bool, BudgetExceeded> {
        let Backend::Service { name, port: Some(port) } = backend else { return Ok(false) };
        let upstream = (&*ingress.meta.key.namespace, &**name, port);
        // A thousand Ingresses of a host may use one Service.
        if let Some(known) = self.memo(when).canary_upstreams.borrow().get(&upstream) {
            return Ok(*known);
        }
        let is_canary_upstream = self.was_first_used_by_a_canary(upstream, when)?;
        self.memo(when).canary_upstreams.borrow_mut().insert(upstream, is_canary_upstream);
        Ok(is_canary_upstream)
    }

    fn was_first_used_by_a_canary(
        &self,
        (namespace, name, port): (&str, &str, &PortRef),
        when: When,
    ) -> Result<bool, BudgetExceeded> {
        let Lookup::Found(mut users) = self.controllers.view().others_using(namespace, name) else {
            return if self.budget().is_exceeded() { Err(BudgetExceeded) } else { Ok(false) };
        };
        let is_canary = |user: &Ingress| NginxAnnotations::of(user).is_canary();
        // Mostly no Ingress that uses it is a canary.
        if !self.candidate.is_some_and(is_canary) && !users.iter().any(|user| is_canary(user)) {
            return Ok(false);
        }
        self.keep_handled(&mut users, when)?;
        let users = users.into_iter().filter(|user| *user.meta.key.namespace == *namespace);
        let mut decides = None;
        for user in users {
            self.spend_on(user, READING + user.paths().count())?;
            let is_it = |backend: &Backend| is_same(backend, name, port);
            if user.default_backend.as_ref().is_some_and(is_it)
                || (decides.is_none() && user.paths().any(|at| is_it(&at.path.backend)))
            {
                decides = Some(user);
            }
        }
        Ok(decides.is_some_and(is_canary))
    }
}

/// Returns whether a backend is this Service and port: by number where it has one, else by name (section 4.1).
fn is_same(backend: &Backend, name: &str, port: &PortRef) -> bool {
    matches!(backend, Backend::Service { name: of, port: Some(at) } if **of == *name && at == port)
}
