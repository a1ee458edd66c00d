//! Locks between the processes of one user: a file, locked exclusively.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use crate::await_until::{Probe, Wait};
use crate::deadlines::Deadline;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// Held until dropped. The kernel lets go when the process dies, however it dies.
#[derive(Debug)]
#[must_use]
pub(crate) struct FileLock(#[expect(dead_code, reason = "dropping it is what unlocks")] File);

/// Who holds a lock that another waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Another task of this process, which tells on its own lines what it does.
    Ourselves,
    /// The process of this number.
    Process(u32),
    /// It took the lock and has not said who it is.
    Unknown,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Holder::Ourselves => f.write_str("another task of this process holds it"),
            Holder::Process(pid) => write!(f, "process {pid} holds it"),
            Holder::Unknown => f.write_str("another process holds it"),
        }
    }
}

/// So many looks, over half a second, at a lock whose holder does not say who it is.
const UNKNOWN_LOOKS: u32 = 10;

impl FileLock {
    /// Takes the lock at `path`, which is made with its folder where it is not there. Where another holds it, `waits` is
    /// called once with who that is.
    ///
    /// # Errors
    /// `blamed` where it is not free within `deadline`; [`Kind::Environment`] where the file cannot be opened or locked.
    pub(crate) async fn take(
        path: &Path,
        deadline: Deadline,
        blamed: Kind,
        waits: impl FnOnce(Holder),
    ) -> Result<Self> {
        let file = open(path).context(Kind::Environment, || {
            format!("the lock {} cannot be opened", path.display())
        })?;
        let (mut waits, mut unknown) = (Some(waits), 0);
        Wait::that(format!("the lock {} is free", path.display()), deadline)
            .blaming(blamed)
            .until(|| {
                let looked = match file.try_lock() {
                    Ok(()) => Probe::Ready(()),
                    Err(TryLockError::WouldBlock) => {
                        let holder = holder(&file);
                        // Who has just taken it says so in a moment.
                        unknown += u32::from(holder == Holder::Unknown);
                        if (holder != Holder::Unknown || unknown >= UNKNOWN_LOOKS)
                            && let Some(waits) = waits.take()
                        {
                            waits(holder);
                        }
                        Probe::NotYet(holder.to_string())
                    }
                    Err(TryLockError::Error(error)) => {
                        let summary = format!("{} cannot be locked", path.display());
                        Probe::Broken(Error::new(Kind::Environment, summary).caused_by(error))
                    }
                };
                std::future::ready(looked)
            })
            .await?;
        // Only the sentence that waiting processes print depends on this.
        if let Err(error) = sign(&file) {
            tracing::debug!("{} does not name its holder: {error}", path.display());
        }
        Ok(FileLock(file))
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let existing = File::options().read(true).write(true).open(path);
    match existing.as_ref().map_err(std::io::Error::kind) {
        // Another user's, in a folder that all share: it can be locked all the same.
        Err(ErrorKind::PermissionDenied) => File::open(path),
        Err(ErrorKind::NotFound) => {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false).open(path)
        }
        _ => existing,
    }
}

fn holder(mut file: &File) -> Holder {
    let mut pid = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut pid));
    match read.ok().and_then(|_| pid.trim().parse().ok()) {
        Some(pid) if pid == std::process::id() => Holder::Ourselves,
        Some(pid) => Holder::Process(pid),
        None => Holder::Unknown,
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
    /// Many more looks than who does not say who it is gets.
    const LONGER: Deadline = Deadline::custom("LONGER", Duration::from_secs(3));

    #[tokio::test]
    async fn the_second_waits_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/mesos.lock");
        let first = FileLock::take(&path, SHORT, Kind::Image, |_| panic!("it is free"))
            .await
            .unwrap();
        let mut told = Vec::new();
        let error = FileLock::take(&path, SHORT, Kind::Image, |holder| told.push(holder))
            .await
            .expect_err("it is held");
        assert_eq!(error.kind(), Kind::Image);
        assert_eq!(told, [Holder::Ourselves]);
        assert!(error.to_string().contains("another task of this process"), "{error}");

        drop(first);
        let again = FileLock::take(&path, SHORT, Kind::Image, |_| panic!("it is free"))
            .await
            .unwrap();
        let elsewhere = folder.path().join("other");
        let other = FileLock::take(&elsewhere, SHORT, Kind::Image, |_| panic!("it is another one")).await;
        drop((again, other.unwrap()));
    }

    #[tokio::test]
    async fn the_holder_is_named_by_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileLock::take(&path, SHORT, Kind::Environment, |_| ()).await.unwrap();
        for (text, deadline, expected) in [("1\n", SHORT, Holder::Process(1)), ("", LONGER, Holder::Unknown)] {
            std::fs::write(&path, text).unwrap();
            let mut told = None;
            let taken = FileLock::take(&path, deadline, Kind::Environment, |holder| told = Some(holder)).await;
            assert_eq!(taken.expect_err("it is held").kind(), Kind::Environment);
            assert_eq!(told, Some(expected));
        }
        drop(held);
    }
}
