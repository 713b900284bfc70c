//! `explain` agrees with the location model in every example of every page.

use std::collections::BTreeSet;

use ingress_guard::budget::Budget;
use ingress_guard::checks;
use ingress_guard::cluster::{ClusterView, Inventory, Lookup};
use ingress_guard::config::Config;
use ingress_guard::explain::{Explanation, RequestOutcome, RequestUrl, explain_url};
use ingress_guard::model::{ClassRef, Host, Ingress};
use ingress_guard::routing::{Answer, Controllers, Outcome, Routes, Scheme, When};

use crate::pages;

/// Sample requests for an example: every path of every host, similar paths, and paths that do not exist.
pub(super) fn visits(inventory: &Inventory) -> Vec<RequestUrl> {
    let mut hosts: BTreeSet<String> = BTreeSet::from(["absent.example.org".to_owned()]);
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
                query: None,
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
    let view = ClusterView::unrestricted(pages::known(inventory));
    let controllers = Controllers::new(&view, &config.settings.classes, &config.settings.dialects);
    inventory.ingresses().filter_map(of).find(|class| {
        let controller = controllers.of_class(ClassRef::Named(class), "");
        controller.dialect.family.reads_nginx_annotations()
    })
}

fn assert_agrees<'a>(routes: &Routes<'a>, answer: &Answer<'a>, explanation: &Explanation, request: &RequestUrl) {
    let said = (explanation.outcome, explanation.status);
    // Some Ingress of the controller stops it, or may do so.
    if explanation.blocked_by.is_some() {
        return assert!(matches!(said.0, RequestOutcome::NotLoaded | RequestOutcome::Unknown), "{request:?}: {said:?}");
    }
    if said.0 == RequestOutcome::NotLoaded {
        return assert!(
            !answer.server.config_errors(&Budget::default()).unwrap().is_empty(),
            "{request:?}: {explanation:?}"
        );
    }
    if let Some(refusal) = routes.refusal(answer) {
        assert!(matches!(said.0, RequestOutcome::Forbidden | RequestOutcome::Unavailable), "{request:?}: {said:?}");
        return assert_eq!(said.1, Some(refusal.status), "{request:?}");
    }
    match &answer.outcome {
        Outcome::BadRequest => assert_eq!(said, (RequestOutcome::BadRequest, Some(400)), "{request:?}"),
        Outcome::Redirect(status, _) => assert_eq!(said, (RequestOutcome::Redirect, Some(*status)), "{request:?}"),
        Outcome::DefaultBackend => assert_eq!(said, (RequestOutcome::DefaultBackend, Some(404)), "{request:?}"),
        Outcome::Broken => assert_eq!(said, (RequestOutcome::Broken, Some(500)), "{request:?}"),
        Outcome::Unknown => assert_eq!(said, (RequestOutcome::Unknown, None), "{request:?}"),
        Outcome::Backend { of, .. } => {
            let may_fall_back = explanation.steps.iter().any(|step| step.what == "fallback" && step.ok.is_none());
            let is_unauthenticated = explanation.broken().is_some_and(|step| step.what == "authentication");
            let expected = if is_unauthenticated {
                vec![RequestOutcome::Broken]
            } else if may_fall_back || routes.loading(of.0).doubt.is_some() {
                vec![RequestOutcome::Unknown]
            } else {
                vec![RequestOutcome::Service, RequestOutcome::Unavailable]
            };
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
fn in_every_example_of_every_page() {
    let (mut asked, mut examples_seen) = (0, 0);
    // No cluster stores the Ingresses on the pages of manifests.
    for check in checks::ALL.iter().filter(|check| check.applies != checks::Applies::Manifests) {
        for (config, inventory, _) in pages::examples(check.page) {
            let Some(class) = nginx_class(&config, &inventory) else { continue };
            examples_seen += 1;
            let view = ClusterView::unrestricted(pages::known(&inventory));
            let dialects = config.settings.dialects.with_observed_settings(&view);
            let controllers = Controllers::new(&view, &config.settings.classes, &dialects);
            let controller = controllers.of_class(ClassRef::Named(&class), "");
            let is_its_own = |ingress: &Ingress| {
                let theirs = controllers.handling(ingress);
                ingress.class_ref() != ClassRef::Named(&class) || std::ptr::eq(theirs.dialect, controller.dialect)
            };
            // Where several controllers share a class by namespaces, there is not one answer.
            if !inventory.ingresses().all(is_its_own) {
                continue;
            }
            for request in visits(&inventory).into_iter().take(200) {
                let routes = Routes::of(controllers, controller, None);
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
    assert!(examples_seen > 100 && asked > 2000, "{asked} requests in {examples_seen} examples_seen are too few");
}
