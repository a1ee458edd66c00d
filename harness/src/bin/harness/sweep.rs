//! `harness sweep`, and the sweep before other commands.

use clap::Args;
use harness::docker::Engine;
use harness::progress::Progress;
use harness::{Error, Kind, Result};
use serde::Serialize;

use crate::output;
use crate::target::Json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness sweep --dry-run   says what it would remove
  harness sweep

A sweep takes what runs left behind whose process and reaper were both killed. It never takes what a living process \
of yours owns, what `up` left to a person, or anything that is not ours. Whether another user's process lives cannot be \
known: what it owns is taken when it is six hours old.";

#[derive(Args)]
pub(crate) struct Sweep {
    /// Remove nothing; say what would be.
    #[arg(long, short = 'n')]
    dry_run: bool,
    #[command(flatten)]
    json: Json,
}

/// What `sweep --json` says. The names of the fields stay as they are.
#[derive(Serialize)]
struct Swept {
    /// True where nothing was to be removed.
    dry_run: bool,
    /// What was found, as `container x`.
    found: Vec<String>,
    /// What of it is gone.
    removed: Vec<String>,
}

/// Removes what dead runs left behind and says what it was.
pub(crate) async fn run(args: Sweep) -> Result<()> {
    let engine = Engine::connect().await?;
    let swept = if args.dry_run {
        Swept {
            dry_run: true,
            found: harness::sweep::leftovers(&engine).await?,
            removed: Vec::new(),
        }
    } else {
        let progress = Progress::start("sweep");
        progress.detail("removing what dead runs left behind");
        let swept = harness::sweep::sweep(&engine).await?;
        drop(progress);
        if !swept.leaked.is_empty() {
            let summary = format!("{} leftovers could not be removed", swept.leaked.len());
            return Err(Error::new(Kind::Cleanup, summary).evidence(swept.leaked.join("\n")));
        }
        Swept {
            dry_run: false,
            found: swept.removed.clone(),
            removed: swept.removed,
        }
    };
    if args.json.json {
        return output::json(&swept);
    }
    let (done, all) = match swept.dry_run {
        true => ("would remove", "would be removed"),
        false => ("removed", "removed"),
    };
    for object in &swept.found {
        output::line(format_args!("{done} {object}"))?;
    }
    output::line(format_args!("{} leftovers {all}", swept.found.len()))
}

/// Removes what dead runs left behind, before a command that makes more. That command goes on whatever comes of it.
pub(crate) async fn before(engine: &Engine) {
    match harness::sweep::sweep(engine).await {
        Ok(swept) => {
            if !swept.removed.is_empty() {
                let what = swept.removed.join(", ");
                output::note(format_args!("removed what a dead run left behind: {what}"));
            }
            for leak in swept.leaked {
                output::warning(format_args!("a leftover of a dead run could not be removed: {leak}"));
            }
        }
        Err(error) => output::warning(format_args!("no sweep: {}", error.explain())),
    }
}
