//! Secrets that are read by name: their times, and what verdicts make of them.

use ingress_guard::background::{AGAIN, BEFORE_END, Reads, SOON};
use ingress_guard::cluster::{Coverage, LiveRead, Object, ReadFailure, load_text};
use ingress_guard::config::Config;
use ingress_guard::model::{Key, Kind, Kinds};
use jiff::SignedDuration;

use super::Followed;
use crate::pages::fixtures::expand;
use crate::pages::now;

const INGRESS: &str = "
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: nginx
  tls: [{hosts: [web.example.com], secretName: web-tls}]
  rules: [{host: web.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
";

fn secret(until: &str) -> LiveRead {
    let text = format!(
        "
kind: Secret
apiVersion: v1
metadata: {{name: web-tls, namespace: shop}}
type: kubernetes.io/tls
stringData:
  tls.crt: certificate(web.example.com; 2026-01-01..{until})
  tls.key: key(own)
"
    );
    LiveRead::Found(Box::new(load_text("secret", &expand(&text)).unwrap().objects(Kind::Secret).remove(0)))
}

fn name() -> (Kind, Key) {
    (Kind::Secret, Key::new("shop", "web-tls"))
}

fn reading() -> Followed {
    let mut state = load_text("shop", INGRESS).unwrap();
    state.cover(Kind::Secret, Coverage::FetchedByName);
    Followed::reading(Config::default(), state, Kind::Secret.into())
}

fn tls_codes(followed: &Followed) -> Vec<&'static str> {
    followed.codes("shop", "web").into_iter().filter(|code| code.starts_with("IG4") || *code == "IG902").collect()
}

#[test]
fn a_secret_that_was_not_read_is_unknown_and_no_finding() {
    let mut followed = reading();
    assert_eq!((tls_codes(&followed), followed.audit.unread()), (vec![], 1));
    let (kind, key) = followed.audit.next_read(now()).unwrap();
    assert_eq!((kind, &key), (name().0, &name().1));
    assert_eq!(followed.audit.next_read(now()), None, "one read at a time");
    followed.audit.note_read(kind, key, LiveRead::Absent, now());
    assert_eq!(followed.follow(), 1);
    assert_eq!((tls_codes(&followed), followed.audit.unread()), (vec!["IG401"], 0));
    // It is created: the next read finds it.
    followed.now += SOON;
    let (kind, key) = followed.audit.next_read(followed.now).unwrap();
    followed.audit.note_read(kind, key, secret("2027-06-01"), followed.now);
    assert_eq!(followed.follow(), 1);
    assert_eq!(tls_codes(&followed), [""; 0]);
}

#[test]
fn a_certificate_expires_in_time_unless_it_was_renewed() {
    let mut followed = reading();
    let (kind, key) = followed.audit.next_read(now()).unwrap();
    followed.audit.note_read(kind, key.clone(), secret("2026-11-30"), now());
    followed.follow();
    assert_eq!(tls_codes(&followed), ["IG405"], "it expires soon");
    followed.now = "2026-11-29T23:50:00Z".parse().unwrap();
    followed.follow();
    assert_eq!(tls_codes(&followed), ["IG405"]);
    followed.now = "2026-11-30T00:00:01Z".parse().unwrap();
    assert_eq!(followed.follow(), 1);
    assert_eq!(tls_codes(&followed), ["IG404"], "no read is needed for that");
    followed.audit.note_read(kind, key, secret("2027-06-01"), followed.now);
    assert_eq!(followed.follow(), 1);
    assert_eq!(tls_codes(&followed), [""; 0]);
}

#[test]
fn objects_are_read_again_after_six_hours_and_before_a_certificate_ends() {
    let mut reads = Reads::of(Kind::Secret.into());
    let mut at = |until: &str| {
        reads.want(name(), now());
        assert!(reads.note(&name(), secret(until), now()));
        let next = (0..24 * 60).find(|minute| {
            let time = now() + SignedDuration::from_mins(*minute);
            reads.next(time).is_some()
        });
        reads.forget(&name());
        SignedDuration::from_mins(next.unwrap())
    };
    assert_eq!(at("2027-06-01"), AGAIN);
    // It ends at midnight (UTC), twelve hours from now; six hours come first.
    assert_eq!(at("2026-11-23"), AGAIN);
    assert_eq!(at("2026-11-01"), SOON, "it has expired");
    let mut reads = Reads::of(Kind::Secret.into());
    let late = "2026-11-22T22:00:00Z".parse().unwrap();
    reads.want(name(), late);
    reads.note(&name(), secret("2026-11-23"), late);
    let end = now() + SignedDuration::from_hours(12);
    assert_eq!(reads.next(end - BEFORE_END - SignedDuration::from_mins(1)), None);
    assert_eq!(reads.next(end - BEFORE_END + SignedDuration::from_secs(1)), Some(name()));
}

#[test]
fn a_failed_read_keeps_what_is_known_and_is_repeated() {
    let mut reads = Reads::of(Kind::Secret.into());
    reads.want(name(), now());
    assert!(reads.note(&name(), secret("2027-06-01"), now()));
    assert!(!reads.note(&name(), secret("2027-06-01"), now()), "nothing new");
    let later = now() + AGAIN;
    assert_eq!(reads.next(later), Some(name()));
    assert!(!reads.note(&name(), LiveRead::Failed(ReadFailure::Timeout), later));
    assert!(matches!(reads.facts().get(Kind::Secret, "shop", "web-tls"), Some(LiveRead::Found(_))));
    assert_eq!(reads.next(later + SOON), Some(name()));
    reads.forget(&name());
    assert!(reads.facts().get(Kind::Secret, "shop", "web-tls").is_none());
    assert!(!reads.note(&name(), LiveRead::Absent, later), "a late answer about a forgotten Secret");
}

#[test]
fn each_object_has_its_turn_and_other_kinds_are_not_read() {
    let mut reads = Reads::of(Kinds::of(&[Kind::ConfigMap, Kind::Secret]));
    for name in ["a", "b", "c"] {
        reads.want((Kind::Secret, Key::new("shop", name)), now());
    }
    reads.want((Kind::Service, Key::new("shop", "web")), now());
    assert_eq!(reads.unread(), 3);
    let mut order = Vec::new();
    for _ in 0..3 {
        let of = reads.next(now()).unwrap();
        reads.note(&of, LiveRead::Absent, now());
        order.push(of.1.name.to_string());
    }
    assert_eq!(order, ["a", "b", "c"]);
    assert_eq!(reads.next(now()), None);
    // One that is named now does not wait for those that come again later.
    reads.hurry(&(Kind::Secret, Key::new("shop", "c")), now());
    assert_eq!(reads.next(now()), Some((Kind::Secret, Key::new("shop", "c"))));
}

#[test]
fn no_key_is_kept() {
    let LiveRead::Found(object) = secret("2027-06-01") else { panic!() };
    let Object::Secret(secret) = *object else { panic!() };
    assert!(!format!("{secret:?}").contains("PRIVATE KEY"));
}
