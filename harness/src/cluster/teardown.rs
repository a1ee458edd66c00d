//! The end of a cluster: evidence first, then removal by label, and never silently incomplete.

use std::io::Write as _;

use super::Cluster;
use crate::docker::{Engine, Removed, Selection, removal};
use crate::error::Context;
use crate::evidence::{self, Cleanup, Recorder, Verdict};
use crate::{Error, Kind, Result, interrupt};

impl Cluster {
    /// Removes everything of this cluster and verifies that nothing is left.
    ///
    /// # Errors
    /// [`Kind::Cleanup`] naming what could not be removed, and why.
    pub async fn down(mut self) -> Result<()> {
        let selection = self.selection();
        let removed = removal::remove(&self.engine, &selection).await;
        self.lease = None;
        conclude(&self.name, self.recorder.as_deref(), removed)
    }

    /// Removes the cluster `name` without taking hold of it first: whatever is left of a broken one goes too.
    ///
    /// # Errors
    /// As [`Cluster::down`].
    pub async fn remove(engine: &Engine, name: &str) -> Result<()> {
        conclude(name, None, removal::remove(engine, &Selection::cluster(name)).await)
    }

    /// Ends a scenario: removes the cluster, and passes where every check held.
    ///
    /// # Errors
    /// As [`Cluster::down`], and as [`evidence::passed`].
    pub async fn finish(self) -> Verdict {
        self.down().await?;
        evidence::passed()
    }

    /// Leaves the cluster running after this process: `harness up`.
    ///
    /// # Errors
    /// [`Kind::Internal`] where the reaper could not be told.
    pub async fn leave_running(mut self) -> Result<()> {
        match self.lease.take() {
            Some(lease) => lease.keep().await,
            None => Ok(()),
        }
    }

    fn selection(&self) -> Selection {
        match &self.lease {
            Some(lease) => Selection::lease(lease.id()),
            None => Selection::cluster(&self.name),
        }
    }
}

impl Drop for Cluster {
    /// A scenario that ended early: an error, a failed check, a panic. The logs are kept, then everything goes.
    fn drop(&mut self) {
        // A signal's handler does all of this already, and ends the process.
        interrupt::await_end();
        let Some(lease) = self.lease.take() else { return };
        let (name, selection) = (self.name.clone(), Selection::lease(lease.id()));
        let recorder = self.recorder.clone();
        // The runtime that made the cluster may be shutting down, and `drop` cannot await: a thread of its own.
        let ended = std::thread::Builder::new().name("teardown".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.context(Kind::Environment, || "no runtime for the teardown".to_owned())?;
            runtime.block_on(async {
                let engine = Engine::connect().await?;
                if let Some(recorder) = &recorder {
                    evidence::logs::collect(&engine, &selection, recorder).await;
                }
                let removed = removal::remove(&engine, &selection).await;
                conclude(&name, recorder.as_deref(), removed)
            })
        });
        let ended = ended.map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Error::internal("the teardown panicked")))
        });
        let said = match ended {
            Ok(Ok(())) => Ok(()),
            // Not `eprintln!`, whose panic in a drop would be the end: nobody may read it any more.
            Ok(Err(error)) => writeln!(std::io::stderr(), "{}", error.explain()),
            Err(error) => writeln!(
                std::io::stderr(),
                "no thread for the teardown: {error}; the reaper removes what is left"
            ),
        };
        drop((said, lease));
    }
}

fn conclude(cluster: &str, recorder: Option<&Recorder>, removed: Removed) -> Result<()> {
    let Removed { removed, leaked } = removed;
    if let Some(recorder) = recorder {
        recorder.cleanup(Cleanup {
            created: (removed.len() + leaked.len()) as u64,
            removed: removed.len() as u64,
            leaked: leaked.clone(),
        });
    }
    if leaked.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Cleanup,
        format!("{} objects of the cluster {cluster} could not be removed", leaked.len()),
    )
    .evidence(leaked.join("\n"))
    .ran(format!("harness down --name {cluster}")))
}
