//! IG615: external authentication that cannot answer.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Finding, Level, Levels, Quoted};
use crate::model::{FieldPath, Key, Kind, Kinds, NGINX_PREFIX};
use crate::routing::{AuthServiceFault, ExternalAuth};

pub(crate) static AUTH_URL_CANNOT_ANSWER: Check = Check {
    code: "IG615",
    name: "auth-url-cannot-answer",
    summary: "`auth-url` names a missing Service, or `auth-url` or `auth-signin` leads back to itself",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::Ingress, Kind::IngressClass, Kind::Service]),
    hints: Kinds::NONE,
    page: include_str!("auth_url_cannot_answer.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let nginx = cx.nginx();
    // nginx sends a redirect before it asks the service.
    let is_unused = nginx.is_canary() || nginx.redirects_everything() || is_exempt(cx);
    let Some(auth) = cx.routes().external_auth(cx.ingress).filter(|_| !is_unused) else { return };
    if let Some(fault) = AuthServiceFault::of(auth.url, cx.view) {
        missing_service(cx, auth, &fault, out);
    } else if leads_back(cx, auth, auth.url) {
        let message = format!("{} is behind this authentication itself: requests return 500", Quoted(auth.url));
        let finding = add(cx, auth, "itself", message, out);
        finding.rests_on_index("hosts").help("use the cluster address of the service");
    }
    let signin = nginx.accepted("auth-signin").filter(|_| !auth.is_global && nginx.value("satisfy") != Some("any"));
    if let Some(signin) = signin.filter(|signin| leads_back(cx, auth, signin)) {
        let message = format!("{} is behind the same authentication: clients are redirected in a loop", Quoted(signin));
        let finding = out.add(annotation("auth-signin"), "auth-signin itself", message);
        finding.rests_on_index("hosts").help("serve this path by an Ingress without auth-url");
        // The service may allow this path.
        finding.at_most(AUDIT);
    }
}

fn annotation(name: &str) -> FieldPath {
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}

/// Whether `no-auth-locations` exempts every path.
fn is_exempt(cx: &Context<'_>) -> bool {
    let mut paths = cx.ingress.paths().peekable();
    paths.peek().is_some() && paths.all(|at| cx.dialect().exempts_from_authentication(at.path.routed()))
}

/// Adds a finding on the annotation, or on the ConfigMap of the controller, which is not the fault of the Ingress.
fn add<'f>(
    cx: &Context<'_>,
    auth: ExternalAuth<'_>,
    what: &str,
    message: String,
    out: &'f mut Findings<'_>,
) -> &'f mut Finding {
    if !auth.is_global {
        return out.add(annotation("auth-url"), format!("auth-url {what}"), message);
    }
    let message = format!("global-auth-url of the controller: {message}");
    let finding = out.add(FieldPath::spec(), format!("global-auth-url {what}"), message);
    cx.rests_on_settings(finding).at_most(AUDIT)
}

fn missing_service(cx: &Context<'_>, auth: ExternalAuth<'_>, fault: &AuthServiceFault<'_>, out: &mut Findings) {
    let AuthServiceFault { namespace, service, port } = *fault;
    if !cx.may_name(namespace) {
        return;
    }
    let what = match port {
        None => format!("Service {service:?} does not exist in namespace {namespace:?}"),
        Some(port) => format!("Service {service:?} in namespace {namespace:?} has no port {port}"),
    };
    let finding = add(cx, auth, "service", format!("{what}: requests return 500"), out);
    finding.rests_on(Kind::Service, Key::new(namespace, service));
    finding.help(if port.is_none() { "create the Service first" } else { "use a port of the Service" });
}

/// Whether requests for a URL certainly need the authentication of this Ingress.
fn leads_back<'a>(cx: &Context<'a>, auth: ExternalAuth<'a>, url: &str) -> bool {
    let is_known = cx.view.knows(Kind::Ingress) && cx.view.sees(Kind::IngressClass) && cx.matches_paths();
    is_known && cx.weighed(cx.routes().is_behind(auth, cx.ingress, url)) == Some(true)
}
