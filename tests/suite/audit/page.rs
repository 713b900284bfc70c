//! The page as text: nothing from an object becomes markup, no other script runs, and colours can be read.

use super::{WORLD, page_of};

/// Paths, names and annotations that try to be something else.
pub(super) const HOSTILE: &str = r#"
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: "k8s.io/ingress-nginx"}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: "</script><script>alert(1)</script>"
  namespace: "\"><img src=x onerror=alert(2)>"
  annotations: {nginx.ingress.kubernetes.io/rewrite-target: "/<!--<script>$9"}
spec:
  ingressClassName: nginx
  rules:
    - host: "<b>evil</b>"
      http:
        paths:
          - {path: "/</script><script>alert(3)</script>", pathType: ImplementationSpecific, backend: {service: {name: "we'b", port: {number: 80}}}}
          - {path: "/\u202egpj.exe\u2066 \u0007", pathType: ImplementationSpecific, backend: {service: {name: web, port: {number: 80}}}}
"#;

#[test]
fn nothing_from_an_object_becomes_markup() {
    let page = page_of(HOSTILE);
    // The data block and the program, and no third.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<!--") && !page.contains("<b>evil"));
    for hidden in ['\u{202e}', '\u{2066}', '\u{7}'] {
        assert!(!page.contains(hidden), "{hidden:?} is in the page");
    }
    assert!(page.contains(r"\\u{202e}gpj.exe\\u{2066} \\u{7}"), "what cannot be seen is shown");
    let data = data_of(&page);
    assert_eq!(data["hosts"][0]["h"], "<b>evil</b>", "{data}");
    assert!(data["findings"].as_array().is_some_and(|findings| !findings.is_empty()));
}

fn data_of(page: &str) -> serde_json::Value {
    let (_, after) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(after.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn the_page_asks_nothing_of_any_network() {
    let page = page_of(&WORLD);
    let (head, _) = page.split_once("</head>").unwrap();
    assert!(head.contains("content=\"default-src &#39;none&#39;; script-src &#39;sha256-"), "{}", &head[..600]);
    let (document, _) = page.split_once("id=\"data\">").unwrap();
    // Pages of checks name URLs; nothing loads one.
    for loads in [" src=", "@import", "url(", "<link", "<iframe", " style=\"", " onclick="] {
        assert!(!document.contains(loads), "{loads} is in the page");
    }
}

#[test]
fn every_code_that_was_found_has_its_page() {
    let page = page_of(&WORLD);
    let data = data_of(&page);
    for (code, name) in data["checks"].as_object().unwrap() {
        assert!(page.contains(&format!("<article id=\"{code}\"")), "{code} has no page");
        assert!(page.contains(&format!(">{code} {}</h3>", name.as_str().unwrap())), "{code} has no title");
    }
}

#[test]
fn colours_can_be_read() {
    let style = include_str!("../../../src/report/html/page.css");
    let (light, rest) = style.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let (dark, rest) = rest.split_once("\n}\n").unwrap();
    let (_, paper) = rest.split_once("@media print").unwrap();
    for (scheme, text) in [("light", light), ("dark", dark), ("paper", paper)] {
        let colour = |name: &str| {
            let (_, value) =
                text.split_once(&format!("--{name}: #")).unwrap_or_else(|| panic!("{scheme} has no {name}"));
            luminance(&value[..value.find([';', '\n']).unwrap()])
        };
        let tags =
            [("deny", "deny-ground"), ("warn", "warn-ground"), ("audit", "audit-ground"), ("good", "good-ground")];
        let plain = ["ink", "soft", "link", "deny", "warn"].map(|ink| [(ink, "ground"), (ink, "raised")]);
        for (ink, ground) in tags.into_iter().chain(plain.into_iter().flatten()) {
            let (a, b) = (colour(ink), colour(ground));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            // WCAG 2.2, success criterion 1.4.3.
            assert!(contrast >= 4.5, "{scheme}: {ink} on {ground} has {contrast:.2}");
        }
    }
}

/// Relative luminance as WCAG 2.2 defines it, of `rrggbb` or `rgb`.
fn luminance(hex: &str) -> f64 {
    let long: String = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&long[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}
