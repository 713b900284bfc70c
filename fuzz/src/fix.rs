//! Fixes of a manifest file: the result parses, and differs from the file by the patch alone.
//!
//! Besides the fixes of findings, lines such as `# replace /spec/rules/0/host "a.example.com"` patch the first Ingress.

use ingress_guard::document::{Document, Object};
use ingress_guard::finding::Patch;
use ingress_guard::model::FieldPath;
use ingress_guard::yaml::Tree;
use serde_json::Value;

use super::manifest::{Checked, check, read};

/// The fields that a patch can name.
const FIELDS: [&str; 20] = [
    "annotations",
    "backend",
    "defaultBackend",
    "host",
    "hosts",
    "http",
    "ingressClassName",
    "labels",
    "metadata",
    "name",
    "namespace",
    "number",
    "path",
    "pathType",
    "paths",
    "port",
    "rules",
    "secretName",
    "service",
    "tls",
];

pub(super) fn run(bytes: &[u8]) {
    let Some(Checked { text, ingresses, report, .. }) = check(bytes) else { return };
    for (number, (ingress, origin)) in ingresses.iter().enumerate() {
        let Some(document) = Document::parse(&text, origin.document.clone()) else { continue };
        let Ok(mut object) = document.object(&text, &origin.items) else { continue };
        let Some(before) = value(&text[origin.document.clone()]) else { continue };
        let pointer = origin.items.iter().fold(String::new(), |pointer, item| pointer + &format!("/items/{item}"));
        let key = &ingress.meta.key;
        let own =
            report.findings.iter().filter(|entry| (&entry.namespace, &entry.ingress) == (&key.namespace, &key.name));
        let mut patches: Vec<Patch> = own.filter_map(|entry| entry.fix.clone()).collect();
        if number == 0 {
            patches.extend(text.lines().filter_map(|line| patch(line, before.pointer(&pointer)?)));
        }
        let mut wanted = before;
        for patch in patches {
            apply(&mut object, &patch, wanted.pointer_mut(&pointer).expect("the object is in its document"));
        }
        let bytes = object.bytes();
        let after = format!("{}{}{}", &text[..bytes.start], object.text(), &text[bytes.end..]);
        let end = origin.document.end + after.len() - text.len();
        let mut found = value(&after[origin.document.start..end]).expect("the fixed document is YAML");
        for value in [&mut wanted, &mut found] {
            without_empty_annotations(value.pointer_mut(&pointer).expect("the object is in its document"));
        }
        assert_eq!(found, wanted, "the fix changed something else:\n{text}\n---\n{after}");
        let [mut old, mut new] = [&text, &after].map(|text| read(text.as_bytes()));
        assert_eq!(old.faults.len(), new.faults.len(), "{text}\n---\n{after}");
        let keys = |objects: &mut Vec<ingress_guard::cluster::Manifest>| {
            std::mem::take(objects)
                .into_iter()
                .map(|found| (found.object.kind(), found.object.key()))
                .collect::<Vec<_>>()
        };
        // A patch of this target can rename an object.
        assert_eq!(keys(&mut old.objects).len(), keys(&mut new.objects).len(), "{text}\n---\n{after}");
    }
}

/// Applies a patch to the text and to the value, if it can be applied to the text.
fn apply(object: &mut Object<'_>, patch: &Patch, value: &mut Value) {
    let before = object.text().to_owned();
    match object.fix(patch) {
        Ok(edits) => {
            assert_eq!(ingress_guard::document::apply(&before, &edits), object.text(), "the edits are the change");
            let patch = serde_json::to_value(patch).expect("a patch is JSON");
            let patch: json_patch::Patch = serde_json::from_value(patch).expect("RFC 6902");
            json_patch::patch(value, &patch).expect("the patch applies to the value");
            without_empty_annotations(value);
        }
        Err(_) => assert_eq!(before, object.text(), "a refused patch changes nothing"),
    }
}

fn value(text: &str) -> Option<Value> {
    Some(Tree::parse(text).ok()??.root().to_json())
}

/// An empty map of annotations equals an absent one.
fn without_empty_annotations(object: &mut Value) {
    let Some(meta) = object.pointer_mut("/metadata").and_then(Value::as_object_mut) else { return };
    let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    if meta.get("annotations").is_some_and(is_empty) {
        meta.remove("annotations");
    }
}

/// The patch of a comment line.
fn patch(line: &str, object: &Value) -> Option<Patch> {
    let mut words = line.strip_prefix("# ")?.splitn(3, ' ');
    let (operation, pointer) = (words.next()?, words.next()?);
    let field = field(pointer)?;
    let new: Value = serde_json::from_str(words.next().unwrap_or("null")).ok()?;
    match operation {
        "replace" => Some(Patch::on(&field, object.pointer(pointer)?.clone()).replace(&field, new)),
        "remove" => Some(Patch::on(&field, object.pointer(pointer)?.clone()).remove(&field)),
        "add" => {
            let (parent, _) = pointer.rsplit_once('/')?;
            Some(Patch::on(&self::field(parent)?, object.pointer(parent)?.clone()).add(&field, new))
        }
        _ => None,
    }
}

fn field(pointer: &str) -> Option<FieldPath> {
    if let Some(name) = pointer.strip_prefix("/metadata/annotations/") {
        return Some(FieldPath::annotation(&name.replace("~1", "/").replace("~0", "~")));
    }
    let mut path = FieldPath::default();
    for step in pointer.strip_prefix('/')?.split('/') {
        path = match (step.parse(), FIELDS.iter().find(|field| **field == step)) {
            (Ok(index), _) => path.index(index),
            (_, Some(field)) => path.field(field),
            _ if step == "spec" => path.field("spec"),
            _ => return None,
        };
    }
    (path.pointer() == pointer).then_some(path)
}
