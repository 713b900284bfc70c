//! References between objects: EndpointSlices to their Service, Certificates to their Secret. The index is always
//! consistent, and unreadable objects count as unknown.

use std::collections::BTreeMap;

use ingress_guard::cluster::{ClusterView, Coverage, Inventory, Lookup, Object, load_text};
use ingress_guard::model::{ApiCaller, EndpointSlice, Key, Kind, Kinds};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pages::known;

fn slice(value: Value) -> EndpointSlice {
    serde_json::from_value(value).unwrap()
}

fn of_service(name: &str, service: &str) -> EndpointSlice {
    slice(json!({"metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": service}}}))
}

fn slices(inventory: &Inventory, service: &str) -> Vec<String> {
    let mut names: Vec<String> =
        inventory.endpoint_slices_of("shop", service).map(|slice| slice.key.name.to_string()).collect();
    names.sort();
    names
}

#[test]
fn a_slice_is_stored_as_counts() {
    let read = slice(json!({
        "metadata": {"name": "web-x7k2p", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web", "a": null}},
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": true, "serving": true, "terminating": false}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
            {"addresses": ["10.0.0.3"], "conditions": {}},
            {"addresses": ["10.0.0.4"]},
            {"addresses": ["10.0.0.5"], "conditions": {"ready": null}},
        ],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "", "port": null}, {"protocol": "UDP"}],
    }));
    assert_eq!((read.ready, read.not_ready), (4, 1), "an endpoint without a ready condition counts as ready");
    let ports: Vec<_> = read.ports.iter().map(|port| (&*port.name, port.number, port.protocol.to_string())).collect();
    let tcp = || "TCP".to_owned();
    assert_eq!(ports, [("http", Some(8080), tcp()), ("", None, tcp()), ("", None, "UDP".to_owned())]);
    let placeholder = slice(json!({"metadata": {"name": "web-1"}, "endpoints": null, "ports": null}));
    assert_eq!(
        (placeholder.ready, placeholder.not_ready, placeholder.ports.len(), &*placeholder.service),
        (0, 0, 0, "")
    );
}

proptest! {
    #[test]
    fn the_order_of_events_does_not_change_the_slices_of_a_service(
        events in proptest::collection::vec((0..5u8, proptest::option::of(0..3u8)), 0..40),
    ) {
        const SERVICES: [&str; 3] = ["", "web", "api"];
        let mut followed = Inventory::default();
        let mut stored = BTreeMap::new();
        for (name, service) in events {
            let name = format!("slice-{name}");
            if let Some(service) = service {
                let slice = of_service(&name, SERVICES[service as usize]);
                followed.apply(Object::EndpointSlice(slice.clone()));
                stored.insert(name, slice);
            } else {
                followed.delete(Kind::EndpointSlice, &Key::new("shop", &name));
                stored.remove(&name);
            }
        }
        prop_assert_eq!(followed.count(Kind::EndpointSlice), stored.len());
        for service in SERVICES {
            let wanted: Vec<String> = stored
                .iter()
                .filter(|(_, slice)| !service.is_empty() && &*slice.service == service)
                .map(|(name, _)| name.clone())
                .collect();
            prop_assert_eq!(slices(&followed, service), wanted);
        }
    }
}

#[test]
fn an_unreadable_object_may_refer_to_anything_in_its_namespace() {
    let mut inventory = load_text("cluster", "").unwrap();
    inventory.cover(Kind::EndpointSlice, Coverage::Complete);
    inventory.apply(Object::EndpointSlice(of_service("web-1", "web")));
    let broken = Key::new("shop", "web-2");
    inventory.apply_unreadable(Kind::EndpointSlice, broken.clone());
    inventory.apply_unreadable(Kind::Certificate, Key::new("shop", "app"));
    let candidate = Key::new("shop", "web");
    let ask = |inventory: &Inventory, namespace: &str| {
        let view = ClusterView::new(known(inventory), &candidate, Kind::EndpointSlice.into(), Kind::Certificate.into());
        let found = view.endpoint_slices(namespace, "web").found().map(|slices| slices.len());
        let is_absent = view.certificate_for(namespace, "app-tls").is_absent();
        (found, is_absent, view.unavailable().map(|unknown| unknown.kind))
    };
    assert_eq!(ask(&inventory, "shop"), (None, false, Some(Kind::EndpointSlice)), "a hint is never missed aloud");
    assert_eq!(ask(&inventory, "blog"), (Some(0), true, None));
    inventory.delete(Kind::EndpointSlice, &broken);
    inventory.delete(Kind::Certificate, &Key::new("shop", "app"));
    assert_eq!(ask(&inventory, "shop"), (Some(1), true, None));
    let undeclared = ClusterView::new(known(&inventory), &candidate, Kinds::NONE, Kinds::NONE);
    assert!(matches!(undeclared.endpoint_slices("shop", "web"), Lookup::Unknown));
}

#[test]
fn webhook_services_are_indexed_until_their_configuration_is_removed() {
    let caller = |services: &[(&str, Option<u16>)]| -> ApiCaller {
        let webhooks: Vec<Value> = services
            .iter()
            .map(|(name, port)| json!({"clientConfig": {"service": {"namespace": "shop", "name": name, "port": port}}}))
            .collect();
        serde_json::from_value(json!({"metadata": {"name": "policy"}, "webhooks": webhooks})).unwrap()
    };
    let [validating, mutating] = [Kind::ValidatingWebhookConfiguration, Kind::MutatingWebhookConfiguration];
    let mut inventory = Inventory::default();
    let asks = |inventory: &Inventory, name: &str| -> Vec<(Kind, Vec<i32>)> {
        let service = Key::new("shop", name);
        let of = |kind| inventory.api_callers_of(kind, &service).map(move |caller| (kind, caller));
        let ports = |caller: &ApiCaller| caller.services.iter().map(|service| service.port).collect();
        Kind::API_CALLERS.into_iter().flat_map(of).map(|(kind, caller)| (kind, ports(caller))).collect()
    };
    inventory.apply(Object::ApiCaller(validating, caller(&[("web", None), ("api", Some(8443)), ("web", Some(80))])));
    // The same name with another kind is another object.
    inventory.apply(Object::ApiCaller(mutating, caller(&[("web", None)])));
    assert_eq!(asks(&inventory, "web"), [(mutating, vec![443]), (validating, vec![443, 8443, 80])]);
    assert_eq!(asks(&inventory, "api"), [(validating, vec![443, 8443, 80])]);
    inventory.apply(Object::ApiCaller(validating, caller(&[("api", None)])));
    assert_eq!(asks(&inventory, "web"), [(mutating, vec![443])]);
    assert_eq!(inventory.count(validating) + inventory.count(mutating), 2);
    inventory.delete_all(mutating, &inventory.keys(mutating));
    assert_eq!((asks(&inventory, "web"), inventory.count(mutating), inventory.count(validating)), (vec![], 0, 1));
    let local = serde_json::from_value(json!({"metadata": {"name": "v1.apps"}, "spec": {"service": null}})).unwrap();
    inventory.apply(Object::ApiCaller(Kind::ApiService, local));
    assert_eq!(inventory.count(Kind::ApiService), 1);
}

#[test]
fn files_without_endpoint_slices_leave_endpoints_unknown() {
    let coverage = |text: &str| load_text("files", text).unwrap().coverage(Kind::EndpointSlice);
    assert_eq!(coverage(""), Coverage::NotProvided);
    assert_eq!(
        coverage("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}}"),
        Coverage::Complete
    );
}
