//! IG615: external authentication that cannot answer.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Key, Kind, Kinds, NGINX_PREFIX};
use crate::routing::AuthServiceFault;

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
    let is_unused = nginx.is_canary() || nginx.redirects_everything();
    let Some(url) = nginx.accepted("auth-url").filter(|_| !is_unused) else { return };
    let field = |name: &str| FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"));
    if let Some(fault) = AuthServiceFault::of(cx.ingress, cx.view) {
        missing_service(cx, &fault, out);
    } else if leads_back(cx, url) {
        let message = format!("{} is behind this authentication itself: requests return 500", Quoted(url));
        let finding = out.add(field("auth-url"), "auth-url itself", message);
        finding.rests_on_index("hosts").help("use the cluster address of the service");
    }
    let signin = nginx.accepted("auth-signin").filter(|_| nginx.value("satisfy") != Some("any"));
    if let Some(signin) = signin.filter(|signin| leads_back(cx, signin)) {
        let message = format!("{} is behind the same authentication: clients are redirected in a loop", Quoted(signin));
        let finding = out.add(field("auth-signin"), "auth-signin itself", message);
        finding.rests_on_index("hosts").help("serve this path by an Ingress without auth-url");
        // The service may allow this path.
        finding.at_most(AUDIT);
    }
}

fn missing_service(cx: &Context<'_>, fault: &AuthServiceFault<'_>, out: &mut Findings) {
    let AuthServiceFault { namespace, service, port } = *fault;
    if !cx.may_name(namespace) {
        return;
    }
    let what = match port {
        None => format!("Service {service:?} does not exist in namespace {namespace:?}"),
        Some(port) => format!("Service {service:?} in namespace {namespace:?} has no port {port}"),
    };
    let field = FieldPath::annotation(&format!("{NGINX_PREFIX}auth-url"));
    let finding = out.add(field, "auth-url service", format!("{what}: requests return 500"));
    finding.rests_on(Kind::Service, Key::new(namespace, service));
    finding.help(if port.is_none() { "create the Service first" } else { "use a port of the Service" });
}

/// Whether this Ingress itself, with its authentication, certainly gets requests for a URL.
fn leads_back(cx: &Context<'_>, url: &str) -> bool {
    let is_known = cx.view.knows(Kind::Ingress) && cx.view.sees(Kind::IngressClass) && cx.matches_paths();
    is_known && cx.weighed(cx.routes().is_behind_itself(cx.ingress, url)) == Some(true)
}
