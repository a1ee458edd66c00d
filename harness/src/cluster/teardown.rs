//! The end of a cluster: evidence first, then removal by label, and never silently incomplete.

use std::io::Write as _;

use super::Cluster;
use crate::docker::{Engine, Removed, Selection, removal};
use crate::evidence::{self, Cleanup, Recorder, Verdict};
use crate::keep::{self, Keep};
use crate::lease::Lease;
use crate::{Error, Kind, Result, apart, interrupt};

impl Cluster {
    /// Removes everything of this cluster and verifies that nothing is left.
    ///
    /// # Errors
    /// [`Kind::Cleanup`] naming what could not be removed, and why.
    pub async fn down(mut self) -> Result<()> {
        self.vigil = None;
        let selection = self.selection();
        let removed = removal::remove(&self.engine, &selection).await;
        let created = self.lease.take().map(|lease| {
            if removed.leaked.is_empty() {
                lease.gone();
            }
            lease.created()
        });
        conclude(&self.name, self.recorder.as_deref(), created, removed)
    }

    /// Removes the cluster `name` without taking hold of it first: whatever is left of a broken one goes too.
    ///
    /// # Errors
    /// As [`Cluster::down`].
    pub async fn remove(engine: &Engine, name: &str) -> Result<()> {
        let removed = removal::remove(engine, &Selection::cluster(name)).await;
        conclude(name, None, None, removed)
    }

    /// Ends a scenario: removes the cluster, unless `HARNESS_KEEP` says otherwise, and passes where every check held.
    ///
    /// # Errors
    /// As [`Cluster::down`], and as [`evidence::passed`].
    pub async fn finish(self) -> Verdict {
        if self.keep == Keep::Never {
            self.down().await?;
            return evidence::passed();
        }
        // Its outcome decides whether it stays: `drop` keeps it, with its logs.
        let verdict = evidence::passed();
        if !self.stays() {
            self.down().await?;
        }
        verdict
    }

    /// Leaves the cluster running after this process: `harness up`.
    ///
    /// # Errors
    /// As [`Lease::keep`].
    pub fn leave_running(mut self) -> Result<()> {
        self.lease.take().map_or(Ok(()), |lease| lease.keep())
    }

    fn stays(&self) -> bool {
        let outcome = self.recorder.as_ref().and_then(|recorder| recorder.snapshot().outcome);
        self.keep.applies(outcome)
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
        let (recorder, keep) = (self.recorder.clone(), self.stays().then_some(self.keep));
        let ended = apart::run("teardown", async move || {
            let engine = Engine::connect().await?;
            if let Some(recorder) = &recorder {
                evidence::logs::collect(&engine, &selection, recorder).await;
            }
            if let Some(keep) = keep {
                return keep_it(&name, &lease, recorder.as_deref(), keep);
            }
            let removed = removal::remove(&engine, &selection).await;
            conclude(&name, recorder.as_deref(), Some(lease.created()), removed)
        });
        if let Err(error) = ended.map_err(|error| error.hint("the reaper removes what is left")) {
            // Not `eprintln!`, whose panic in a drop would be the end: nobody may read it any more.
            drop(writeln!(std::io::stderr(), "{}", error.explain()));
        }
    }
}

/// Hands the cluster over to whoever reads what is said here.
fn keep_it(cluster: &str, lease: &Lease, recorder: Option<&Recorder>, keep: Keep) -> Result<()> {
    lease.keep()?;
    if let Some(recorder) = recorder {
        recorder.cleanup(Cleanup {
            created: lease.created(),
            ..Cleanup::default()
        });
        recorder.note(format!("the cluster was kept:\n{}", keep::commands(cluster)));
    }
    keep::tell(cluster, keep);
    Ok(())
}

/// `created` is not known of a cluster that another process booted.
fn conclude(cluster: &str, recorder: Option<&Recorder>, created: Option<u64>, removed: Removed) -> Result<()> {
    let Removed { removed, leaked } = removed;
    if let Some(recorder) = recorder {
        recorder.cleanup(Cleanup {
            created: created.unwrap_or((removed.len() + leaked.len()) as u64),
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
