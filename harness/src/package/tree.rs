//! Files in memory: of a folder or of a zip archive, read once and within limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Context;
use crate::{Error, Kind, Result};

/// The Universe of 2016 has some 700 files.
const FILES: usize = 10_000;
/// One file: descriptors are a few kilobytes.
pub(super) const FILE_BYTES: u64 = 8 << 20;
/// All of them.
pub(super) const ALL_BYTES: u64 = 64 << 20;
/// Folders in folders.
const DEPTH: usize = 16;

/// The files below one path, by their names with slashes.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Where they came from.
    pub path: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

impl Tree {
    pub(super) fn new(path: &Path) -> Self {
        Tree {
            path: path.to_owned(),
            ..Tree::default()
        }
    }

    /// Reads a folder. Names that begin with a dot are left out, as the client leaves them out.
    ///
    /// # Errors
    /// [`Kind::Usage`] where it cannot be read, [`Kind::Package`] where it has a symbolic link or is over a limit.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let mut tree = Tree::new(folder);
        tree.read(folder, "", 0)?;
        Ok(tree)
    }

    fn read(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<()> {
        let unreadable = |path: &Path| format!("{} cannot be read", path.display());
        if depth > DEPTH {
            return Err(package(format!(
                "{} is more than {DEPTH} folders deep",
                folder.display()
            )));
        }
        let entries = std::fs::read_dir(folder).context(Kind::Usage, || unreadable(folder))?;
        for entry in entries {
            let entry = entry.context(Kind::Usage, || unreadable(folder))?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name
                .to_str()
                .ok_or_else(|| package(format!("{}: the name is not UTF-8", path.display())))?;
            if name.starts_with('.') {
                continue;
            }
            let name = format!("{prefix}{name}");
            let kind = entry.file_type().context(Kind::Usage, || unreadable(&path))?;
            if kind.is_dir() {
                self.read(&path, &format!("{name}/"), depth + 1)?;
            } else if kind.is_file() {
                let size = entry.metadata().context(Kind::Usage, || unreadable(&path))?.len();
                self.fits(&name, size)?;
                let bytes = std::fs::read(&path).context(Kind::Usage, || unreadable(&path))?;
                self.add(name, bytes)?;
            } else {
                return Err(package(format!("{} is neither a file nor a folder", path.display()))
                    .hint("archives and the client's cache do not carry links; put the file itself there"));
            }
        }
        Ok(())
    }

    /// Whether there is room for one more file of `size` bytes.
    pub(super) fn fits(&self, name: &str, size: u64) -> Result<()> {
        let over = |what: String| Err(package(format!("{}: {what}", self.path.display())).expected(limits()));
        if size > FILE_BYTES {
            return over(format!("{name} has {size} bytes"));
        }
        if self.bytes.saturating_add(size) > ALL_BYTES {
            return over(format!("more than {ALL_BYTES} bytes up to {name}"));
        }
        if self.files.len() == FILES {
            return over(format!("more than {FILES} files"));
        }
        Ok(())
    }

    pub(super) fn add(&mut self, name: String, bytes: Vec<u8>) -> Result<()> {
        self.fits(&name, bytes.len() as u64)?;
        self.bytes += bytes.len() as u64;
        if let Some(before) = self.files.insert(name.clone(), bytes) {
            drop(before);
            return Err(package(format!("{}: {name} stands there twice", self.path.display())));
        }
        Ok(())
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Every file, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The names directly in `folder` (which is empty, or ends with a slash), those of folders with a slash at their end.
    #[must_use]
    pub fn list(&self, folder: &str) -> Vec<String> {
        let below = self.files.range(folder.to_owned()..);
        let below = below.take_while(|(name, _)| name.starts_with(folder));
        let mut names: Vec<String> = below
            .map(|(name, _)| {
                let rest = &name[folder.len()..];
                let end = rest.find('/').map_or(rest.len(), |slash| slash + 1);
                rest[..end].to_owned()
            })
            .collect();
        names.dedup();
        names
    }
}

/// A package, or an archive of packages, that is not as the format says.
pub(super) fn package(message: String) -> Error {
    Error::new(Kind::Package, message)
}

pub(super) fn limits() -> String {
    format!(
        "at most {FILES} files, {} MiB in one and {} MiB in all",
        FILE_BYTES >> 20,
        ALL_BYTES >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        for name in ["a/b/c.json", "a/d.json", "e.json", ".git/config"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let tree = Tree::of_folder(folder.path()).unwrap();
        assert_eq!(tree.list(""), ["a/", "e.json"]);
        assert_eq!(tree.list("a/"), ["b/", "d.json"]);
        assert_eq!(tree.get("a/b/c.json"), Some(&b"a/b/c.json"[..]));
    }

    #[test]
    fn a_link_and_a_huge_file_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("config.json")).unwrap();
        let error = Tree::of_folder(folder.path()).expect_err("a link leads out");
        assert!(
            error
                .to_string()
                .ends_with("config.json is neither a file nor a folder"),
            "{error}"
        );

        std::fs::remove_file(folder.path().join("config.json")).unwrap();
        let file = std::fs::File::create(folder.path().join("big")).unwrap();
        file.set_len(FILE_BYTES + 1).unwrap();
        let error = Tree::of_folder(folder.path()).expect_err("too large");
        assert!(error.to_string().contains("big has 8388609 bytes"), "{error}");
    }
}
