//! IG609: a snippet or another annotation that the controller does not allow.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations::Risk;

pub(crate) static SNIPPET_REFUSED: Check = Check {
    code: "IG609",
    name: "snippet-refused",
    summary: "snippets are disabled, or the annotation exceeds the `annotations-risk-level` of the controller",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("snippet_refused.md"),
    run,
};

const HELP: &str = "remove it or enable allow-snippet-annotations";

fn run(cx: &Context<'_>, out: &mut Findings) {
    let (allowed, max_risk) = (cx.dialect().allows_snippets(), cx.dialect().risk_level());
    let is_known = allowed.is_some() && max_risk.is_some();
    for (row, value) in cx.nginx().known().filter(|(row, _)| row.removed.is_none()) {
        let is_snippet = row.name.ends_with("-snippet") && !value.is_empty();
        let key = format!("{NGINX_PREFIX}{}", row.name);
        let field = FieldPath::annotation(&key);
        let finding = match max_risk.filter(|max_risk| row.risk > *max_risk) {
            // The controller then loads none of the annotations and not the Ingress (section 7.0).
            Some(max_risk) => {
                let message = format!(
                    "risk {} exceeds annotations-risk-level {max_risk}: {}",
                    row.risk,
                    super::effect_on_requests(super::Effect::NotLoaded)
                );
                out.add(field, key, message).help("remove it or raise the level")
            }
            None if is_snippet && allowed == Some(false) => {
                let message = "snippets are disabled: the controller rejects the Ingress or ignores the snippet";
                out.add(field, key, message).help(HELP)
            }
            // Newer versions disable snippets by default; the version of this controller is not known.
            None if is_snippet && row.risk == Risk::Critical && !cx.dialect().settings_unknown() && !is_known => {
                let message = "snippets are disabled by default from version 1.9.1 on: the snippet has no effect";
                out.add(field, key, message).help(HELP).at_most(AUDIT)
            }
            None => continue,
        };
        cx.rests_on_settings(finding);
    }
}
