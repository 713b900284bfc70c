//! The Ingresses that stop their controllers, followed from one state of the cluster to the next: a review does not search them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::HashMap;
use jiff::Timestamp;

use super::block::{ReloadBlock, may_have_fault};
use crate::budget::{Allowance, Budget};
use crate::cluster::{ClusterState, ClusterView, Inventory, LiveReads};
use crate::model::{ClassRef, Host, Ingress, Key, Kind, Kinds};
use crate::routing::controller::{ClassRules, Controller, ControllerFamily, Controllers, Dialects};
use crate::routing::routes::Routes;

/// The steps for one Ingress or one host, about 10 ms. One that needs more is not known to stop a controller.
const STEPS: u32 = 400_000;
/// The steps of one update, about half a second. The rest is for the next one.
const STEPS_OF_UPDATE: u32 = 20_000_000;
/// The steps that an evaluation costs at least.
const LEAST: u32 = 100;

/// The Ingresses for which controllers load no change, in one state of the cluster.
#[derive(Debug, Default)]
pub struct ReloadBlocks {
    /// One for each controller: the first by key.
    blocks: Vec<ReloadBlock>,
    /// Each IngressClass of an ingress-nginx, and whether its controller loads no change.
    classes: Vec<(Box<str>, bool)>,
}

/// The latest [`ReloadBlocks`], which reviews read and one task replaces.
#[derive(Debug, Clone, Default)]
pub struct SharedReloadBlocks(Arc<ArcSwap<ReloadBlocks>>);

/// Follows the states of the cluster. An update evaluates the Ingresses that changed and their hosts, and again those whose values
/// may be a fault, because other objects decide about them.
#[derive(Debug)]
pub struct ReloadIndex {
    classes: ClassRules,
    dialects: Dialects,
    /// The state that was evaluated last.
    state: Arc<Inventory>,
    /// What identifies the controllers in that state.
    identified: Option<Identified>,
    /// The Ingresses with a value that may be a fault, with the block if it is one.
    suspects: BTreeMap<Key, Option<ReloadBlock>>,
    /// The hosts with an error in a location, with one block for each controller.
    hosts: HashMap<Host, Vec<ReloadBlock>>,
    pending: Pending,
    evaluated: Evaluated,
}

/// What identifies the controllers of Ingresses. If it changes, every Ingress is evaluated again.
#[derive(Debug, PartialEq, Eq)]
struct Identified {
    dialects: Arc<Dialects>,
    /// The names of the IngressClasses and their `spec.controller`.
    classes: Vec<(Box<str>, Box<str>)>,
}

/// One state of the cluster with the dialects that apply in it.
struct World<'w> {
    known: ClusterState<'w>,
    classes: &'w ClassRules,
    dialects: &'w Dialects,
}

/// The numbers of Ingresses and hosts that were evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evaluated {
    /// Ingresses whose values were evaluated.
    pub ingresses: usize,
    /// Hosts whose locations were evaluated.
    pub hosts: usize,
}

/// What remains to be evaluated.
#[derive(Debug, Default)]
struct Pending {
    suspects: BTreeSet<Key>,
    hosts: BTreeSet<Host>,
}

impl ReloadBlocks {
    /// Returns that of the controller of an Ingress which it is not itself, and on whose host it is not. A write there may be the fix.
    /// `known` is the state of the review. Reads IngressClasses and Ingresses.
    #[must_use]
    pub fn of(&self, ingress: &Ingress, controllers: Controllers<'_>, known: &Inventory) -> Option<&ReloadBlock> {
        let controller = controllers.handling(ingress);
        let is_same = |block: &&ReloadBlock| {
            let culprit = known.ingress(&block.ingress.namespace, &block.ingress.name);
            culprit.is_some_and(|culprit| controllers.handling(culprit).is_same_as(&controller))
        };
        let block = self.blocks.iter().find(is_same)?;
        let Key { namespace, name } = &ingress.meta.key;
        let is_on = |host: &Host| {
            let versions = [Some(ingress), known.ingress(namespace, name)];
            versions.into_iter().flatten().flat_map(|it| &it.rules).any(|rule| rule.host == *host)
        };
        let may_be_fix = block.ingress == ingress.meta.key || block.host.as_ref().is_some_and(is_on);
        (!may_be_fix).then_some(block)
    }

