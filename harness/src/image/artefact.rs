//! The lock of every downloaded file, and the cache that holds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{cache, digest};
use crate::error::Context;
use crate::{Error, Kind, Result};

/// The lock's name under `fixtures/`.
pub const LOCK_FILE: &str = "artefacts.lock";

/// The package client that fetches an artefact, as configured out of the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Client {
    /// The package index client of Python's setuptools: it takes what pip refuses, eggs and archives of old sources.
    Setuptools,
    /// `pip download`: wheels, and archives of sources that a current setuptools can set up.
    Pip,
    /// Debian's Maven: single Java libraries.
    Maven,
}

impl Client {
    /// As the lock and `fetch-artefact` spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Client::Setuptools => "setuptools",
            Client::Pip => "pip",
            Client::Maven => "maven",
        }
    }

    /// The folder under `fixtures/images/` whose image has this client.
    pub(super) fn image(self) -> &'static str {
        match self {
            Client::Setuptools | Client::Pip => "fetch",
            Client::Maven => "fetch-maven",
        }
    }
}

/// One downloaded file, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// What an `image.toml` asks for.
    pub name: String,
    /// As its project published it.
    pub file: String,
    /// The project's version.
    pub version: String,
    /// Lower-case hex.
    pub sha256: String,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Who fetches it.
    pub client: Client,
    /// What the client is asked for, as in `mesos.scheduler==1.11.0` or `com.google.code.gson:gson:2.8.2`.
    pub request: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    #[serde(default)]
    artefact: Vec<Artefact>,
}

/// All artefacts by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Lock {
    path: PathBuf,
    artefacts: BTreeMap<String, Artefact>,
}

