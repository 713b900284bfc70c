//! The commands, one file each: they choose where the inventory comes from and how findings are shown. Exit codes: 0 clean,
//! 1 findings, 2 could not do the work.

mod analysis_options;
mod audit;
mod check;
mod checks;
mod cluster_source;
mod completions;
mod explain;
mod man;
mod progress;
mod report_output;
mod serve;
mod snapshot;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::finding::one_line;

/// An Ingress that is stored should serve.
///
/// Judges Ingresses before they are stored and says which would answer 404, 503 or a fake certificate, why, and how to
/// mend them.
#[derive(Debug, Parser)]
#[command(name = "ingress-guard", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer AdmissionReviews over HTTPS.
    Serve(Box<serve::Arguments>),
    /// Judge manifest files before they are applied.
    ///
    /// E.g. helm template CHART | ingress-guard check -
    ///
    /// Exit code 0: nothing is denied; 1: something is (--fail-on warn: or warned of); 2: something could not be read, and the
    /// rest was judged all the same.
    Check(Box<check::Arguments>),
    /// Judge every Ingress that a cluster has stored.
    ///
    /// E.g. ingress-guard audit -o html=report.html, over the cluster of your kubeconfig. Nothing is changed there.
    ///
    /// Exit code 0: nothing is denied; 1: something is (--fail-on warn: or warned of); 2: it could not be looked at.
    Audit(Box<audit::Arguments>),
    /// Follow a URL or an Ingress to what a visitor gets, or print the page of a check.
    ///
    /// E.g. ingress-guard explain app.example.com/api, ingress-guard explain shop/web, ingress-guard explain IG202.
    ///
    /// Exit code 0: visitors are served or sent on; 1: they are not; 2: that could not be found out.
    // One path for each --manifests: the next word is what to explain.
    #[command(mut_arg("manifests", |argument| argument.num_args(1)))]
    Explain(Box<explain::Arguments>),
    /// List the checks with their levels.
    Checks(checks::Arguments),
    /// Write what a cluster holds to one file, for --snapshot: no Secret's contents, facts about certificates only.
    Snapshot(snapshot::Arguments),
    /// Print what makes a shell complete these commands and flags.
    Completions(completions::Arguments),
    /// Print the manual page.
    Man(man::Arguments),
}

/// The command tree with its flags, for the manual page, completions and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Run the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(*arguments).map(|()| ExitCode::SUCCESS),
        Command::Check(arguments) => check::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Checks(arguments) => checks::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Completions(arguments) => completions::run(&arguments, command()).map(|()| ExitCode::SUCCESS),
        Command::Man(arguments) => man::run(&arguments, command()).map(|()| ExitCode::SUCCESS),
        Command::Snapshot(arguments) => snapshot::run(&arguments).map(|()| ExitCode::SUCCESS),
    };
    match outcome {
        Ok(code) => code,
        // Whoever reads has read enough: `ingress-guard checks | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // It may quote names and values from files.
            let _ = writeln!(std::io::stderr(), "error: {}", one_line(&in_full(&error)));
            ExitCode::from(2)
        }
    }
}

/// An error and its causes; many say those already.
fn in_full(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match () {
        () if said.contains(&cause) => said,
        () if said.is_empty() => cause,
        () => format!("{said}: {cause}"),
    })
}

/// Say on stderr what is not as it should be, and go on.
fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "warning: {text}");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Write to stdout, where a reader that has gone away is no panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Colours on stdout are for eyes only (<https://no-color.org>), and for terminals that have them.
fn is_colour_wanted() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    std::io::stdout().is_terminal() && !is_unwanted && !is_dumb
}

/// The number of characters in a line of text: the width of the terminal on stdout, at most 100.
fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(40, 100))
}

/// The configuration file, or every default.
fn config(path: Option<&std::path::Path>) -> anyhow::Result<crate::config::Config> {
    Ok(path.map(crate::config::Config::read).transpose()?.unwrap_or_default())
}
