//! One process at a time builds an image; the others wait and say for whom.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::cache;
use super::progress::Progress;
use crate::await_until::{Probe, Wait};
use crate::deadlines::Deadline;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// Held until dropped. The kernel lets go when the process dies, however it dies.
#[derive(Debug)]
#[must_use]
pub(super) struct Lock(#[expect(dead_code, reason = "dropping it is what unlocks")] File);

/// This process's own lines say what it is doing.
const OURSELVES: &str = "another task of this process builds it";

/// Takes the lock `name` of this user.
pub(super) async fn take(cache: &Path, name: &str, progress: &Progress, deadline: Deadline) -> Result<Lock> {
    let path = cache::folder(cache, "locks")?.join(format!("{name}.lock"));
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .context(Kind::Environment, || {
            format!("the lock {} cannot be opened", path.display())
        })?;
    let mut said = false;
    Wait::that(format!("the lock {} is free", path.display()), deadline)
        .blaming(Kind::Image)
        .until(|| {
            let looked = look(&file);
            if let (Probe::NotYet(reason), false) = (&looked, said) {
                said = true;
                match reason.as_str() {
                    OURSELVES => progress.detail(&format!("waits: {reason}")),
                    reason => progress.stage(&format!("waits: {reason}")),
                }
            }
            std::future::ready(looked)
        })
        .await?;
    // Only the sentence that waiting processes print depends on this.
    if let Err(error) = sign(&file) {
        tracing::debug!("{} does not name its holder: {error}", path.display());
    }
    Ok(Lock(file))
}

fn look(file: &File) -> Probe<()> {
    match file.try_lock() {
        Ok(()) => Probe::Ready(()),
        Err(TryLockError::WouldBlock) => Probe::NotYet(holder(file)),
        Err(TryLockError::Error(error)) => {
            Probe::Broken(Error::new(Kind::Environment, "a file cannot be locked").caused_by(error))
        }
    }
}

fn holder(mut file: &File) -> String {
    let mut pid = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut pid));
    match pid.trim() {
        pid if read.is_ok() && !pid.is_empty() && pid == std::process::id().to_string() => OURSELVES.to_owned(),
        pid if read.is_ok() && !pid.is_empty() => format!("process {pid} builds it"),
        _ => "another process builds it".to_owned(),
    }
}

fn sign(mut file: &File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SHORT: Deadline = Deadline::custom("SHORT", Duration::from_millis(150));

    #[tokio::test]
    async fn the_second_waits_until_the_first_lets_go() {
        let cache = tempfile::tempdir().unwrap();
        let progress = Progress::start("test");
        let first = take(cache.path(), "mesos", &progress, SHORT).await.unwrap();
        let error = take(cache.path(), "mesos", &progress, SHORT)
            .await
            .expect_err("it is held");
        assert_eq!(error.kind(), Kind::Image);
        assert!(error.to_string().contains("another task of this process"), "{error}");

        drop(first);
        let again = take(cache.path(), "mesos", &progress, SHORT).await.unwrap();
        let other = take(cache.path(), "zookeeper", &progress, SHORT).await.unwrap();
        drop((again, other));
    }
}
