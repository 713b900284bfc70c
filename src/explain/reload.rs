//! A controller that loads no change, because of one of its Ingresses: every answer is that of the configuration before.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use super::trail::{Explanation, RequestOutcome, Step, kubectl};
use crate::model::Key;
use crate::routing::{Controller, Controllers, Dialect, ReloadBlock, Server};

/// The Ingresses for which the controllers in question load no change.
#[derive(Debug, Default)]
pub(super) enum ReloadBlocks {
    /// Searched for each request.
    #[default]
    Searched,
    /// That of a single controller.
    OfOne(OnceCell<Option<Rc<ReloadBlock>>>),
    /// Those of the controllers of one state.
    OfEach(RefCell<Vec<Known>>),
}

/// What is known of one controller.
#[derive(Debug)]
pub(super) struct Known {
    /// The address of its dialect.
    dialect: *const Dialect,
    name: Option<String>,
    block: Option<Rc<ReloadBlock>>,
}

impl ReloadBlocks {
    /// Creates those of a single controller.
    pub(super) fn of_one() -> Self {
        Self::OfOne(OnceCell::new())
    }

    /// Creates those of the controllers of one state.
    pub(super) fn of_each() -> Self {
        Self::OfEach(RefCell::default())
    }

    /// Returns that of a controller.
    pub(super) fn of(&self, controllers: Controllers<'_>, controller: Controller<'_>) -> Option<Rc<ReloadBlock>> {
        let search = || ReloadBlock::of(controllers, controller).map(Rc::new);
        match self {
            Self::Searched => search(),
            Self::OfOne(known) => known.get_or_init(search).clone(),
            Self::OfEach(known) => {
                let (dialect, name) = (std::ptr::from_ref(controller.dialect), controller.name());
                let is_it = |of: &&Known| of.dialect == dialect && of.name.as_deref() == name;
                if let Some(of) = known.borrow().iter().find(is_it) {
                    return of.block.clone();
                }
                let block = search();
                known.borrow_mut().push(Known { dialect, name: name.map(str::to_owned), block: block.clone() });
                block
            }
        }
    }
}

/// Adds the step to an explanation, and changes its outcome. `server` is the one that gets the request.
pub(super) fn reload(explanation: &mut Explanation, block: &ReloadBlock, server: Option<&Server<'_>>) {
    // The host itself has an error, which is explained already.
    if explanation.outcome == RequestOutcome::NotLoaded {
        return;
    }
    let Key { namespace, name, .. } = &block.ingress;
    let command = kubectl(&["get", "ingress", name, "--namespace", namespace, "--output=yaml"]);
    let ok = if block.is_likely { Some(false) } else { None };
    let step = Step { ok, what: "reload", detail: block.to_string(), command };
    explanation.blocked_by = Some(block.ingress.to_string());
    if !block.is_likely {
        explanation.steps.insert(0, step);
        explanation.ends(RequestOutcome::Unknown, None);
        return;
    }
    let is_own = |server: &Server<'_>| {
        let mut ingresses = server.locations.iter().filter_map(|location| location.ingress);
        ingresses.any(|ingress| ingress.meta.key == block.ingress)
    };
    if server.is_some_and(is_own) {
        // What follows depends on the fix.
        explanation.steps.retain(|step| ["class", "host", "path"].contains(&step.what));
        explanation.redirect = None;
        explanation.backend = None;
        explanation.upstream_path = None;
    } else {
        explanation.once_fixed = Some(explanation.answer("would answer"));
    }
    explanation.steps.insert(0, step);
    explanation.ends(RequestOutcome::NotLoaded, None);
}
