//! What a reaper could not remove: it has no reader, so it leaves word in the run's folder.

use std::path::Path;

use super::place::run_directory;
use super::write_atomically;
use crate::docker::Removed;
use crate::{Error, Result};

/// The folder of those files in that of the run, each called after its lease.
const FOLDER: &str = "reaped";

/// Leaves word of what could not be removed of a lease, where the run has a folder.
pub(crate) fn keep(lease: &str, removed: &Removed) -> Result<()> {
    let run = run_directory();
    if !run.is_dir() {
        // Whose it was has cleared it away: nobody looks there.
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(removed).map_err(|error| Error::internal(error.to_string()))?;
    write_atomically(&run.join(FOLDER).join(format!("{lease}.json")), &text)
}

/// What reapers of the run in this folder could not remove, as `network x: why`, each with its lease.
#[must_use]
pub fn reaped(run: &Path) -> Vec<String> {
    let files = std::fs::read_dir(run.join(FOLDER)).into_iter().flatten().flatten();
    let mut told: Vec<String> = files.flat_map(|file| read(&file.path())).collect();
    told.sort();
    told
}

fn read(path: &Path) -> Vec<String> {
    let lease = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let read = std::fs::read(path).map_err(|error| error.to_string());
    let read = read.and_then(|text| serde_json::from_slice::<Removed>(&text).map_err(|error| error.to_string()));
    match read {
        Ok(removed) => {
            let leaks = removed.leaked.iter();
            leaks
                .map(|leak| format!("{leak} (left by the reaper of {lease})"))
                .collect()
        }
        Err(error) => vec![format!("unknown: {} cannot be read: {error}", path.display())],
    }
}
