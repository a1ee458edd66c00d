//! `harness sweep`, and the sweep before other commands.

use harness::docker::Engine;
use harness::{Error, Kind, Result};

use crate::output;

/// Removes what dead runs left behind and says what it was.
pub(crate) async fn sweep() -> Result<()> {
    let engine = Engine::connect().await?;
    let swept = harness::sweep::sweep(&engine).await?;
    for object in &swept.removed {
        output::line(format_args!("removed {object}"))?;
    }
    if swept.leaked.is_empty() {
        return output::line(format_args!("{} leftovers removed", swept.removed.len()));
    }
    Err(Error::new(
        Kind::Cleanup,
        format!("{} leftovers could not be removed", swept.leaked.len()),
    )
    .evidence(swept.leaked.join("\n")))
}

/// Removes what dead runs left behind, before a command that makes more. That command goes on whatever comes of it.
pub(crate) async fn sweep_before(engine: &Engine) {
    match harness::sweep::sweep(engine).await {
        Ok(swept) => {
            if !swept.removed.is_empty() {
                let what = swept.removed.join(", ");
                output::note(format_args!("removed what a dead run left behind: {what}"));
            }
            for leak in swept.leaked {
                output::note(format_args!(
                    "warning: a leftover of a dead run could not be removed: {leak}"
                ));
            }
        }
        Err(error) => output::note(format_args!("warning: no sweep: {}", error.explain())),
    }
}
