//! One process at a time builds an image; the others wait and say for whom.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use super::cache;
use crate::await_until::Wait;
use crate::deadlines::Deadline;
use crate::file_lock::FileLock;
use crate::progress::Progress;
use crate::{Kind, Result};

/// Held until dropped, by one task of one process.
#[derive(Debug)]
#[must_use]
pub(super) struct ImageLock {
    // The file first: who has the turn finds it free.
    _file: FileLock,
    _turn: OwnedMutexGuard<()>,
}

/// Takes the lock `name` of this user. Tasks of one process, which each tell what they do, take turns without a word.
pub(super) async fn take(cache: &Path, name: &str, progress: &Progress, deadline: Deadline) -> Result<ImageLock> {
    let path = cache::folder(cache, "locks")?.join(format!("{name}.lock"));
    progress.detail("waits for its turn");
    let turn = Wait::that(format!("no other task of this process works on {name}"), deadline)
        .blaming(Kind::Image)
        .for_future(async { Ok(turn(&path).lock_owned().await) })
        .await?;
    let file = FileLock::take(&path, deadline, Kind::Image, |holder| {
        progress.stage(&format!("waits: {holder}"));
    })
    .await?;
    Ok(ImageLock {
        _file: file,
        _turn: turn,
    })
}

fn turn(path: &Path) -> Arc<Turn<()>> {
    static TURNS: LazyLock<Mutex<HashMap<PathBuf, Arc<Turn<()>>>>> = LazyLock::new(Mutex::default);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(turns.entry(path.to_owned()).or_default())
}
