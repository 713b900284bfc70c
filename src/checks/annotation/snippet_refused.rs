//! IG609: annotations that the controller does not take, snippets first of all.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations::Risk;

pub(crate) static SNIPPET_REFUSED: Check = Check {
    code: "IG609",
    name: "snippet-refused",
    summary: "a snippet where snippets are off, or an annotation above the controller's `annotations-risk-level`",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("snippet_refused.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let (allowed, most) = (cx.dialect().allows_snippets(), cx.dialect().risk_level());
    let is_known = allowed.is_some() && most.is_some();
    for (row, value) in cx.nginx().known().filter(|(row, _)| row.removed.is_none()) {
        let is_snippet = row.name.ends_with("-snippet") && !value.is_empty();
        let key = format!("{NGINX_PREFIX}{}", row.name);
        let field = FieldPath::annotation(&key);
        let finding = match most.filter(|most| row.risk > *most) {
            // The whole extraction fails (section 7.0).
            Some(most) => {
                let message = format!(
                    "risk {}, the controller takes {most}: {}",
                    row.risk,
                    super::consequence(super::Effect::NotLoaded)
                );
                out.add(field, key, message)
            }
            None if is_snippet && allowed == Some(false) => {
                out.add(field, key, "snippets are switched off: the Ingress is refused, or the snippet ignored")
            }
            // Off and above the risk level by default, but that is the default of newer versions only.
            None if is_snippet && row.risk == Risk::Critical && !cx.dialect().settings_unknown() && !is_known => {
                let finding = out.add(field, key, "from 1.9.1 on snippets are off by default: then it has no effect");
                finding.at_most(AUDIT)
            }
            None => continue,
        };
        cx.rests_on_settings(finding).help("remove it, or allow it in the ConfigMap");
    }
}
