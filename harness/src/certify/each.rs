//! Every package that a path has, each to be certified by itself.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Certifier;
use crate::package::source;
use crate::{Result, workspace};

/// The variable of the environment that names packages of the user's own: paths with colons between, to packages,
/// sources, archives, or folders of these.
pub const PACKAGES: &str = "HARNESS_PACKAGES";

/// What [`PACKAGES`] says.
pub(crate) fn named() -> OsString {
    std::env::var_os(PACKAGES).unwrap_or_default()
}

/// The paths of such a list.
pub(crate) fn paths(list: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty())
}

impl Certifier {
    /// One for every package at `path`: a package's folder, a revision, a source, an archive of several, or a folder of
    /// these.
    ///
    /// # Errors
    /// As [`source::open`].
    pub fn each(path: &Path) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for source in source::open(path)? {
            for package in &source.packages {
                // An archive has no path to a package in it: the name alone says which one is meant.
                let own = if source.archived {
                    path.display().to_string()
                } else {
                    source.shown(package.folder.trim_end_matches('/'))
                };
                all.push(Certifier::of(own).package(Some(package.name.clone())));
            }
        }
        Ok(all)
    }

    /// One for every package of the user's own: those that [`PACKAGES`] names.
    ///
    /// # Errors
    /// As [`Certifier::each`].
    pub fn each_of_the_user() -> Result<Vec<Self>> {
        Certifier::each_of(&named())
    }

    /// One for every package of a list. Paths that are not absolute begin at the workspace's [root](workspace::root),
    /// where a test run is started: the tests themselves run in the folder of their crate.
    fn each_of(list: &OsStr) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for path in paths(list) {
            all.extend(Certifier::each(&workspace::root().join(path))?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::certify::subject::Subject;
    use crate::package::index;

    fn packages(path: &str) -> PathBuf {
        workspace::fixtures().join("packages").join(path)
    }

    /// What would be certified, as package and revision: each can be opened as [`Certifier::run`] opens it.
    fn opened(certifiers: &[Certifier]) -> Vec<(String, u32)> {
        let of = |certifier: &Certifier| {
            certifier.check().unwrap_or_else(|error| panic!("{}", error.explain()));
            let subject = Subject::open(&certifier.named, certifier.package.as_deref(), certifier.revision);
            let record = subject.expect("it was checked").record();
            (record.name, record.revision)
        };
        certifiers.iter().map(of).collect()
    }

    fn two() -> Vec<(String, u32)> {
        vec![("hello-cli".to_owned(), 0), ("helloworld".to_owned(), 0)]
    }

    fn archive(folder: &Path) -> PathBuf {
        let path = folder.join("two.zip");
        let sources = source::open(&packages("multiverse")).expect("it is there");
        std::fs::write(&path, index::zip(&sources[0], "two").expect("it is made")).expect("it is written");
        path
    }

    #[test]
    fn every_package_of_a_path_is_one_subject() {
        let scratch = tempfile::tempdir().expect("a folder");
        let each = |path: &Path| opened(&Certifier::each(path).expect("it has packages"));
        assert_eq!(each(&packages("multiverse")), two());
        assert_eq!(each(&archive(scratch.path())), two());
        let own = packages("universe/repo/packages/H/helloworld");
        assert_eq!(each(&own), [("helloworld".to_owned(), 1)]);
        assert_eq!(each(&own.join("0")), [("helloworld".to_owned(), 0)]);
        let all = each(&packages(""));
        let helloworlds = all.iter().filter(|(name, _)| name == "helloworld").count();
        assert!(
            all.len() > two().len() && helloworlds > 1,
            "every source of a folder: {all:?}"
        );
    }

    #[test]
    fn paths_have_colons_between_and_begin_where_the_run_does() {
        let scratch = tempfile::tempdir().expect("a folder");
        let paths = format!(":{}:fixtures/packages/multiverse:", archive(scratch.path()).display());
        let all = opened(&Certifier::each_of(OsStr::new(&paths)).expect("both are there"));
        assert_eq!(all, [two(), two()].concat());
        assert!(Certifier::each_of(OsStr::new("")).expect("there is none").is_empty());
        let error = Certifier::each_of(OsStr::new("no-such-folder")).expect_err("there is none");
        assert_eq!(error.kind(), crate::Kind::Usage);
    }
}
