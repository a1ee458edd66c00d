//! `harness sweep`.

use harness::docker::Engine;
use harness::{Error, Kind, Result};

/// Removes what dead runs left behind and says what it was.
pub(crate) async fn sweep() -> Result<()> {
    let engine = Engine::connect().await?;
    let swept = harness::sweep::sweep(&engine).await?;
    for object in &swept.removed {
        println!("removed {object}");
    }
    if swept.leaked.is_empty() {
        println!("{} leftovers removed", swept.removed.len());
        return Ok(());
    }
    Err(Error::new(
        Kind::Cleanup,
        format!("{} leftovers could not be removed", swept.leaked.len()),
    )
    .evidence(swept.leaked.join("\n")))
}