    /// Returns those of all controllers.
    #[must_use]
    pub fn all(&self) -> &[ReloadBlock] {
        &self.blocks
    }

    /// Returns each IngressClass of an ingress-nginx, and whether its controller loads no change.
    #[must_use]
    pub fn classes(&self) -> &[(Box<str>, bool)] {
        &self.classes
    }
}

impl SharedReloadBlocks {
    /// Returns the latest ones.
    #[must_use]
    pub fn load(&self) -> Arc<ReloadBlocks> {
        self.0.load_full()
    }

    /// Publishes the next ones.
    pub fn publish(&self, blocks: ReloadBlocks) {
        self.0.store(Arc::new(blocks));
    }
}

impl ReloadIndex {
    /// Creates an index that has seen nothing, by the configured classes and dialects.
    #[must_use]
    pub fn new(classes: ClassRules, dialects: Dialects) -> Self {
        Self {
            classes,
            dialects,
            state: Arc::default(),
            identified: None,
            suspects: BTreeMap::new(),
            hosts: HashMap::default(),
            pending: Pending::default(),
            evaluated: Evaluated::default(),
        }
    }

    /// Returns whether nothing of a state remains to be evaluated.
    #[must_use]
    pub fn is_current(&self, state: &Arc<Inventory>) -> bool {
        Arc::ptr_eq(&self.state, state) && self.pending.is_empty()
    }

    /// Returns the numbers of Ingresses and hosts that were evaluated so far.
    #[must_use]
    pub const fn evaluated(&self) -> Evaluated {
        self.evaluated
    }

    /// Evaluates what has changed since the last state, within the steps of one update.
    pub fn update(&mut self, state: &Arc<Inventory>, now: Timestamp) -> ReloadBlocks {
        let live_reads = LiveReads::default();
        let known = ClusterState { store: state, live_reads: &live_reads, now };
        let view = ClusterView::unrestricted(known);
        if !(view.lists(Kind::Ingress) && view.lists(Kind::IngressClass)) {
            *self = Self::new(self.classes.clone(), self.dialects.clone());
            self.state = Arc::clone(state);
            return ReloadBlocks::default();
        }
        let identified = Identified::of(&view, self.dialects.with_observed_settings(&view));
        if self.identified.as_ref() != Some(&identified) {
            *self = Self { evaluated: self.evaluated, ..Self::new(self.classes.clone(), self.dialects.clone()) };
        }
        let classes = self.classes.clone();
        let controllers = Controllers::new(&view, &classes, &identified.dialects);
        let world = World { known, classes: &classes, dialects: &identified.dialects };
        self.note_changes(controllers, state);
        let mut rest = STEPS_OF_UPDATE;
        while rest > 0
            && let Some(key) = self.pending.suspects.pop_first()
        {
            let Some(ingress) = state.ingress(&key.namespace, &key.name) else { continue };
            self.evaluated.ingresses += 1;
            self.suspects.insert(key, world.block_of_values(ingress, &mut rest));
        }
        while rest > 0
            && let Some(host) = self.pending.hosts.pop_first()
        {
            self.evaluated.hosts += 1;
            let blocks = world.blocks_of_host(&host, controllers, &mut rest);
            if blocks.is_empty() {
                self.hosts.remove(&host);
            } else {
                self.hosts.insert(host, blocks);
            }
        }
        let blocks = self.blocks(controllers, state);
        self.state = Arc::clone(state);
        self.identified = Some(identified);
        blocks
    }

    /// Notes what is to be evaluated because of the changes since the last state.
    fn note_changes(&mut self, controllers: Controllers<'_>, state: &Arc<Inventory>) {
        if Arc::ptr_eq(&self.state, state) {
            return;
        }
        // Other objects may have changed. A round over all of them begins once the last one is complete.
        if self.pending.suspects.is_empty() {
            self.pending.suspects.extend(self.suspects.keys().cloned());
        }
        for (before, now) in state.changed_ingresses(&self.state) {
            for ingress in before.into_iter().chain(now) {
                self.pending.hosts.extend(ingress.rules.iter().map(|rule| rule.host.clone()));
                if ingress.rules.is_empty() {
                    self.pending.hosts.insert(Host::Any);
                }
            }
            let Some(ingress) = now.or(before) else { continue };
            let key = &ingress.meta.key;
            self.evaluated.ingresses += usize::from(now.is_some());
            let is_suspect = now.is_some_and(|now| {
                let controller = controllers.handling(now);
                !now.meta.deleting && is_nginx(&controller) && may_have_fault(now, controller.dialect)
            });
            if is_suspect {
                self.suspects.entry(key.clone()).or_default();
                self.pending.suspects.insert(key.clone());
            } else {
                self.suspects.remove(key);
                self.pending.suspects.remove(key);
            }
        }
    }

