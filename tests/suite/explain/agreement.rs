//! What `explain` says is what the location model answers, in every world of every page.

use std::collections::BTreeSet;

use ingress_guard::checks;
use ingress_guard::cluster::{ClusterView, Inventory, Lookup};
use ingress_guard::config::Config;
use ingress_guard::explain::{Ends, Explanation, RequestUrl, explain_url};
use ingress_guard::model::{ClassRef, Host, Ingress, Key, Kind, Kinds};
use ingress_guard::routing::{Answer, Budget, Controller, Outcome, Routes, Scheme, When};

use crate::pages;

/// Requests that are worth asking of a world: every path of every host, a little beside it, and what is not there.
fn visits(inventory: &Inventory) -> Vec<RequestUrl> {
    let mut hosts: BTreeSet<String> = BTreeSet::from(["nobody.example.org".to_owned()]);
    let mut paths: BTreeSet<String> = BTreeSet::from(["/".to_owned(), "/nowhere".to_owned(), "/%zz".to_owned()]);
    for rule in inventory.ingresses().flat_map(|ingress| ingress.rules.iter()) {
        hosts.insert(match &rule.host {
            Host::Any => "any.example.org".to_owned(),
            Host::Exact(name) => name.to_string(),
            Host::Wildcard(parent) => format!("x.{parent}"),
        });
        for path in rule.paths.iter().filter(|path| path.path.len() < 100).take(20) {
            let plain: String = path.routed().chars().take_while(|c| !"(^$|*?[{\\".contains(*c)).collect();
            paths.insert(format!("{plain}/x"));
            paths.insert(plain);
        }
    }
    let of_host = |host: String| {
        let of_path = |path: &String| {
            [Scheme::Http, Scheme::Https].map(|scheme| RequestUrl {
                scheme,
                host: host.clone(),
                path: path.clone(),
                notes: vec![],
            })
        };
        paths.iter().flat_map(of_path).collect::<Vec<_>>()
    };
    hosts.into_iter().flat_map(of_host).collect()
}

/// The class of an Ingress whose controller reads nginx annotations.
fn nginx_class(config: &Config, inventory: &Inventory) -> Option<String> {
    let of = |ingress: &Ingress| match ingress.class_ref() {
        ClassRef::Named(name) => Some(name.to_owned()),
        ClassRef::Annotated(_) | ClassRef::Classless => None,
    };
    let nobody = Key::default();
    let view = ClusterView::new(pages::known(inventory), &nobody, Kind::ALL.into_iter().collect(), Kinds::NONE);
    let (rules, dialects) = (&config.settings.classes, &config.settings.dialects);
    inventory.ingresses().filter_map(of).find(|class| {
        let controller = Controller::of_class(ClassRef::Named(class), "", &view, rules, dialects);
        controller.dialect.family.reads_nginx_annotations()
    })
}

fn assert_agrees<'a>(routes: &Routes<'a>, answer: &Answer<'a>, explanation: &Explanation, request: &RequestUrl) {
    let said = (explanation.outcome, explanation.status);
    if said.0 == Ends::NotLoaded {
        return assert!(!answer.server.faults(&Budget::new()).unwrap().is_empty(), "{request:?}: {explanation:?}");
    }
    if let Some(refusal) = routes.refusal(answer, When::After) {
        assert!(matches!(said.0, Ends::Forbidden | Ends::Unavailable), "{request:?}: {said:?}");
        return assert_eq!(said.1, Some(refusal.status), "{request:?}");
    }
    match &answer.outcome {
        Outcome::BadRequest => assert_eq!(said, (Ends::BadRequest, Some(400)), "{request:?}"),
        Outcome::Redirect(status, _) => assert_eq!(said, (Ends::Redirect, Some(*status)), "{request:?}"),
        Outcome::DefaultBackend => assert_eq!(said, (Ends::DefaultBackend, Some(404)), "{request:?}"),
        Outcome::Broken => assert_eq!(said, (Ends::Broken, Some(500)), "{request:?}"),
        Outcome::Backend { of, .. } => {
            let may_fall_back = explanation.steps.iter().any(|step| step.what == "fallback" && step.ok.is_none());
            let expected = if may_fall_back { vec![Ends::Unknown] } else { vec![Ends::Service, Ends::Unavailable] };
            assert!(expected.contains(&said.0), "{request:?}: {said:?}");
            assert_eq!(explanation.ingress, Some(of.0.meta.key.to_string()), "{request:?}");
        }
    }
    let field = answer.location.as_ref().and_then(|location| location.at).map(|at| at.field().to_string());
    if field.is_some() {
        assert_eq!(explanation.field, field, "{request:?}");
    }
}

#[test]
fn in_every_world_of_every_page() {
    let (mut asked, mut worlds) = (0, 0);
    for check in checks::ALL {
        for (config, inventory, _) in pages::worlds(check.page) {
            let Some(class) = nginx_class(&config, &inventory) else { continue };
            worlds += 1;
            let nobody = Key::default();
            let view =
                ClusterView::new(pages::known(&inventory), &nobody, Kind::ALL.into_iter().collect(), Kinds::NONE);
            let (rules, dialects) = (&config.settings.classes, &config.settings.dialects);
            let controller = Controller::of_class(ClassRef::Named(&class), "", &view, rules, dialects);
            let is_its_own = |ingress: &Ingress| {
                let theirs = Controller::handling(ingress, &view, rules, dialects);
                ingress.class_ref() != ClassRef::Named(&class) || std::ptr::eq(theirs.dialect, controller.dialect)
            };
            // Where several controllers share a class by namespaces, there is not one answer.
            if !inventory.ingresses().all(is_its_own) {
                continue;
            }
            for request in visits(&inventory).into_iter().take(200) {
                let routes = Routes::of(None, &view, rules, dialects, controller);
                let Ok(Lookup::Found(answer)) =
                    routes.answer(request.scheme, &request.host, &request.path, When::After)
                else {
                    continue;
                };
                let known = pages::known(&inventory);
                let explanation = explain_url(&request, known, &config.settings, Some(&class)).unwrap();
                assert_agrees(&routes, &answer, &explanation, &request);
                asked += 1;
            }
        }
    }
    assert!(worlds > 100 && asked > 2000, "{asked} requests in {worlds} worlds are too few");
}
