//! JUnit XML for CI servers: a suite for each host, a test for each request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::result::{ProbeReport, ProbeResult, ResultKind};
use crate::report::xml;

/// Renders the report as JUnit XML. Broken results are failures, unknown ones are skipped.
#[must_use]
pub fn junit(report: &ProbeReport) -> String {
    let mut suites: BTreeMap<&str, Vec<&ProbeResult>> = BTreeMap::new();
    for result in &report.results {
        suites.entry(&result.host).or_default().push(result);
    }
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ingress-guard probe\">\n");
    for (host, results) in suites {
        let count = |is_so: &dyn Fn(ResultKind) -> bool| results.iter().filter(|result| is_so(result.result)).count();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">",
            xml(host),
            results.len(),
            count(&ResultKind::is_broken),
            count(&|kind| kind == ResultKind::Unknown)
        );
        for result in results {
            case(&mut out, result);
        }
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn case(out: &mut String, result: &ProbeResult) {
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", xml(&result.ingress), xml(&result.url));
    let line = xml(&result.line());
    let _ = match result.result {
        ResultKind::AsPredicted => writeln!(out, "/>"),
        ResultKind::Unknown => writeln!(out, ">\n      <skipped message=\"{line}\"/>\n    </testcase>"),
        kind => writeln!(out, ">\n      <failure message=\"{line}\" type=\"{kind}\"/>\n    </testcase>"),
    };
}
