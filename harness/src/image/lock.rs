//! One process at a time builds an image; the others wait and say for whom.

use std::path::Path;

use super::cache;
use super::progress::Progress;
use crate::deadlines::Deadline;
use crate::file_lock::{FileLock, Holder};
use crate::{Kind, Result};

/// Takes the lock `name` of this user.
pub(super) async fn take(cache: &Path, name: &str, progress: &Progress, deadline: Deadline) -> Result<FileLock> {
    let path = cache::folder(cache, "locks")?.join(format!("{name}.lock"));
    let waits = |holder| match holder {
        Holder::Ourselves => progress.detail(&format!("waits: {holder}")),
        _ => progress.stage(&format!("waits: {holder}")),
    };
    FileLock::take(&path, deadline, Kind::Image, waits).await
}
