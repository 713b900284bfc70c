//! The fields of an Ingress and their types, with the names that Go's decoder prints.

/// The type of a field.
#[derive(Debug)]
pub(super) enum Type {
    /// Text, of this type in Go.
    Text(&'static str),
    /// An integer of 32 bits.
    Int32,
    /// An integer of 64 bits.
    Int64,
    /// A boolean.
    Boolean,
    /// A date and time (RFC 3339).
    Time,
    /// A number or text: `servicePort` of version v1beta1.
    IntOrText,
    /// A map of text to text.
    Map,
    /// Any value.
    Any,
    /// A list of one type.
    List(&'static Self),
    /// An object.
    Object(&'static Struct),
}

/// The type of an object.
#[derive(Debug)]
pub(super) struct Struct {
    /// The name in Go, without its package.
    pub(super) name: &'static str,
    /// The name in Go.
    pub(super) qualified: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) of: Type,
    /// The struct that holds the field in Go and is part of the same JSON object.
    pub(super) embedded: Option<&'static str>,
}

impl Struct {
    /// Returns the field of this name. Case matters, as in the API server.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Type {
    /// Returns the name of the type in Go.
    pub(super) fn go(&self) -> String {
        match self {
            Self::Text(name) => (*name).to_owned(),
            Self::Int32 | Self::IntOrText => "int32".to_owned(),
            Self::Int64 => "int64".to_owned(),
            Self::Boolean => "bool".to_owned(),
            Self::Time => "v1.Time".to_owned(),
            Self::Map => "map[string]string".to_owned(),
            Self::Any => "interface {}".to_owned(),
            Self::List(of) => format!("[]{}", of.go()),
            Self::Object(of) => of.qualified.to_owned(),
        }
    }
}

const fn field(name: &'static str, of: Type) -> Field {
    Field { name, of, embedded: None }
}

const TEXT: Type = Type::Text("string");
const TEXTS: Type = Type::List(&TEXT);

macro_rules! object {
    ($(#[$doc:meta])* $visible:vis $id:ident, $name:literal in $package:literal, [$($field:expr),* $(,)?]) => {
        $(#[$doc])*
        $visible static $id: Struct =
            Struct { name: $name, qualified: concat!($package, ".", $name), fields: &[$($field),*] };
    };
}

object!(/// `networking.k8s.io/v1`
    pub(super) INGRESS, "Ingress" in "v1", [
    field("apiVersion", TEXT),
    field("kind", TEXT),
    field("metadata", Type::Object(&META)),
    field("spec", Type::Object(&SPEC)),
    field("status", Type::Object(&STATUS)),
]);
object!(SPEC, "IngressSpec" in "v1", [
    field("ingressClassName", TEXT),
    field("defaultBackend", Type::Object(&BACKEND)),
    field("tls", Type::List(&Type::Object(&TLS))),
    field("rules", Type::List(&Type::Object(&RULE))),
]);
object!(TLS, "IngressTLS" in "v1", [field("hosts", TEXTS), field("secretName", TEXT)]);
object!(RULE, "IngressRule" in "v1", [
    field("host", TEXT),
    Field { name: "http", of: Type::Object(&HTTP), embedded: Some("IngressRuleValue") },
]);
object!(HTTP, "HTTPIngressRuleValue" in "v1", [field("paths", Type::List(&Type::Object(&PATH)))]);
object!(PATH, "HTTPIngressPath" in "v1", [
    field("path", TEXT),
    field("pathType", Type::Text("v1.PathType")),
    field("backend", Type::Object(&BACKEND)),
]);
object!(BACKEND, "IngressBackend" in "v1", [
    field("service", Type::Object(&SERVICE)),
    field("resource", Type::Object(&RESOURCE)),
]);
object!(SERVICE, "IngressServiceBackend" in "v1", [field("name", TEXT), field("port", Type::Object(&PORT))]);
object!(PORT, "ServiceBackendPort" in "v1", [field("name", TEXT), field("number", Type::Int32)]);
object!(RESOURCE, "TypedLocalObjectReference" in "v1", [
    field("apiGroup", TEXT),
    field("kind", TEXT),
    field("name", TEXT),
]);
object!(STATUS, "IngressStatus" in "v1", [field("loadBalancer", Type::Object(&LOAD_BALANCER))]);
object!(LOAD_BALANCER, "IngressLoadBalancerStatus" in "v1", [
    field("ingress", Type::List(&Type::Object(&LOAD_BALANCER_INGRESS))),
]);
object!(LOAD_BALANCER_INGRESS, "IngressLoadBalancerIngress" in "v1", [
    field("ip", TEXT),
    field("hostname", TEXT),
    field("ports", Type::List(&Type::Object(&PORT_STATUS))),
]);
object!(PORT_STATUS, "IngressPortStatus" in "v1", [
    field("port", Type::Int32),
    field("protocol", Type::Text("v1.Protocol")),
    field("error", TEXT),
]);

object!(/// `networking.k8s.io/v1beta1` and `extensions/v1beta1`
    pub(super) INGRESS_V1BETA1, "Ingress" in "v1beta1", [
    field("apiVersion", TEXT),
    field("kind", TEXT),
    field("metadata", Type::Object(&META)),
    field("spec", Type::Object(&SPEC_V1BETA1)),
    field("status", Type::Object(&STATUS)),
]);
object!(SPEC_V1BETA1, "IngressSpec" in "v1beta1", [
    field("ingressClassName", TEXT),
    field("backend", Type::Object(&BACKEND_V1BETA1)),
    field("tls", Type::List(&Type::Object(&TLS))),
    field("rules", Type::List(&Type::Object(&RULE_V1BETA1))),
]);
object!(RULE_V1BETA1, "IngressRule" in "v1beta1", [
    field("host", TEXT),
    Field { name: "http", of: Type::Object(&HTTP_V1BETA1), embedded: Some("IngressRuleValue") },
]);
object!(HTTP_V1BETA1, "HTTPIngressRuleValue" in "v1beta1", [
    field("paths", Type::List(&Type::Object(&PATH_V1BETA1))),
]);
object!(PATH_V1BETA1, "HTTPIngressPath" in "v1beta1", [
    field("path", TEXT),
    field("pathType", Type::Text("v1beta1.PathType")),
    field("backend", Type::Object(&BACKEND_V1BETA1)),
]);
object!(BACKEND_V1BETA1, "IngressBackend" in "v1beta1", [
    field("serviceName", TEXT),
    field("servicePort", Type::IntOrText),
    field("resource", Type::Object(&RESOURCE)),
]);

object!(META, "ObjectMeta" in "v1", [
    field("name", TEXT),
    field("generateName", TEXT),
    field("namespace", TEXT),
    field("selfLink", TEXT),
    field("uid", Type::Text("types.UID")),
    field("resourceVersion", TEXT),
    field("generation", Type::Int64),
    field("creationTimestamp", Type::Time),
    field("deletionTimestamp", Type::Time),
    field("deletionGracePeriodSeconds", Type::Int64),
    field("labels", Type::Map),
    field("annotations", Type::Map),
    field("ownerReferences", Type::List(&Type::Object(&OWNER))),
    field("finalizers", TEXTS),
    field("managedFields", Type::List(&Type::Object(&MANAGED_FIELDS))),
]);
object!(OWNER, "OwnerReference" in "v1", [
    field("apiVersion", TEXT),
    field("kind", TEXT),
    field("name", TEXT),
    field("uid", Type::Text("types.UID")),
    field("controller", Type::Boolean),
    field("blockOwnerDeletion", Type::Boolean),
]);
object!(MANAGED_FIELDS, "ManagedFieldsEntry" in "v1", [
    field("manager", TEXT),
    field("operation", Type::Text("v1.ManagedFieldsOperationType")),
    field("apiVersion", TEXT),
    field("time", Type::Time),
    field("fieldsType", TEXT),
    field("fieldsV1", Type::Any),
    field("subresource", TEXT),
]);
