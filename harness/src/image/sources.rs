//! What a service crate is compiled from, as one digest.
//!
//! Two machines compile the same sources to different bytes, so the tag of an image hashes the sources and not the
//! program. They are: the crate's folder, the folders of the crates it depends on by path, the entries of the root
//! `Cargo.lock` and of the root `Cargo.toml` that its build reads (the versions of its dependencies, its profile), and
//! cargo's own configuration. Entries of other crates do not count, or every new dependency of the harness would
//! rebuild every image.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::context;
use super::digest::{self, Digest};
use crate::error::Context;
use crate::{Error, Kind, Result};

/// What a service compiles to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Program,
    /// A crate whose `crate-type` is `cdylib`, for programs of others to load.
    Library,
}

impl Output {
    /// Of the crate in `folder`.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let manifest = table(&folder.join("Cargo.toml"))?;
        let kinds = manifest.get("lib").and_then(|lib| lib.get("crate-type")?.as_array());
        let library = kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.as_str() == Some("cdylib")));
        Ok(if library { Output::Library } else { Output::Program })
    }

    /// The profile it is compiled with, from the root `Cargo.toml`. A library must not end the program that loaded it.
    pub(super) fn profile(self) -> &'static str {
        match self {
            Output::Program => "image",
            Output::Library => "image-library",
        }
    }
}

/// The workspace's own files, read once for all services.
#[derive(Debug)]
pub(super) struct Workspace {
    root: PathBuf,
    manifest: Table,
    /// By name; a workspace may hold several versions.
    locked: HashMap<String, Vec<Locked>>,
}

/// One `[[package]]` of `Cargo.lock`.
#[derive(Debug)]
struct Locked {
    name: String,
    version: String,
    text: String,
}

impl Locked {
    fn dependencies(&self) -> impl Iterator<Item = &str> {
        let listed = self.text.lines().skip_while(|line| *line != "dependencies = [").skip(1);
        listed
            .take_while(|line| *line != "]")
            .map(|line| line.trim().trim_end_matches(',').trim_matches('"'))
    }
}

impl Workspace {
    pub(super) fn read(root: &Path) -> Result<Self> {
        Ok(Workspace {
            root: root.to_owned(),
            manifest: table(&root.join("Cargo.toml"))?,
            locked: packages(&text(&root.join("Cargo.lock"))?),
        })
    }

    /// The digest of everything that the crate in `folder` is compiled from.
    pub(super) fn digest(&self, folder: &Path) -> Result<String> {
        let mut digest = Digest::new();
        let mut names = BTreeSet::new();
        for folder in self.folders(folder)? {
            let name = table(&folder.join("Cargo.toml"))?
                .get("package")
                .and_then(|package| package.get("name")?.as_str().map(str::to_owned))
                .ok_or_else(|| Error::usage(format!("{} names no package", folder.join("Cargo.toml").display())))?;
            for file in context::files(&folder)? {
                digest.field(&format!("{name}/{}", file.path), file.fingerprint()?);
            }
            names.insert(name);
        }
        let closure = self.closure(&names);
        for locked in closure.values() {
            digest.field("locked", &locked.text);
            names.insert(locked.name.clone());
        }
        self.settings(&names, Output::of(folder)?, &mut digest);
        for file in [".cargo/config.toml", "rust-toolchain.toml", "rust-toolchain"] {
            if let Ok(bytes) = std::fs::read(self.root.join(file)) {
                digest.field(file, digest::of_bytes(&bytes));
            }
        }
        Ok(digest.hex())
    }

    /// `folder` and those it depends on by path, in a stable order.
    fn folders(&self, folder: &Path) -> Result<BTreeSet<PathBuf>> {
        let (mut found, mut next) = (BTreeSet::new(), vec![canonical(folder)?]);
        while let Some(folder) = next.pop() {
            if !found.insert(folder.clone()) {
                continue;
            }
            let manifest = table(&folder.join("Cargo.toml"))?;
            let for_targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
            for table in std::iter::once(&manifest).chain(for_targets.filter_map(|(_, target)| target.as_table())) {
                for kind in ["dependencies", "build-dependencies"] {
                    let dependencies = table.get(kind).and_then(Value::as_table).into_iter().flatten();
                    for (name, dependency) in dependencies {
                        next.extend(self.path_of(&folder, name, dependency)?);
                    }
                }
            }
        }
        Ok(found)
    }

    /// The folder of a dependency that has one.
    fn path_of(&self, folder: &Path, name: &str, dependency: &Value) -> Result<Option<PathBuf>> {
        let (from, dependency) = match dependency.get("workspace") {
            Some(_) => match self.shared(name) {
                Some(shared) => (self.root.as_path(), shared),
                None => return Ok(None),
            },
            None => (folder, dependency),
        };
        let path = dependency.get("path").and_then(Value::as_str);
        path.map(|path| canonical(&from.join(path))).transpose()
    }

    fn shared(&self, name: &str) -> Option<&Value> {
        self.manifest.get("workspace")?.get("dependencies")?.get(name)
    }

    /// Every package that `names` need, by name and version.
    fn closure(&self, names: &BTreeSet<String>) -> BTreeMap<(&str, &str), &Locked> {
        let mut found = BTreeMap::new();
        let mut next: Vec<&str> = names.iter().map(String::as_str).collect();
        while let Some(wanted) = next.pop() {
            // A dependency is `name`, or `name version` where a workspace holds several versions.
            let mut words = wanted.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            let wanted = |locked: &&Locked| version.is_none_or(|version| locked.version == version);
            for locked in self.locked.get(name).into_iter().flatten().filter(wanted) {
                if found
                    .insert((locked.name.as_str(), locked.version.as_str()), locked)
                    .is_none()
                {
                    next.extend(locked.dependencies());
                }
            }
        }
        found
    }

