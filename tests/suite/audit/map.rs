//! The route map as text: what is behind every host, and which link is broken.

use std::fmt::Write as _;

use ingress_guard::model::Backend;
use ingress_guard::routing::{Controllers, LinkStatus, RouteMap};

use super::{WORLD, audited};

fn shown(map: &RouteMap<'_>) -> String {
    let mark = |standing| match standing {
        LinkStatus::Ok => '+',
        LinkStatus::Unknown => '?',
        LinkStatus::Broken => 'x',
    };
    let mut out = String::new();
    for host in &map.hosts {
        let certificate = &host.certificate;
        let _ =
            writeln!(out, "{} ({}) {} {}", host.host, host.controller(), mark(certificate.status()), certificate.state);
        for route in &host.routes {
            let Backend::Service { name, .. } = route.backend else { panic!("{:?} has no Service", route.backend) };
            let key = &route.ingress.meta.key;
            let _ = writeln!(out, "  {} {} > {key} > {name} > {}", mark(route.status()), route.path(), route.outcome);
        }
    }
    out
}

#[test]
fn every_host_has_its_routes_and_their_problems() {
    let expected = "\
* (k8s.io/ingress-nginx) + no TLS
  + / > pay/pay > pay > 1 ready, 1 not ready
lost.example.com (no controller) + no TLS
  x / > shop/lost > web > no controller handles this Ingress
moved.example.com (k8s.io/ingress-nginx) + no TLS
  + / > pay/moved > gone > 301 redirect
  + / > pay/pay-canary > pay > canary of pay/moved
none.example.com (k8s.io/ingress-nginx) x the Secret does not exist
  + / > shop/old > web > 2 ready
old.example.com (k8s.io/ingress-nginx) x expired on 2026-11-10
  x / > shop/old > web > the Service has no such port
shop.example.com (k8s.io/ingress-nginx) + valid until 2036-01-01
  + /legacy > shop/storefront > legacy > external name \"legacy.example.net\"
  x /cart > shop/storefront > cart > the Service has no ready endpoint on port 80 (http), 1 not ready; check the pods with labels \"app=cart\"
  x /cart > shop/storefront-2 > web > served by shop/storefront
  x /wish > shop/storefront-2 > wish > the Service does not exist
  + / > shop/storefront > web > 2 ready
soon.example.com (k8s.io/ingress-nginx) + valid until 2026-12-01
  + /api/(.*) > shop/old > web > 2 ready
waived.example.com (k8s.io/ingress-nginx) + no TLS
  x / > shop/waived > gone > the Service does not exist
";
    audited(&WORLD, |_, map| {
        let shown = shown(map);
        assert_eq!(shown, expected, "\n{shown}");
    });
}

#[test]
fn unreadable_objects_are_not_broken() {
    use ingress_guard::cluster::{ClusterView, Coverage, load_text};
    use ingress_guard::config::Config;
    use ingress_guard::model::{Key, Kind};

    let mut inventory = load_text("cluster", &WORLD).unwrap();
    for kind in Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::Ingress | Kind::IngressClass)) {
        inventory.cover(kind, Coverage::Forbidden);
    }
    let config = Config::default();
    let others: Vec<Key> = inventory
        .ingresses()
        .filter(|ingress| ingress.class_name.as_deref() != Some("nginx"))
        .map(|ingress| ingress.meta.key.clone())
        .collect();
    for key in &others {
        inventory.delete(Kind::Ingress, key);
    }
    let view = ClusterView::unrestricted(crate::pages::known(&inventory));
    let map = RouteMap::of(Controllers::new(&view, &config.settings.classes, &config.settings.dialects));
    let broken: Vec<String> = map
        .hosts
        .iter()
        .flat_map(|host| host.routes.iter().map(move |route| (host, route)))
        .filter(|(host, route)| route.status() == LinkStatus::Broken || host.certificate.status() == LinkStatus::Broken)
        .map(|(_, route)| route.outcome.to_string())
        .collect();
    // Who has a path is known from the Ingresses alone.
    assert_eq!(broken, ["served by shop/storefront"]);
}