impl Lock {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).context(Kind::Usage, || {
            format!("the artefact lock {} cannot be read", path.display())
        })?;
        Lock::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::usage(format!("{}: {what}", path.display()));
        let file: LockFile = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut artefacts = BTreeMap::new();
        for artefact in file.artefact {
            let name = &artefact.name;
            let hex = |digit: char| digit.is_ascii_digit() || ('a'..='f').contains(&digit);
            if artefact.sha256.len() != 64 || !artefact.sha256.chars().all(hex) {
                return Err(wrong(format!(
                    "artefact {name}: sha256 = \"{}\" is no sha256",
                    artefact.sha256
                ))
                .expected("64 lower-case hex digits"));
            }
            if artefact.file.is_empty() || artefact.file.contains('/') || artefact.file.starts_with('.') {
                return Err(wrong(format!(
                    "artefact {name}: file = \"{}\" is no file name",
                    artefact.file
                )));
            }
            if artefacts.contains_key(name) {
                return Err(wrong(format!("artefact {name} stands there twice")));
            }
            artefacts.insert(name.clone(), artefact);
        }
        Ok(Lock {
            path: path.to_owned(),
            artefacts,
        })
    }

    pub(super) fn get(&self, name: &str) -> Result<&Artefact> {
        self.artefacts.get(name).ok_or_else(|| {
            Error::usage(format!("{} has no artefact {name}", self.path.display()))
                .expected(format!("one of {}", join(self.artefacts.keys())))
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Artefact> {
        self.artefacts.values()
    }
}

/// `a, b, c`, or `none`.
pub(super) fn join<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

impl Artefact {
    /// Where this artefact is kept: named by what it must be, so that two versions of a lock never meet.
    pub(super) fn path(&self, cache: &Path) -> PathBuf {
        cache.join("artefacts").join(&self.sha256).join(&self.file)
    }

    /// Hashes `path` and compares with the lock. A 28 MB egg takes 0.1 s, so this is done before every use.
    pub(super) fn verify(&self, path: &Path) -> Result<()> {
        let (size, sha256) = digest::of_file(path)?;
        self.compare(path, size, &sha256).map_err(|error| {
            error.hint(format!(
                "the cached copy is damaged: `rm '{}'`; it is fetched again at the next build",
                path.display()
            ))
        })
    }

    /// The error names the file, what the lock expects and what was got.
    pub(super) fn compare(&self, path: &Path, size: u64, sha256: &str) -> Result<()> {
        if sha256 == self.sha256 && self.size.is_none_or(|expected| expected == size) {
            return Ok(());
        }
        let expected_size = self.size.map_or(String::new(), |size| format!(" ({size} bytes)"));
        Err(Error::new(
            Kind::Image,
            format!(
                "{} is not what {LOCK_FILE} pins: got sha256 {sha256} ({size} bytes)",
                self.file
            ),
        )
        .expected(format!("sha256 {}{expected_size}", self.sha256))
        .ran(format!("sha256sum '{}'", path.display()))
        .evidence(format!("artefact {} of {LOCK_FILE}", self.name)))
    }

    /// Moves a fetched file into the cache, if it is the right one.
    pub(super) fn keep(&self, fetched: impl std::io::Read, cache: &Path) -> Result<PathBuf> {
        let path = self.path(cache);
        let folder = cache::folder(cache, &format!("artefacts/{}", self.sha256))?;
        let mut scratch = cache::scratch(&folder)?;
        let (size, sha256) = digest::copy(fetched, scratch.as_file_mut())
            .context(Kind::Image, || format!("{} cannot be written", path.display()))?;
        self.compare(&path, size, &sha256).map_err(|error| {
            error.hint(format!(
                "{} served another file for {} than the one pinned: find out why before the lock is changed",
                self.client.name(),
                self.request
            ))
        })?;
        cache::persist(scratch, &path)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn lock(sha256: &str, extra: &str) -> Result<Lock> {
        let text = format!(
            "[[artefact]]\nname = \"letters\"\nfile = \"letters.txt\"\nversion = \"1\"\nsha256 = \"{sha256}\"\n\
             client = \"pip\"\nrequest = \"letters==1\"\n{extra}"
        );
        Lock::parse(&text, Path::new("artefacts.lock"))
    }

    #[test]
    fn a_wrong_file_is_named_with_expected_and_got() {
        let cache = tempfile::tempdir().unwrap();
        let lock = lock(ABC, "").unwrap();
        let error = lock
            .get("letters")
            .unwrap()
            .keep(&b"abd"[..], cache.path())
            .expect_err("another file");
        assert_eq!(error.kind(), Kind::Image);
        let (text, got) = (error.explain(), digest::of_bytes(b"abd"));
        for part in ["letters.txt", ABC, got.as_str(), "letters==1"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
        assert!(
            !lock.get("letters").unwrap().path(cache.path()).exists(),
            "nothing wrong is kept"
        );
    }

    #[test]
    fn a_right_file_is_kept_and_later_damage_is_found() {
        let cache = tempfile::tempdir().unwrap();
        let lock = lock(ABC, "size = 3").unwrap();
        let artefact = lock.get("letters").unwrap();
        let path = artefact.keep(&b"abc"[..], cache.path()).unwrap();
        artefact.verify(&path).unwrap();

        std::fs::write(&path, "abcd").unwrap();
        let text = artefact.verify(&path).expect_err("it was damaged").explain();
        assert!(
            text.contains("(4 bytes)") && text.contains(&format!("rm '{}'", path.display())),
            "{text}"
        );
    }

    #[test]
    fn mistakes_in_the_lock_are_named() {
        let text = lock(ABC, "sise = 3").expect_err("no such key").explain();
        for part in ["artefacts.lock", "unknown field `sise`", "`size`"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
        let text = lock("BA78", "").expect_err("no sha256").explain();
        assert!(text.contains("letters") && text.contains("64 lower-case"), "{text}");
        let text = lock(ABC, "").unwrap().get("numbers").expect_err("unknown").explain();
        assert!(text.contains("numbers") && text.contains("one of letters"), "{text}");
    }
}
