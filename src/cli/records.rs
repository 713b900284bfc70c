//! `ingress-guard records`

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::record;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Directory that serve --record writes to.
    #[arg(env = "INGRESS_GUARD_RECORD", value_name = "DIR")]
    folder: PathBuf,
}

/// Writes every segment to standard output, the oldest first.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = &arguments.folder;
    let mut out = BufWriter::new(io::stdout().lock());
    let segments = record::segments(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    ensure!(!segments.is_empty(), "there is no record in {}", folder.display());
    for segment in segments {
        match File::open(&segment) {
            Ok(mut file) => {
                // The segment may grow meanwhile. Only whole lines are written.
                let length = file.metadata()?.len();
                record::copy_lines(&mut file, length, &mut out)?;
            }
            // It was the oldest one, and the limit is reached.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", segment.display())),
        }
    }
    out.flush()?;
    Ok(())
}
