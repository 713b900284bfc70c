//! Who could answer for a host: every controller that some class or Ingress shows, and the Ingresses that nobody takes.

use crate::checks::Settings;
use crate::cluster::{Lookup, World};
use crate::model::{ClassRef, Host, Ingress};
use crate::routing::{Owner, Routes, Taker};

/// One controller.
pub(super) struct Controller<'a> {
    pub(super) taker: Taker<'a>,
    pub(super) routes: Routes<'a>,
}

/// An Ingress with the host that no controller is known to take.
pub(super) struct Untaken<'a> {
    pub(super) ingress: &'a Ingress,
    /// That is certain.
    pub(super) certain: bool,
}

impl Controller<'_> {
    /// `spec.controller`, where somebody has said it.
    pub(super) fn name(&self) -> Option<&str> {
        match self.taker.owner {
            Owner::Controller(name) => Some(name),
            Owner::Somebody | Owner::Nobody | Owner::Unknown => None,
        }
    }
}

/// The Ingresses that could take a request for a host: with the host itself, an alias or wildcard over it, or without any.
pub(super) fn concerned<'a>(host: &Host, world: &World<'a>) -> Option<Vec<&'a Ingress>> {
    let name = host.to_string();
    let parents = name.match_indices('.').map(|(dot, _)| Host::Wildcard(name[dot + 1..].into()));
    let mut ingresses = Vec::new();
    for host in [host.clone()].into_iter().chain(parents).chain([Host::Any]) {
        ingresses.extend(world.others_on(&host).found()?);
    }
    ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    ingresses.dedup_by(|a, b| a.meta.key == b.meta.key);
    Some(ingresses)
}

/// The controllers that these Ingresses and the classes of the cluster show, each once.
pub(super) fn controllers<'a>(
    ingresses: &[&'a Ingress],
    world: &'a World<'a>,
    settings: &'a Settings,
) -> (Vec<Controller<'a>>, Vec<Untaken<'a>>) {
    let (mut controllers, mut untaken): (Vec<Controller<'a>>, Vec<Untaken<'a>>) = (Vec::new(), Vec::new());
    for ingress in ingresses {
        let taker = taker(ingress.class_ref(), world, settings);
        match taker.owner {
            Owner::Nobody => untaken.push(Untaken { ingress, certain: true }),
            Owner::Unknown => untaken.push(Untaken { ingress, certain: false }),
            Owner::Controller(_) | Owner::Somebody => add(&mut controllers, taker, Some(ingress), world, settings),
        }
    }
    for class in world.class_names() {
        add(&mut controllers, taker(ClassRef::Named(class), world, settings), None, world, settings);
    }
    (controllers, untaken)
}

/// The controller of one class; nothing where nobody knows the class.
pub(super) fn of_class<'a>(name: &str, world: &'a World<'a>, settings: &'a Settings) -> Option<Controller<'a>> {
    let taker = taker(ClassRef::Named(name), world, settings);
    let routes = || Routes::of(None, world, &settings.classes, &settings.dialects, taker);
    let is_known = matches!(taker.owner, Owner::Controller(_) | Owner::Somebody) || !world.class(name).is_absent();
    is_known.then(|| Controller { taker, routes: routes() })
}

fn taker<'a>(class: ClassRef<'_>, world: &World<'a>, settings: &'a Settings) -> Taker<'a> {
    Taker::of_class(class, world, &settings.classes, &settings.dialects)
}

fn add<'a>(
    controllers: &mut Vec<Controller<'a>>,
    taker: Taker<'a>,
    by: Option<&'a Ingress>,
    world: &'a World<'a>,
    settings: &'a Settings,
) {
    // What only says "somebody" cannot be told from others: it is asked about this Ingress alone.
    let reads_nginx = taker.dialect.engine.reads_nginx_annotations();
    let alone = by.filter(|_| taker.owner == Owner::Somebody && !reads_nginx);
    let is_same = |known: &Controller<'_>| {
        if reads_nginx || known.taker.dialect.engine.reads_nginx_annotations() {
            std::ptr::eq(known.taker.dialect, taker.dialect)
        } else {
            known.taker.owner == taker.owner && matches!(taker.owner, Owner::Controller(_))
        }
    };
    if controllers.iter().any(is_same) || (taker.owner == Owner::Somebody && !reads_nginx && by.is_none()) {
        return;
    }
    let routes = Routes::of(alone, world, &settings.classes, &settings.dialects, taker);
    controllers.push(Controller { taker, routes });
}

/// Why nobody takes an Ingress, in words.
pub(super) fn why_untaken(ingress: &Ingress, world: &World<'_>) -> String {
    match ingress.class_ref() {
        ClassRef::Named(name) => match world.class(name) {
            Lookup::Absent => format!("IngressClass {name:?} does not exist"),
            Lookup::Found(_) | Lookup::Unknown => format!("nobody is seen to serve class {name:?}"),
        },
        ClassRef::Annotated(name) => format!("nobody is seen to serve class annotation {name:?}"),
        ClassRef::Classless => "it has no class".to_owned(),
    }
}
