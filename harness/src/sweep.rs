//! The sweep: removes what dead runs left behind, where even their reapers died. Never what a person keeps, never
//! what a live process owns, never what is not ours.
//!
//! A lease's file is locked before the lease owns anything, by its owner and by its reaper, each for as long as it
//! lives. So a file that nobody has locked is that of a dead lease, however young.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::docker::{Engine, Removed, Selection, removal};
use crate::labels::{self, Labels};
use crate::lease::{self, Holding};
use crate::{Result, admission};

/// Whether this process has swept, or has left it to another of its run.
static SWEPT: AtomicBool = AtomicBool::new(false);

/// Objects of a lease that this machine has no file of (another machine may use the same engine) are left alone until
/// they are this old.
const FOREIGN_AGE: Duration = Duration::from_secs(6 * 3600);

/// Removes everything of every lease that is dead.
///
/// # Errors
/// [`crate::Kind::Environment`] where the engine does not list.
pub async fn sweep(engine: &Engine) -> Result<Removed> {
    SWEPT.store(true, Ordering::Relaxed);
    let mut all = Removed::default();
    for id in dead(engine).await? {
        let removed = removal::remove(engine, &Selection::lease(&id)).await;
        if removed.leaked.is_empty() {
            // Ids are never used again. Another sweep may have been faster.
            drop(std::fs::remove_file(lease::lock_path(&id)));
            admission::release(&id);
        }
        all.removed.extend(removed.removed);
        all.leaked.extend(removed.leaked);
    }
    Ok(all)
}

/// As [`sweep`], by the first process of a test run that asks: nextest gives every process of a run the same id. A
/// process without one is a run by itself. What cannot be removed is left to `harness sweep`, and to the next run.
pub(crate) async fn once_in_a_run(engine: &Engine) {
    if SWEPT.swap(true, Ordering::Relaxed) {
        return;
    }
    let folder = lease::runtime_folder().join("swept");
    if let Ok(run) = std::env::var("NEXTEST_RUN_ID") {
        let is_first = std::fs::create_dir_all(&folder)
            .and_then(|()| File::options().write(true).create_new(true).open(folder.join(&run)));
        if is_first.is_err() {
            return;
        }
    }
    match sweep(engine).await {
        Ok(removed) => {
            for name in &removed.removed {
                tracing::info!("swept {name}, which a dead run left");
            }
            for leak in &removed.leaked {
                tracing::warn!("a dead run left {leak}; `harness sweep` tries again");
            }
        }
        Err(error) => tracing::warn!("what dead runs left is not known: {error}"),
    }
    forget_runs(&folder);
}

/// The notes of runs that are over for certain.
fn forget_runs(folder: &Path) {
    let notes = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for note in notes {
        let age = note
            .metadata()
            .and_then(|note| note.modified())
            .map(|made| made.elapsed());
        if age.is_ok_and(|age| age.is_ok_and(|age| age > FOREIGN_AGE)) {
            drop(std::fs::remove_file(note.path()));
        }
    }
}

/// What [`sweep`] would remove now, as `container x`.
///
/// # Errors
/// [`crate::Kind::Environment`] where the engine does not list.
pub async fn leftovers(engine: &Engine) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for id in dead(engine).await? {
        let objects = removal::list(engine, &Selection::lease(&id)).await?;
        found.extend(objects.iter().map(ToString::to_string));
    }
    Ok(found)
}

/// What a lease owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Owned {
    /// When its youngest object was made, in seconds since the epoch.
    youngest: u64,
    /// Whether a person asked to keep it.
    kept: bool,
}

/// The leases that a sweep takes.
async fn dead(engine: &Engine) -> Result<impl Iterator<Item = String>> {
    let leases = leases(engine).await?.into_iter();
    Ok(leases.filter(|(id, owned)| is_dead(id, owned)).map(|(id, _)| id))
}

/// Every lease that something is labelled with.
async fn leases(engine: &Engine) -> Result<BTreeMap<String, Owned>> {
    let mut leases = BTreeMap::new();
    for (_, labels) in removal::labelled(engine, &Selection::ours()).await? {
        add(&mut leases, &labels);
    }
    Ok(leases)
}

fn add(leases: &mut BTreeMap<String, Owned>, labels: &Labels) {
    let Some(id) = labels.get(labels::LEASE) else { return };
    let created = labels.get(labels::CREATED).and_then(|text| text.parse().ok());
    let owned = leases.entry(id.clone()).or_default();
    owned.youngest = owned.youngest.max(created.unwrap_or_default());
    owned.kept |= labels.get(labels::KEEP).is_some_and(|keep| keep == "1");
}

fn is_dead(id: &str, owned: &Owned) -> bool {
    match lease::holding(id) {
        Holding::Held => false,
        // Of a kept lease the file goes when it is handed over: its owner died before.
        Holding::LetGo => true,
        // Of another `TMPDIR` or user, and alive: it may run for as long as it likes.
        Holding::Unknown if admission::is_held(id) => false,
        Holding::Unknown => {
            let age = Duration::from_secs(labels::now().saturating_sub(owned.youngest));
            !owned.kept && age >= FOREIGN_AGE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Owned = Owned {
        youngest: 0,
        kept: false,
    };
    const KEPT: Owned = Owned {
        youngest: 0,
        kept: true,
    };

    #[test]
    fn a_lease_is_as_young_as_its_youngest_and_kept_where_anything_is() {
        let label = |created: &str, keep: &str| {
            Labels::from([
                (labels::LEASE.to_owned(), "abc".to_owned()),
                (labels::CREATED.to_owned(), created.to_owned()),
                (labels::KEEP.to_owned(), keep.to_owned()),
            ])
        };
        let mut leases = BTreeMap::new();
        for labels in [label("12", "0"), label("17", "1"), label("9", "0"), Labels::new()] {
            add(&mut leases, &labels);
        }
        let owned = Owned {
            youngest: 17,
            kept: true,
        };
        assert_eq!(leases, BTreeMap::from([("abc".to_owned(), owned)]));
    }

    #[test]
    fn a_held_lease_is_alive_and_a_let_go_one_is_dead() {
        let id = format!("test-{}", uuid::Uuid::new_v4().simple());
        let held = lease::lock_file(&id).expect("a lease file");
        assert!(!is_dead(&id, &OLD) && !is_dead(&id, &KEPT));
        drop(held);
        assert!(is_dead(&id, &OLD));
        assert!(is_dead(&id, &KEPT), "its owner died before it handed it over");
        std::fs::remove_file(lease::lock_path(&id)).expect("the file was there");
    }

    #[test]
    fn a_lease_without_a_file_is_kept_or_perhaps_another_machines() {
        let id = format!("test-{}", uuid::Uuid::new_v4().simple());
        assert!(is_dead(&id, &OLD));
        assert!(!is_dead(&id, &KEPT));
        let young = Owned {
            youngest: labels::now() - 60,
            kept: false,
        };
        assert!(!is_dead(&id, &young));
    }
}
