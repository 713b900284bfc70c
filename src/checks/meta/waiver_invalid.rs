//! IG903: a waiver without effect.

use jiff::tz::TimeZone;

use crate::checks::{ALL, Applies, Check, Context, Findings, Release, effects, find};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, MOST_WAIVERS, WAIVER_ANNOTATION, has_more_waivers, parse_waivers};

/// The check for waivers without effect. The policy reports it as well, in namespaces that may not waive findings.
pub static WAIVER_INVALID: Check = Check {
    code: "IG903",
    name: "waiver-invalid",
    summary: "a waiver has no effect: unknown check, no reason, expired, beyond a bound, or a check that cannot be waived",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("waiver_invalid.md"),
    run,
};

/// The help for a clause that cannot be parsed.
const FORM: &str = "use the form \"IG305 until=2027-01-31 reason=landing page\"";

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(value) = cx.ingress.meta.annotations.get(WAIVER_ANNOTATION) else { return };
    let today = cx.view.now().to_zoned(TimeZone::UTC).date();
    for waiver in parse_waivers(value) {
        let (subject, message, help) = match waiver {
            Err(error) => (error.to_string(), error.to_string(), FORM.to_owned()),
            Ok(waiver) => {
                let name = Quoted(waiver.check);
                let (message, help) = match find(waiver.check) {
                    None => (format!("unknown check {name}"), nearest(cx, waiver.check)),
                    Some(check) if !check.waivable => {
                        (format!("check {name} cannot be waived"), "fix the finding".to_owned())
                    }
                    Some(_) if waiver.expired(today) => {
                        let until = waiver.until.map(|day| day.to_string()).unwrap_or_default();
                        let help = "fix the finding or extend the waiver".to_owned();
                        (format!("the waiver of {name} ended on {until}"), help)
                    }
                    Some(check) => match cx.settings.waiver_bounds.admit(check.code, &waiver, today) {
                        Err(beyond) => (
                            format!("the waiver of {name} is not allowed: {beyond}"),
                            "change it or fix the finding".to_owned(),
                        ),
                        Ok(()) => continue,
                    },
                };
                (waiver.check.to_owned(), message, help)
            }
        };
        let message = format!("{message}: {}", effects::NOTHING_WAIVED);
        out.add(FieldPath::annotation(WAIVER_ANNOTATION), subject, message).help(help);
    }
    if has_more_waivers(value) {
        let message = format!("clauses after the first {MOST_WAIVERS} are not read: {}", effects::NOTHING_WAIVED);
        out.add(FieldPath::annotation(WAIVER_ANNOTATION), "too many clauses", message).help("remove some clauses");
    }
}

/// Returns the help for an unknown check: the most similar code or name, or the command that lists all.
fn nearest(cx: &Context<'_>, wanted: &str) -> String {
    let names = ALL.iter().flat_map(|check| [check.code, check.name]);
    match cx.nearest(wanted, names) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "run \"ingress-guard checks\" for the list".to_owned(),
    }
}
