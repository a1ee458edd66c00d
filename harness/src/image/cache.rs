//! The folder of this user for what is expensive to fetch again: `mesos-harness` under `XDG_CACHE_HOME` or `~/.cache`.

use std::path::{Path, PathBuf};

use crate::error::Context;
use crate::{Error, Kind, Result};

/// The cache's root. It may not exist yet.
///
/// # Errors
/// [`Kind::Environment`] where neither `XDG_CACHE_HOME` nor `HOME` is an absolute path.
pub fn root() -> Result<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("mesos-harness"))
        .ok_or_else(|| {
            Error::new(Kind::Environment, "there is no folder to keep downloads in")
                .expected("an absolute path in XDG_CACHE_HOME or HOME")
        })
}

/// A folder of the cache, created if absent.
pub(super) fn folder(root: &Path, name: &str) -> Result<PathBuf> {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder)
        .context(Kind::Environment, || {
            format!("the cache folder {} cannot be created", folder.display())
        })
        .map_err(unwritable)?;
    Ok(folder)
}

/// A new file in `folder`, gone unless it is [`persist`]ed.
pub(super) fn scratch(folder: &Path) -> Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".partial-")
        .tempfile_in(folder)
        .context(Kind::Environment, || {
            format!("the folder {} cannot be written to", folder.display())
        })
        .map_err(unwritable)
}

/// Gives a scratch file its name, in one step for every reader. It must be in the same folder.
pub(super) fn persist(file: tempfile::NamedTempFile, path: &Path) -> Result<()> {
    file.persist(path)
        .map(|_| ())
        .context(Kind::Environment, || format!("{} cannot be written", path.display()))
        .map_err(unwritable)
}

fn unwritable(error: Error) -> Error {
    error.hint("make the folder writable, or set XDG_CACHE_HOME to one that is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_its_remedy() {
        let folder_in_a_file = tempfile::NamedTempFile::new().unwrap();
        let error = folder(folder_in_a_file.path(), "artefacts").expect_err("a file holds no folders");
        assert_eq!(error.kind(), Kind::Environment);
        let text = error.explain();
        assert!(
            text.contains("artefacts cannot be created") && text.contains("XDG_CACHE_HOME"),
            "{text}"
        );
    }

    #[test]
    fn an_abandoned_scratch_file_is_gone_and_a_persisted_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        drop(scratch(dir.path()).unwrap());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        persist(scratch(dir.path()).unwrap(), &dir.path().join("kept")).unwrap();
        assert!(dir.path().join("kept").is_file());
    }
}
