//! The formats of `/metrics`: OpenMetrics, and the text format of Prometheus for clients that do not accept it.

use std::fmt::Write as _;

/// A format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// OpenMetrics 1.0.0, with exemplars.
    OpenMetrics,
    /// The text format of Prometheus 0.0.4, without exemplars.
    Text,
}

impl Exposition {
    /// Selects the format by the value of the header `Accept`. OpenMetrics has to be accepted by name, and no less than text. `promtool`,
    /// `curl` and older agents do not name it.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let (mut open_metrics, mut text) = (0.0, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0, None);
            for (key, value) in parts.filter_map(|part| part.split_once('=')) {
                let value = value.trim().trim_matches('"');
                match key.trim().to_ascii_lowercase().as_str() {
                    "q" => quality = value.parse::<f64>().unwrap_or_default(),
                    "version" => version = Some(value),
                    _ => {}
                }
            }
            match (name.as_str(), version) {
                ("application/openmetrics-text", None | Some("1.0.0")) => open_metrics = quality.max(open_metrics),
                ("text/plain" | "text/*" | "*/*", _) => text = quality.max(text),
                _ => {}
            }
        }
        if open_metrics > 0.0 && open_metrics >= text { Self::OpenMetrics } else { Self::Text }
    }

    /// Returns the value of the header `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Returns metrics in this format. `open_metrics` has them as OpenMetrics, as `prometheus-client` writes them.
    #[must_use]
    pub fn of(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Text => text(&open_metrics),
        }
    }
}

/// Translates OpenMetrics to the text format. There, a family has the name of its samples, and the type `info` is a gauge.
fn text(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len() + open_metrics.len() / 8);
    let mut help = "";
    for line in open_metrics.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            out.push_str(without_exemplar(line));
            out.push('\n');
            continue;
        };
        // The help of a family precedes its type, on which its name depends.
        if let Some((name, kind)) = comment.strip_prefix("TYPE ").and_then(|comment| comment.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            let text = help.strip_prefix(name).unwrap_or_default().trim_start();
            let _ = writeln!(out, "# HELP {name}{suffix} {text}\n# TYPE {name}{suffix} {kind}");
        } else {
            help = comment.strip_prefix("HELP ").unwrap_or(help);
        }
    }
    out
}

/// Returns a sample without its exemplar, which follows ` # `. Values of labels can contain these characters.
fn without_exemplar(sample: &str) -> &str {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in sample.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'#' if !is_quoted => return sample[..at].trim_end(),
            _ => {}
        }
    }
    sample
}
