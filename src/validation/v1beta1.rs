//! Conversion of version v1beta1 to version 1, as the API server did (`pkg/apis/networking/v1beta1/conversion.go`).

use serde_json::{Map, Value, json};

use crate::model::{FieldPath, Segment};

/// Returns an Ingress of version v1beta1 as version 1: `spec.backend` becomes `defaultBackend`, `serviceName` and `servicePort`
/// become `service`, and a path without a type is `ImplementationSpecific`.
pub(super) fn converted(mut ingress: Value) -> Value {
    if let Some(version) = ingress.get_mut("apiVersion") {
        *version = json!("networking.k8s.io/v1");
    }
    let Some(spec) = ingress.get_mut("spec").and_then(Value::as_object_mut) else { return ingress };
    spec.remove("defaultBackend");
    if let Some(mut backend) = spec.remove("backend") {
        convert_backend(&mut backend);
        spec.insert("defaultBackend".to_owned(), backend);
    }
    for rule in spec.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
        let paths = rule.get_mut("http").and_then(|http| http.get_mut("paths")).and_then(Value::as_array_mut);
        for path in paths.into_iter().flatten().filter_map(Value::as_object_mut) {
            if path.get("pathType").is_none_or(Value::is_null) {
                path.insert("pathType".to_owned(), json!("ImplementationSpecific"));
            }
            if let Some(backend) = path.get_mut("backend") {
                convert_backend(backend);
            }
        }
    }
    ingress
}

/// Returns the field of version v1beta1 that became a field of version 1.
pub(super) fn as_written(field: &FieldPath) -> FieldPath {
    const DEFAULT: [Segment; 2] = [Segment::Field("spec"), Segment::Field("defaultBackend")];
    let mut segments = field.segments();
    let mut written = FieldPath::default();
    if let Some(below) = segments.strip_prefix(&DEFAULT) {
        (segments, written) = (below, FieldPath::spec().field("backend"));
    }
    let service = segments.iter().position(|segment| *segment == Segment::Field("service"));
    let (before, service) = segments.split_at(service.unwrap_or(segments.len()));
    let written = before.iter().fold(written, |written, segment| written.then(segment.clone()));
    match service {
        [_, Segment::Field("name"), ..] => written.field("serviceName"),
        [_, Segment::Field("port"), ..] => written.field("servicePort"),
        _ => written,
    }
}

fn convert_backend(backend: &mut Value) {
    let Some(fields) = backend.as_object_mut() else { return };
    // A field of version 1 is unknown to v1beta1.
    fields.remove("service");
    let [name, port] = ["serviceName", "servicePort"].map(|field| fields.remove(field).unwrap_or_default());
    let port = match port {
        Value::String(name) => Some(json!({ "name": name })),
        Value::Number(number) if number.as_i64() != Some(0) => Some(json!({ "number": number })),
        _ => None,
    };
    if port.is_none() && name.as_str().is_none_or(str::is_empty) {
        return;
    }
    let mut service = Map::from_iter([("name".to_owned(), name)]);
    service.extend(port.map(|port| ("port".to_owned(), port)));
    fields.insert("service".to_owned(), Value::Object(service));
}
