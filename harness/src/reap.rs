//! The reaper: a detached process that removes what its owner left behind. See [`crate::lease`].

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::admission;
use crate::docker::{Engine, Removed, Selection, removal};
use crate::error::Context;
use crate::lease::{GONE, KEEP, READY, lock_file, lock_path};
use crate::{Error, Kind, Result, evidence};

/// Holds the lease `id` until standard input closes, then removes what carries its label.
///
/// Runs in a session of its own, so that no signal to the owner's process group or terminal reaches it. Says
/// `ready` on standard output as soon as it holds the lease.
///
/// # Errors
/// [`Kind::Usage`] for an empty id; [`Kind::Cleanup`] where something could not be removed.
pub async fn reap(id: &str) -> Result<Removed> {
    if id.is_empty() {
        return Err(Error::usage("a lease has an id"));
    }
    // A session leader cannot make a new session; it has one of its own already.
    let _ = nix::unistd::setsid();
    let lock = lock_file(id)?;
    let engine = Engine::connect().await?;
    let mut output = tokio::io::stdout();
    let ready = async {
        output.write_all(format!("{READY}\n").as_bytes()).await?;
        output.flush().await
    };
    ready
        .await
        .context(Kind::Internal, || "the owner of the lease is gone already".to_owned())?;

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut gone = false;
    while let Ok(Some(line)) = lines.next_line().await {
        if line == KEEP {
            drop(std::fs::remove_file(lock_path(id)));
            return Ok(Removed::default());
        }
        gone |= line == GONE;
    }
    let selection = Selection::lease(id);
    let removed = match gone {
        // The ordinary end, which is to cost nothing: one look.
        true => removal::remove(&engine, &selection).await,
        false => removal::remove_leftovers(&engine, &selection).await,
    };
    if removed.leaked.is_empty() {
        drop(lock);
        admission::release(id);
        drop(std::fs::remove_file(lock_path(id)));
        return Ok(removed);
    }
    // Nobody reads what a reaper says. While the lease is held, so that no sweep comes first.
    if let Err(error) = evidence::keep_reaped(id, &removed) {
        tracing::warn!("{}", error.explain());
    }
    drop(lock);
    Err(
        Error::new(Kind::Cleanup, format!("the lease {id} left something behind"))
            .evidence(removed.leaked.join("\n"))
            .hint("`harness sweep` tries again"),
    )
}
