//! The page on the stored Ingresses: the HTML report of `audit`, with the findings and the state of the background audit.

use jiff::Timestamp;

use super::audit::Audit;
use crate::cluster::ClusterView;
use crate::report::{Page, Report, StoredEntry, html};
use crate::routing::{Controllers, RouteMap};

/// Renders the page, which is loaded again after `refresh` seconds. Returns `None` until each Ingress has been evaluated.
#[must_use]
pub fn page(audit: &Audit, source: &str, refresh: u64, now: Timestamp) -> Option<String> {
    let verdicts = audit.verdicts();
    if !verdicts.is_complete {
        return None;
    }
    let world = audit.world();
    let settings = world.rules.engine.settings();
    let mut report = Report::new(world.rules.engine.checks());
    let mut ingresses: Vec<_> = verdicts.by_ingress.iter().collect();
    ingresses.sort_unstable_by_key(|(key, _)| *key);
    for (key, verdict) in ingresses {
        let entries = verdict.findings.iter().map(|finding| StoredEntry {
            code: finding.code,
            level: finding.level,
            field: &finding.field,
            subject: &finding.subject,
            message: &finding.message,
            help: &finding.help,
            waived: finding.waived.as_deref(),
        });
        report.add_stored(key, entries);
    }
    report.reload_blocks = world.blocks.all().iter().cloned().map(Into::into).collect();
    let view = ClusterView::unrestricted(audit.known(now));
    let dialects = settings.dialects.with_observed_settings(&view);
    let map = RouteMap::of(Controllers::new(&view, &settings.classes, &dialects));
    let expiry_warning_days = settings.expiry_warning_days;
    let page = Page { map: &map, made: now, source, what_if: None, expiry_warning_days, refresh: Some(refresh) };
    Some(html(&report, &page))
}