    /// The parts of the root manifest that a build of `names` reads.
    fn settings(&self, names: &BTreeSet<String>, output: Output, digest: &mut Digest) {
        let mut setting = |path: &[&str]| {
            let value = path[1..]
                .iter()
                .try_fold(self.manifest.get(path[0]), |value, key| Some(value?.get(*key)));
            if let Some(Some(value)) = value {
                digest.field(&path.join("."), value.to_string());
            }
        };
        setting(&["workspace", "resolver"]);
        setting(&["workspace", "package"]);
        setting(&["profile", "release"]);
        setting(&["profile", Output::Program.profile()]);
        if output == Output::Library {
            setting(&["profile", output.profile()]);
        }
        setting(&["patch"]);
        for name in names {
            setting(&["workspace", "dependencies", name]);
        }
    }
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .context(Kind::Usage, || format!("the crate {} cannot be found", path.display()))
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).context(Kind::Usage, || format!("{} cannot be read", path.display()))
}

fn table(path: &Path) -> Result<Table> {
    text(path)?
        .parse()
        .context(Kind::Usage, || format!("{} is no TOML", path.display()))
}

/// Reads `Cargo.lock` by its blank lines, which cargo writes around each package: every test process reads it, and a
/// TOML parser takes longer than hashing every image does.
fn packages(lock: &str) -> HashMap<String, Vec<Locked>> {
    let mut packages: HashMap<String, Vec<Locked>> = HashMap::new();
    let (mut start, mut at) = (0, 0);
    for line in lock.split_inclusive('\n').chain(["\n"]) {
        at += line.len();
        if line == "\n" {
            let text = &lock[start..at.min(lock.len())];
            start = at;
            if let Some(locked) = package(text) {
                packages.entry(locked.name.clone()).or_default().push(locked);
            }
        }
    }
    packages
}

fn package(text: &str) -> Option<Locked> {
    let mut lines = text.split('\n');
    let mut value = |key: &str| Some(lines.next()?.strip_prefix(key)?.trim_matches('"').to_owned());
    value("[[package]]")?;
    Some(Locked {
        name: value("name = ")?,
        version: value("version = ")?,
        text: text.trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new() -> Self {
            let fixture = Fixture(tempfile::tempdir().unwrap());
            fixture.write(
                "Cargo.toml",
                "[workspace]\n[workspace.dependencies]\nlog = \"1\"\nother = \"1\"\n[profile.image]\nstrip = true\n",
            );
            fixture.write(
                "Cargo.lock",
                "version = 4\n\n[[package]]\nname = \"log\"\nversion = \"1.0.0\"\n\n\
                 [[package]]\nname = \"other\"\nversion = \"1.0.0\"\n\n\
                 [[package]]\nname = \"service\"\nversion = \"0.1.0\"\ndependencies = [\n \"log\",\n]\n",
            );
            let shared = "shared = { path = \"../shared\" }";
            fixture.write(
                "service/Cargo.toml",
                &format!("[package]\nname = \"service\"\n[dependencies]\n{shared}\nlog = {{ workspace = true }}\n"),
            );
            fixture.write("service/src/main.rs", "fn main() {}");
            fixture.write("shared/Cargo.toml", "[package]\nname = \"shared\"\n");
            fixture.write("shared/src/lib.rs", "");
            fixture
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn replace(&self, path: &str, from: &str, to: &str) {
            let text = std::fs::read_to_string(self.0.path().join(path)).unwrap();
            assert!(text.contains(from), "{from} stands in {path}");
            self.write(path, &text.replacen(from, to, 1));
        }

        fn digest(&self) -> String {
            let workspace = Workspace::read(self.0.path()).unwrap();
            workspace.digest(&self.0.path().join("service")).unwrap()
        }
    }

    #[test]
    fn everything_the_crate_is_compiled_from_counts() {
        for (path, from, to) in [
            ("service/src/main.rs", "fn main() {}", "fn main() { }"),
            ("shared/src/lib.rs", "", "// shared"),
            (
                "Cargo.lock",
                "\"log\"\nversion = \"1.0.0\"",
                "\"log\"\nversion = \"1.0.1\"",
            ),
            ("Cargo.toml", "strip = true", "strip = false"),
            ("Cargo.toml", "log = \"1\"", "log = \"1.1\""),
        ] {
            let fixture = Fixture::new();
            let before = fixture.digest();
            assert_eq!(before, fixture.digest(), "the digest is stable");
            fixture.replace(path, from, to);
            assert_ne!(before, fixture.digest(), "{path}: {to}");
        }
    }

    #[test]
    fn libraries_have_a_profile_of_their_own() {
        let fixture = Fixture::new();
        let profile = "[profile.image-library]\npanic = \"unwind\"\n[profile.image]";
        fixture.replace(
            "service/Cargo.toml",
            "[dependencies]",
            "[lib]\ncrate-type = [\"cdylib\"]\n[dependencies]",
        );
        let before = fixture.digest();
        assert_eq!(Output::of(&fixture.0.path().join("service")).unwrap(), Output::Library);
        fixture.replace("Cargo.toml", "[profile.image]", profile);
        assert_ne!(before, fixture.digest());
    }

    #[test]
    fn what_other_crates_need_does_not_count() {
        let fixture = Fixture::new();
        let before = fixture.digest();
        fixture.replace(
            "Cargo.lock",
            "\"other\"\nversion = \"1.0.0\"",
            "\"other\"\nversion = \"2.0.0\"",
        );
        fixture.replace("Cargo.toml", "other = \"1\"", "other = \"2\"");
        assert_eq!(before, fixture.digest());
    }
}
