//! The commands, one file each: they select the source of the cluster state and the output format. Exit codes: 0 success, 1 findings
//! or a failing request, 2 error.

mod analysis_options;
mod assumed_controller;
mod audit;
mod check;
mod checks;
mod cluster_source;
mod completions;
mod controllers;
mod doctor;
mod explain;
mod kubectl_plugin;
mod listing_options;
mod man;
mod overwriting;
mod probe;
mod progress;
mod records;
mod replay;
mod report_output;
mod serve;
mod serving_certificate;
mod snapshot;
mod stored_outputs;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::finding::{is_invisible, one_line, start_of_line};
use crate::version;

/// Catch Ingress misconfigurations before they return 404, 503 or a wrong certificate.
///
/// Reports Ingresses that would not serve, with the cause and the fix: in a cluster before they are stored, in files before they
/// are applied, and for a request that fails.
#[derive(Debug, Parser)]
#[command(name = "ingress-guard", version, long_version = version::in_full(), max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the validating admission webhook.
    Serve(Box<serve::Arguments>),
    /// Check manifest files before they are applied.
    ///
    /// Example: helm template CHART | ingress-guard check -
    ///
    /// Exit codes: 0 no findings at level deny; 1 findings at level deny (with --fail-on warn: warn or deny); 2 part of the input
    /// cannot be read. The rest of the input is checked nevertheless.
    Check(Box<check::Arguments>),
    /// Audit the Ingresses of a cluster.
    ///
    /// Example: ingress-guard audit -o html=report.html
    ///
    /// It reads from the cluster of your kubeconfig and never writes to it.
    ///
    /// Exit codes: 0 no findings at level deny; 1 findings at level deny (with --fail-on warn: warn or deny); 2 the cluster cannot
    /// be read.
    Audit(Box<audit::Arguments>),
    /// Trace a request or the paths of an Ingress to the endpoints, or print the documentation of a check.
    ///
    /// Examples: ingress-guard explain app.example.com/api, ingress-guard explain -n shop web, ingress-guard explain IG202
    ///
    /// It reads from the cluster of your kubeconfig, from manifests or from a snapshot, and never writes.
    ///
    /// Exit codes: 0 the request is served or redirected; 1 it fails; 2 the result is unknown.
    // One path per --manifests, because the argument of explain may follow.
    #[command(mut_arg("manifests", |argument| argument.num_args(1)))]
    Explain(Box<explain::Arguments>),
    /// List all checks with their levels.
    Checks(checks::Arguments),
    /// List the ingress controllers of a cluster with version, settings and the source of each value.
    ///
    /// It reads from the cluster of your kubeconfig, from manifests or from a snapshot, and never writes.
    Controllers(controllers::Arguments),
    /// Check whether Ingresses are reviewed: each link from the API server to the webhook.
    ///
    /// Run it after the installation, and if nothing is reported. Each broken link has the command that fixes it.
    ///
    /// It reads with your permissions and stores nothing: it creates a good and a bad Ingress as dry runs, which --no-write leaves
    /// out. A link that you may not read is unknown, not broken.
    ///
    /// Exit codes: 0 Ingresses are reviewed; 1 a link is broken; 2 the result is unknown.
    Doctor(doctor::Arguments),
    /// Request every host and path, and compare the answers with what explain predicts.
    ///
    /// Examples: ingress-guard probe, ingress-guard probe app.example.com --via 203.0.113.7
    ///
    /// It sends HEAD and GET requests without credentials to the load balancers of the Ingresses, over HTTP and HTTPS. Redirects are
    /// not followed. Each broken answer has the first broken link. It never writes to the cluster.
    ///
    /// Exit codes: 0 every answer is as predicted, with --compare: the same; 1 some are not; 2 some are unknown.
    Probe(Box<probe::Arguments>),
    /// Write the reviews that serve --record has recorded to standard output.
    ///
    /// Example: kubectl exec POD -- /ingress-guard records /records > reviews.jsonl
    Records(records::Arguments),
    /// Repeat recorded reviews, under the recorded configuration or another one.
    ///
    /// Example: ingress-guard replay --config new.yaml reviews.jsonl
    ///
    /// Exit codes: 0 no verdict and no finding changes; 1 verdicts or findings change; 2 the records or the configuration cannot be read, or no
    /// review is recorded.
    Replay(replay::Arguments),
    /// Save the cluster state to a file for offline use with --snapshot.
    ///
    /// The file contains the objects that checks read. Of Secrets it contains certificate metadata only: hosts, validity and
    /// expiry.
    Snapshot(snapshot::Arguments),
    /// Generate a shell completion script.
    Completions(completions::Arguments),
    /// Generate the manual page.
    Man(man::Arguments),
}

