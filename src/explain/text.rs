//! Explanations as text: a line for each step, the first failed one in bold, then the result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::ingress::{IngressExplanation, NotEvaluatedCheck, PathExplanation};
use super::trail::{Explanation, Found, RequestOutcome, Step};
use crate::checks::listed;
use crate::finding::{one_line, start_of_line};

/// The style of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Plain characters.
    Plain,
    /// With colours, as escape sequences of a terminal.
    Terminal,
}

pub(super) const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
pub(super) const RESET: &str = "\u{1b}[0m";

/// The steps of a backend.
const LINKS: [&str; 3] = ["service", "port", "endpoints"];

impl Explanation {
    /// Renders the explanation as text.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut text = String::new();
        let _ = self.write(&mut text, style);
        for other in &self.others {
            text.push('\n');
            let _ = other.write(&mut text, style);
        }
        text
    }

    fn write(&self, out: &mut String, style: Style) -> fmt::Result {
        let answering = self.controller.as_ref().map_or_else(String::new, |name| format!("  ({name})"));
        writeln!(out, "{}{}", one_line(&self.url), one_line(&answering))?;
        for note in &self.notes {
            writeln!(out, "  note: {}", one_line(note))?;
        }
        out.push('\n');
        let broken = self.broken();
        for step in &self.steps {
            let is_first = broken.is_some_and(|broken| std::ptr::eq(broken, step));
            write_step(out, step, is_first, style)?;
        }
        writeln!(out, "\n{}", one_line(&self.result()))?;
        write_findings(out, &self.findings)?;
        if !self.near_misses.is_empty() {
            writeln!(out, "\nNear misses:")?;
        }
        for miss in &self.near_misses {
            writeln!(
                out,
                "  - Ingress {} {}: {}",
                one_line(&miss.ingress),
                one_line(&miss.field),
                one_line(&miss.detail)
            )?;
        }
        Ok(())
    }

    /// The step that leaves the result open. That of a link does so only if it is alone: the Service would answer all the same.
    fn open(&self) -> Option<&Step> {
        let mut open = self.steps.iter().filter(|step| step.ok.is_none() && step.what != "certificate");
        let first = open.clone().next();
        open.find(|step| !LINKS.contains(&step.what)).or(first)
    }

    /// The result in one line.
    #[must_use]
    pub fn result(&self) -> String {
        let refused =
            self.outcome == RequestOutcome::Service && self.broken().is_some_and(|step| step.what == "certificate");
        self.answer("answers") + if refused { ", with a certificate that browsers reject" } else { "" }
    }

    /// The answer, without regard to the certificate. `answers` is the verb of a Service.
    pub(super) fn answer(&self, answers: &str) -> String {
        let status = self.status.map_or_else(|| "an error".to_owned(), |status| status.to_string());
        let service = || {
            self.backend
                .as_ref()
                .map_or_else(String::new, |backend| format!("{}/{}", backend.namespace, backend.service))
        };
        match self.outcome {
            RequestOutcome::Service => {
                let asked = match &self.upstream_path {
                    Some(path) if self.steps.iter().any(|step| step.what == "rewrite") => {
                        format!(", asked for {path}")
                    }
                    _ => String::new(),
                };
                if self.steps.iter().any(|step| step.what == "canary") {
                    format!("Service {} {answers} the requests that are selected for the canary", service())
                } else if let Some(step) = self.steps.iter().find(|step| step.what == "fallback") {
                    step.detail.clone()
                } else {
                    let is_unsure = self.steps.iter().any(|step| step.ok.is_none() && LINKS.contains(&step.what));
                    let answers = if is_unsure { "would answer" } else { answers };
                    format!("Service {} {answers}{asked}", service())
                }
            }
            RequestOutcome::Redirect => match &self.redirect {
                Some(to) => format!("{status} to {to}"),
                None => format!("{status} to a target that depends on the request"),
            },
            RequestOutcome::Forbidden => format!("{status} from the controller for every path"),
            RequestOutcome::DefaultBackend => format!("{status} from the controller's default backend"),
            // ingress-nginx itself returns 503. Without a status, it has connected to the address of a Service.
            RequestOutcome::Unavailable if self.status.is_none() && self.location.is_some() => {
                "502 or 504 from the controller".to_owned()
            }
            RequestOutcome::Unavailable => format!("{status} from the controller"),
            RequestOutcome::NotLoaded => {
                let then = self.once_fixed.as_ref().map_or_else(String::new, |then| format!("; once fixed: {then}"));
                format!("no change is loaded: the previous configuration {answers}, and none after a restart{then}")
            }
            RequestOutcome::BadRequest | RequestOutcome::Broken => format!("{status} from nginx"),
            RequestOutcome::Unknown => "result unknown: see the steps marked ?".to_owned(),
        }
    }
}

