//! `ingress-guard explain IG202`

use anyhow::bail;
use clap::Args;

use crate::checks;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Code or name of a check, e.g. IG202 or service-port-not-found.
    check: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Some(check) = checks::find(&arguments.check) else {
        bail!("there is no check {:?}; ingress-guard checks lists them", arguments.check);
    };
    super::print(check.page)
}