/// The output format of commands without a report.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum TextOrJson {
    #[default]
    Text,
    Json,
}

/// Returns the command tree with its flags, for the manual page, completions and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the arguments of the process name.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match kubectl_plugin::InvokedAs::this_process() {
        kubectl_plugin::InvokedAs::Program => execute(command()),
        kubectl_plugin::InvokedAs::KubectlPlugin => execute(command().bin_name(kubectl_plugin::COMMAND)),
        kubectl_plugin::InvokedAs::KubectlCompletion => kubectl_plugin::complete(command()).map(|()| ExitCode::SUCCESS),
    };
    match outcome {
        Ok(code) => code,
        // The reader has closed the pipe: `ingress-guard checks | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Errors quote names and values from files.
            let _ = writeln!(std::io::stderr(), "error: {}", one_line(&in_full(&error)));
            ExitCode::from(2)
        }
    }
}

/// Parses the arguments of the process and runs their command. Help, version and usage errors end the process.
fn execute(mut program: clap::Command) -> anyhow::Result<ExitCode> {
    let matches = program.get_matches_mut();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut program).exit());
    match cli.command {
        Command::Serve(arguments) => serve::run(*arguments).map(|()| ExitCode::SUCCESS),
        Command::Check(arguments) => check::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Checks(arguments) => checks::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Controllers(arguments) => controllers::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, command()).map(|()| ExitCode::SUCCESS),
        Command::Man(arguments) => man::run(&arguments, command()).map(|()| ExitCode::SUCCESS),
        Command::Records(arguments) => records::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Snapshot(arguments) => snapshot::run(&arguments).map(|()| ExitCode::SUCCESS),
    }
}

/// An error with its causes, each once.
fn in_full(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match () {
        () if text.contains(&cause) => text,
        () if text.is_empty() => cause,
        () => format!("{text}: {cause}"),
    })
}

/// Prints a warning on stderr.
fn warn(text: &str) {
    note(&format!("warning: {text}"));
}

/// Prints a line on stderr, beside the output.
fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", start_of_line(line));
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Prints text on stdout. A closed pipe is an error, not a panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Whether stdout is a terminal with colours (<https://no-color.org>).
fn is_colour_wanted() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    std::io::stdout().is_terminal() && !is_unwanted && !is_dumb
}

/// The width of text in characters: that of the terminal on stdout, at most 100.
fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(40, 100))
}

/// The width of the terminal that stdout goes to; none if stdout goes elsewhere.
fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(width.0).max(40))
}

/// Returns a value as JSON for people to read. Invisible characters, which JSON allows in strings, are escaped.
fn json(value: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    let is_escaped = |character| is_invisible(character) && character != '\n';
    if !text.contains(is_escaped) {
        return Ok(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        if is_escaped(character) {
            out.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(character);
        }
    }
    Ok(out)
}

/// Reads the configuration file; without one, returns the defaults.
fn config(path: Option<&std::path::Path>) -> anyhow::Result<crate::config::Config> {
    Ok(path.map(crate::config::Config::read).transpose()?.unwrap_or_default())
}