/// Writes a step as a line, and under a failed one its command. The first failed step is bold on a terminal.
///
/// # Errors
/// If `out` fails, which a `String` does not.
pub fn write_step(out: &mut String, step: &Step, is_first_broken: bool, style: Style) -> fmt::Result {
    let (sign, colour) = match step.ok {
        Some(true) => ("✓", GREEN),
        Some(false) => ("✗", RED),
        None => ("?", YELLOW),
    };
    let line = format!("{:<12} {}", step.what, one_line(&step.detail));
    match style {
        Style::Plain => writeln!(out, "  {sign} {line}")?,
        Style::Terminal if is_first_broken => writeln!(out, "  {BOLD}{colour}{sign} {line}{RESET}")?,
        Style::Terminal => writeln!(out, "  {colour}{sign}{RESET} {line}")?,
    }
    match &step.command {
        Some(command) if step.ok == Some(false) => writeln!(out, "    {:<12} $ {command}", ""),
        _ => Ok(()),
    }
}

impl IngressExplanation {
    /// Renders the explanation as text.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut text = String::new();
        let _ = self.write(&mut text, style);
        text
    }

    fn write(&self, out: &mut String, style: Style) -> fmt::Result {
        writeln!(out, "Ingress {}", one_line(&self.ingress))?;
        let mut host = "";
        for path in &self.paths {
            if path.host != host {
                host = &path.host;
                writeln!(out, "\n{}", start_of_line(host))?;
                if let Some(Explanation { steps, .. }) = &path.explanation {
                    for step in steps.iter().filter(|step| ["certificate", "reload"].contains(&step.what)) {
                        write_step(out, step, false, style)?;
                    }
                }
            }
            write_path(out, &self.ingress, path, style)?;
        }
        if self.paths.is_empty() {
            writeln!(out, "\n  no paths")?;
        }
        if self.left_out > 0 {
            writeln!(out, "\n  {} more paths are not shown", self.left_out)?;
        }
        write_findings(out, &self.findings)?;
        if !self.not_evaluated.is_empty() {
            writeln!(out, "\nNot evaluated:")?;
        }
        let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for NotEvaluatedCheck { code, reason } in &self.not_evaluated {
            reasons.entry(reason).or_default().insert(code);
        }
        for (reason, codes) in reasons {
            writeln!(out, "  {} ({})", one_line(reason), listed(&codes))?;
        }
        Ok(())
    }
}

fn write_findings(out: &mut String, findings: &[Found]) -> fmt::Result {
    if !findings.is_empty() {
        writeln!(out, "\nFindings:")?;
    }
    for Found { code, level, field, message, help } in findings {
        let help = if help.is_empty() { String::new() } else { format!("; {help}") };
        writeln!(out, "  {level:<5} {code} {}: {}{}", one_line(field), one_line(message), one_line(&help))?;
    }
    Ok(())
}

fn write_path(out: &mut String, of: &str, path: &PathExplanation, style: Style) -> fmt::Result {
    let PathExplanation { own, explanation, .. } = path;
    let (ok, words) = match explanation {
        None => match path.broken_by {
            Some(code) => (Some(false), format!("{code} below names requests that it loses")),
            None => (None, "no sample request that certainly matches".to_owned()),
        },
        Some(explanation) => {
            let step = explanation.broken().filter(|step| step.what != "certificate");
            let served =
                matches!(explanation.outcome, RequestOutcome::Service | RequestOutcome::Redirect) && step.is_none();
            let served = served && path.broken_by.is_none();
            let found =
                path.broken_by.map_or_else(String::new, |code| format!("; {code} below names requests that it loses"));
            let whose = match explanation.ingress.as_ref().zip(explanation.field.as_ref()) {
                Some((ingress, field)) if !own || ingress != of => format!(" through Ingress {ingress} {field}"),
                _ => String::new(),
            };
            let is_unknown = explanation.outcome == RequestOutcome::Unknown && path.broken_by.is_none();
            let unknown = is_unknown.then(|| explanation.open()).flatten();
            // The step is written above the paths of the host.
            let step = step.or(unknown).filter(|step| step.what != "reload");
            let why = step.map_or_else(String::new, |step| format!(": {}", step.detail));
            let asked = explanation.url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
            let asked = asked.map_or_else(|| "/".to_owned(), |(_, path)| format!("/{path}"));
            let answer = if is_unknown { "result unknown".to_owned() } else { explanation.answer("answers") };
            let ok = (!is_unknown).then_some(*own && served);
            (ok, format!("GET {asked}: {answer}{whose}{why}{found}"))
        }
    };
    let (sign, colour) = match ok {
        Some(true) => ("✓", GREEN),
        Some(false) => ("✗", RED),
        None => ("?", YELLOW),
    };
    let written = format!("{} {}", path.path_type, if path.path.is_empty() { "/" } else { &path.path });
    let sign = if style == Style::Terminal { format!("{colour}{sign}{RESET}") } else { sign.to_owned() };
    writeln!(out, "  {sign} {:<28} {}", one_line(&written), one_line(&words))
}
