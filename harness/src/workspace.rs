//! Which workspace this process works in, and which checkout its fixtures and its catalogue come from.
//!
//! Both are asked at run time: a program that was built in one checkout and runs inside another uses what lies there.
//! A workspace that uses this crate as a library, by path or by git, has evidence and reports under its own `target/`,
//! and the images and their fixtures out of the checkout that cargo compiled this crate from.

use std::path::{Path, PathBuf};

/// The root of the workspace that reports and evidence belong to: what nextest says, else the nearest folder from the
/// working directory up that holds `.config/nextest.toml` or `Cargo.lock`, else where this crate was built.
#[must_use]
pub fn root() -> PathBuf {
    let told = std::env::var_os("NEXTEST_WORKSPACE_ROOT").filter(|root| !root.is_empty());
    told.map(PathBuf::from)
        .or_else(|| above(&std::env::current_dir().unwrap_or_default()))
        .unwrap_or_else(built)
}

/// The checkout of this project with the fixtures and the catalogue: the [`root`] where that is one, else where this
/// crate was built, as for a workspace that uses the crate as a library.
#[must_use]
pub fn checkout() -> PathBuf {
    checkout_at(root())
}

/// The fixtures: the folder that `HARNESS_FIXTURES` names, else those of the [`checkout`].
#[must_use]
pub fn fixtures() -> PathBuf {
    let named = std::env::var_os("HARNESS_FIXTURES").filter(|folder| !folder.is_empty());
    named.map_or_else(|| checkout().join("fixtures"), PathBuf::from)
}

/// The requirement catalogue: the folder that `HARNESS_REQUIREMENTS` names, else `requirements` in the [`root`] of a
/// workspace that uses the crate as a library, else that of the [`checkout`].
#[must_use]
pub fn requirements() -> PathBuf {
    let named = std::env::var_os("HARNESS_REQUIREMENTS").filter(|folder| !folder.is_empty());
    named.map_or_else(|| requirements_at(root()), PathBuf::from)
}

/// True where the [`root`] is a checkout of this project, and not a workspace that uses the crate as a library.
pub(crate) fn is_checkout() -> bool {
    is_checkout_at(&root())
}

fn requirements_at(root: PathBuf) -> PathBuf {
    let own = root.join("requirements");
    if own.is_dir() && !is_checkout_at(&root) {
        own
    } else {
        checkout_at(root).join("scenarios/requirements")
    }
}

fn is_checkout_at(root: &Path) -> bool {
    root.join("fixtures/images").is_dir() && root.join("scenarios/requirements").is_dir()
}

fn checkout_at(root: PathBuf) -> PathBuf {
    if is_checkout_at(&root) { root } else { built() }
}

/// The folder of this crate's own sources, for hints.
pub(crate) fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn above(folder: &Path) -> Option<PathBuf> {
    let marks = [".config/nextest.toml", "Cargo.lock"];
    let marked = |folder: &&Path| marks.iter().any(|mark| folder.join(mark).is_file());
    folder.ancestors().find(marked).map(PathBuf::from)
}

fn built() -> PathBuf {
    let parent = crate_folder().parent();
    parent.expect("the crate is a folder of the workspace").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
    }

    #[test]
    fn another_checkout_serves_itself() {
        let folder = tempfile::tempdir().unwrap();
        let marks = [
            ".config/nextest.toml",
            "fixtures/images/a/Dockerfile",
            "scenarios/requirements/a.toml",
            "harness/src/lib.rs",
        ];
        make(folder.path(), &marks);
        let found = above(&folder.path().join("harness/src")).unwrap();
        assert_eq!(found, folder.path());
        assert_eq!(checkout_at(found), folder.path());
    }

    #[test]
    fn a_workspace_that_only_uses_the_crate_gets_the_fixtures_it_was_built_with() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), &["Cargo.lock", "fixtures/own.json", "member/src/lib.rs"]);
        let root = above(&folder.path().join("member")).unwrap();
        assert_eq!(root, folder.path(), "its evidence is its own");
        assert_eq!(requirements_at(root.clone()), built().join("scenarios/requirements"));
        assert_eq!(checkout_at(root.clone()), built());
        assert!(built().join("fixtures/images").is_dir());
        make(folder.path(), &["requirements/own.toml"]);
        assert_eq!(requirements_at(root.clone()), root.join("requirements"));
    }
}
