//! The binary as a plugin of kubectl: the name of the file that was started selects the usage text or the completion.

use std::path::Path;

use clap::{Arg, Command};

/// The plugin on the command line. kubectl replaces the dash by an underscore in the name of the file.
pub(super) const COMMAND: &str = "kubectl ingress-guard";

/// The names under which the binary is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvokedAs {
    Program,
    /// `kubectl-ingress_guard`
    KubectlPlugin,
    /// `kubectl_complete-ingress_guard`, which kubectl asks for the completions of the plugin.
    KubectlCompletion,
}

impl InvokedAs {
    pub(super) fn this_process() -> Self {
        let file = std::env::args_os().next();
        let name = file.as_deref().and_then(|file| Path::new(file).file_stem());
        match name.and_then(|name| name.to_str()) {
            Some("kubectl-ingress_guard") => Self::KubectlPlugin,
            Some("kubectl_complete-ingress_guard") => Self::KubectlCompletion,
            _ => Self::Program,
        }
    }
}

/// Prints the completions of the last argument of the process in the form that kubectl reads: one per line with its description, then a
/// directive.
pub(super) fn complete(program: Command) -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    super::print(&completions(program, &words))
}

/// Directives of cobra: the shell completes file names, or it does not.
const FILES: &str = ":0\n";
const NO_FILES: &str = ":4\n";

/// The completions of the last word, which may be empty.
fn completions(mut program: Command, words: &[String]) -> String {
    program.build();
    let (typed, before) = words.split_last().map_or(("", words), |(typed, before)| (typed.as_str(), before));
    let command = before.iter().fold(&program, |command, word| command.find_subcommand(word).unwrap_or(command));
    let flag = before.last().and_then(|word| flag_with_value(command, word));
    let candidates: Vec<(String, String)> = match flag {
        Some(flag) => values(flag),
        None if typed.starts_with('-') => command.get_opts().chain(switches(command)).filter_map(long).collect(),
        None => command.get_subcommands().map(subcommand).chain(command.get_positionals().flat_map(values)).collect(),
    };
    if candidates.is_empty() {
        return FILES.to_owned();
    }
    let matching = candidates.iter().filter(|(value, _)| value.starts_with(typed));
    let lines =
        matching.map(|(value, help)| if help.is_empty() { format!("{value}\n") } else { format!("{value}\t{help}\n") });
    lines.chain([NO_FILES.to_owned()]).collect()
}

fn switches(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| !argument.is_positional() && !argument.get_action().takes_values())
}

/// The flag that this word is, if its value is the next word.
fn flag_with_value<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let is_flag = |flag: &&Arg| match word.strip_prefix("--") {
        Some(name) => flag.get_long() == Some(name),
        None => word.strip_prefix('-').is_some_and(|name| flag.get_short().map(String::from).as_deref() == Some(name)),
    };
    command.get_opts().find(is_flag)
}

fn long(flag: &Arg) -> Option<(String, String)> {
    Some((format!("--{}", flag.get_long()?), flag.get_help().map(ToString::to_string).unwrap_or_default()))
}

fn subcommand(command: &Command) -> (String, String) {
    (command.get_name().to_owned(), command.get_about().map(ToString::to_string).unwrap_or_default())
}

/// The possible values of an argument, if they are listed.
fn values(argument: &Arg) -> Vec<(String, String)> {
    let values = argument.get_possible_values();
    let help = |value: &clap::builder::PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    values.iter().map(|value| (value.get_name().to_owned(), help(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(words: &[&str]) -> String {
        completions(crate::cli::command(), &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn commands_flags_and_listed_values_are_completed() {
        assert_eq!(
            completed(&["exp"]),
            "explain\tTrace a request or the paths of an Ingress to the endpoints, or print the documentation of a check\n:4\n"
        );
        assert!(completed(&[""]).contains("\naudit\tAudit the Ingresses of a cluster\n"));
        assert!(completed(&["check", "--fail"]).starts_with("--fail-on\tExit with code 1"));
        assert_eq!(
            completed(&["check", "--fix"]).lines().next().unwrap(),
            "--fix\tApply safe fixes to the files, then report the remaining findings"
        );
        assert_eq!(completed(&["check", "--fail-on", ""]), "deny\nwarn\n:4\n");
        assert_eq!(completed(&["completions", "z"]), "zsh\n:4\n");
    }

    #[test]
    fn the_shell_completes_paths() {
        assert_eq!(completed(&["check", "examples/"]), FILES);
        assert_eq!(completed(&["check", "--config", ""]), FILES);
        assert_eq!(completed(&["check", "-o", ""]), FILES);
    }
}
