//! IG903: a waiver that waives nothing.

use jiff::tz::TimeZone;

use crate::checks::{ALL, Applies, Check, Context, Findings, find};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, WAIVER_ANNOTATION, parse_waivers};

/// A waiver that waives nothing.
pub static WAIVER_INVALID: Check = Check {
    code: "IG903",
    name: "waiver-invalid",
    summary: "a waiver names no check, gives no reason, has expired, or is for a check that cannot be waived",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("waiver_invalid.md"),
    run,
};

const FORM: &str = "write it as \"IG305 until=2027-01-31 reason=landing page\"";

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(value) = cx.ingress.meta.annotations.get(WAIVER_ANNOTATION) else { return };
    let today = cx.view.now().to_zoned(TimeZone::UTC).date();
    for waiver in parse_waivers(value) {
        let (subject, message, help) = match waiver {
            Err(error) => (error.to_string(), error.to_string(), FORM.to_owned()),
            Ok(waiver) => {
                let name = Quoted(waiver.check);
                let (message, help) = match find(waiver.check) {
                    None => (format!("{name} is no check"), nearest(cx, waiver.check)),
                    Some(check) if !check.waivable => {
                        (format!("{name} cannot be waived on an object"), "mend the fault".to_owned())
                    }
                    Some(_) if waiver.expired(today) => {
                        let until = waiver.until.map(|day| day.to_string()).unwrap_or_default();
                        (
                            format!("the waiver of {name} expired after {until}"),
                            "mend the fault or extend it".to_owned(),
                        )
                    }
                    Some(_) => continue,
                };
                (waiver.check.to_owned(), message, help)
            }
        };
        out.add(FieldPath::annotation(WAIVER_ANNOTATION), subject, format!("{message}: it waives nothing")).help(help);
    }
}

fn nearest(cx: &Context<'_>, wanted: &str) -> String {
    let names = ALL.iter().flat_map(|check| [check.code, check.name]);
    match cx.nearest(wanted, names) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "see those that there are with ingress-guard checks".to_owned(),
    }
}