    /// Returns what is known now.
    fn blocks(&self, controllers: Controllers<'_>, state: &Inventory) -> ReloadBlocks {
        let mut all: Vec<&ReloadBlock> = self.suspects.values().flatten().collect();
        all.extend(self.hosts.values().flatten());
        all.retain(|block| block.is_likely);
        all.sort_by(|a, b| a.ingress.cmp(&b.ingress).then_with(|| a.host.cmp(&b.host)));
        let mut blocked: Vec<Controller<'_>> = Vec::new();
        let mut blocks = Vec::new();
        for block in all {
            let Some(ingress) = state.ingress(&block.ingress.namespace, &block.ingress.name) else { continue };
            let controller = controllers.handling(ingress);
            if !blocked.iter().any(|other| other.is_same_as(&controller)) {
                blocked.push(controller);
                blocks.push(block.clone());
            }
        }
        let mut classes = Vec::new();
        for class in controllers.view().class_names() {
            let controller = controllers.of_class(ClassRef::Named(class), "");
            if is_nginx(&controller) {
                let is_blocked = blocked.iter().any(|other| other.is_same_as(&controller));
                classes.push((class.into(), is_blocked));
            }
        }
        ReloadBlocks { blocks, classes }
    }
}

impl Identified {
    fn of(view: &ClusterView<'_>, dialects: Arc<Dialects>) -> Self {
        let classes = view.classes().map(|class| (class.meta.key.name.clone(), class.controller.clone())).collect();
        Self { dialects, classes }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.suspects.is_empty() && self.hosts.is_empty()
    }
}

impl World<'_> {
    /// Evaluates an Ingress as a review of it does: it is the candidate, the others are stored. Takes the steps from `rest`.
    fn evaluate(
        &self,
        ingress: &Ingress,
        rest: &mut u32,
        question: impl for<'r> FnOnce(&Routes<'r>, &'r Ingress) -> Option<ReloadBlock>,
    ) -> Option<ReloadBlock> {
        let Self { known, classes, dialects } = *self;
        let budget = Budget::new(&Allowance { steps: STEPS, ..Allowance::full() }, 0);
        let view = ClusterView::new(known, &ingress.meta.key, Kinds::of(&Kind::ALL), Kinds::NONE).within(&budget);
        let controllers = Controllers::new(&view, classes, dialects);
        let routes = Routes::of(controllers, controllers.handling(ingress), Some(ingress)).within(&budget);
        let block = question(&routes, ingress);
        *rest = rest.saturating_sub(budget.spent().max(LEAST));
        block
    }

    /// Returns the block by what an Ingress itself contains.
    fn block_of_values(&self, ingress: &Ingress, rest: &mut u32) -> Option<ReloadBlock> {
        self.evaluate(ingress, rest, |routes, ingress| {
            let has_main = || routes.controllers().view().ingresses().any(|other| routes.is_main(other));
            // Whether another Ingress satisfies a condition is left open: it would take a search.
            routes.block_of_values(ingress, &has_main, &|_| None)
        })
    }

    /// Returns the blocks by the locations of a host, one for each controller of the Ingresses on it.
    fn blocks_of_host(&self, host: &Host, controllers: Controllers<'_>, rest: &mut u32) -> Vec<ReloadBlock> {
        let mut seen: Vec<Controller<'_>> = Vec::new();
        let mut blocks = Vec::new();
        for ingress in self.known.store.ingresses_on(host).filter(|ingress| !ingress.meta.deleting) {
            let controller = controllers.handling(ingress);
            if is_nginx(&controller) && !seen.iter().any(|other| other.is_same_as(&controller)) {
                seen.push(controller);
                blocks.extend(self.evaluate(ingress, rest, |routes, _| routes.block_of_host(host, &|_| true)));
            }
        }
        blocks
    }
}

fn is_nginx(controller: &Controller<'_>) -> bool {
    controller.dialect.family == ControllerFamily::Nginx && controller.is_known()
}
