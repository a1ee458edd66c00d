//! Which workspace this process works in, and which checkout its fixtures and its catalogue come from.
//!
//! Both are asked at run time: a program that was built in one checkout and runs inside another uses what lies there.

use std::path::{Path, PathBuf};

/// The root of the workspace that reports and evidence belong to: what nextest says, else the nearest folder above the
/// working directory that holds `.config/nextest.toml`, else where this crate was built.
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

fn checkout_at(root: PathBuf) -> PathBuf {
    let ours = root.join("fixtures/images").is_dir() && root.join("scenarios/requirements").is_dir();
    if ours { root } else { built() }
}

fn above(folder: &Path) -> Option<PathBuf> {
    let marked = |folder: &&Path| folder.join(".config/nextest.toml").is_file();
    folder.ancestors().find(marked).map(PathBuf::from)
}

fn built() -> PathBuf {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
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
        make(folder.path(), &[".config/nextest.toml", "fixtures/own.json"]);
        let root = above(folder.path()).unwrap();
        assert_eq!(root, folder.path(), "its evidence is its own");
        assert_eq!(checkout_at(root), built());
        assert!(built().join("fixtures/images").is_dir());
    }
}
