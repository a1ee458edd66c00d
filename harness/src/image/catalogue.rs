//! `fixtures/`: every image folder, and what its tag is. No engine is asked here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::ImageSpec;
use super::artefact::{Artefact, LOCK_FILE, Lock, join};
use super::certificates::Certificates;
use super::context::{self, ContextFile};
use super::digest::Digest;
use super::manifest::{self, Manifest, substitute};
use super::sources::Workspace;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// The repository part of every reference of ours.
pub(super) const REPOSITORY: &str = "mesos-harness";
/// Raised when the way images are made changes in a way that their files do not show.
const FORMAT: &str = "1";

/// The folders of `fixtures/`.
#[derive(Debug)]
pub(super) struct Catalogue {
    fixtures: PathBuf,
    manifests: BTreeMap<String, Manifest>,
    pub(super) artefacts: Lock,
    certificates: Certificates,
    workspace: OnceLock<Workspace>,
}

/// One image, with everything that its tag depends on.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) manifest: Manifest,
    /// With the defaults of those not given.
    pub(super) args: BTreeMap<String, String>,
    /// None for the image that is bootstrapped.
    pub(super) base: Option<Box<Resolved>>,
    pub(super) artefacts: Vec<Artefact>,
    pub(super) files: Vec<ContextFile>,
    /// 16 hex digits: the tag.
    pub(super) content: String,
    /// The same without this machine's certificates.
    pub(super) sources: String,
}

impl Resolved {
    pub(super) fn reference(&self) -> String {
        format!("{REPOSITORY}/{}:{}", self.name, self.content)
    }

    /// What a person calls it, as in `mesos 1.10.0`: several versions of one image are built side by side.
    pub(super) fn title(&self) -> String {
        let versions = self.args.iter().filter(|(name, _)| name.ends_with("_VERSION"));
        versions.fold(self.name.clone(), |title, (_, version)| format!("{title} {version}"))
    }

    pub(super) fn args_json(&self) -> String {
        serde_json::to_string(&self.args).expect("a map of strings is JSON")
    }

    /// True for the tag's own image, or one loaded from an archive that was made from the same sources.
    pub(super) fn is(&self, labels: &crate::labels::Labels) -> bool {
        let is = |label: &str, value: &str| labels.get(label).is_some_and(|found| found == value);
        is(crate::labels::CONTENT, &self.content) || is(crate::labels::SOURCES, &self.sources)
    }
}

impl Catalogue {
    pub(super) fn open(fixtures: &Path, certificates: Certificates) -> Result<Self> {
        let images = folders(&fixtures.join("images"))?;
        let services = folders(&fixtures.join("services"))?;
        let mut manifests = BTreeMap::new();
        for name in &images {
            let folder = fixtures.join("images").join(name);
            let manifest = Manifest::read(&folder)?;
            manifest.check_names(&folder.join(manifest::FILE), &images, &services)?;
            manifests.insert(name.clone(), manifest);
        }
        let catalogue = Catalogue {
            artefacts: Lock::read(&fixtures.join(LOCK_FILE))?,
            fixtures: fixtures.to_owned(),
            manifests,
            certificates,
            workspace: OnceLock::new(),
        };
        catalogue.manifests.keys().try_for_each(|name| catalogue.ends(name))?;
        Ok(catalogue)
    }

    /// Follows the bases of an image down to the one that is bootstrapped.
    fn ends(&self, name: &str) -> Result<()> {
        let mut seen = vec![name];
        while let Some(base) = seen.last().and_then(|last| self.manifests[*last].base.as_deref()) {
            if seen.contains(&base) {
                return Err(Error::usage(format!(
                    "{}: base leads in a circle: {} → {base}",
                    self.folder(name).join(manifest::FILE).display(),
                    seen.join(" → ")
                )));
            }
            seen.push(base);
        }
        Ok(())
    }

    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.fixtures.join("images").join(name)
    }

    pub(super) fn service(&self, name: &str) -> PathBuf {
        self.fixtures.join("services").join(name)
    }

    /// The root of the cargo workspace that the services belong to.
    pub(super) fn workspace_root(&self) -> &Path {
        self.fixtures.parent().unwrap_or(&self.fixtures)
    }

    pub(super) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Every folder, with its default arguments.
    pub(super) fn specs(&self) -> impl Iterator<Item = (ImageSpec, &Manifest)> {
        self.manifests
            .iter()
            .map(|(name, manifest)| (ImageSpec::new(name), manifest))
    }

    pub(super) fn resolve(&self, spec: &ImageSpec) -> Result<Resolved> {
        if let Some(folder) = &spec.over {
            return self.resolve_over(spec, folder);
        }
        let manifest = self.manifests.get(&spec.name).ok_or_else(|| {
            Error::usage(format!("there is no image {}", spec.name))
                .expected(format!("one of {}", join(self.manifests.keys())))
        })?;
        let mut args = manifest.args.clone();
        for (name, value) in &spec.args {
            let known = args.get_mut(name).ok_or_else(|| {
                Error::usage(format!("the image {} has no argument {name}", spec.name))
                    .expected(format!("one of {}", join(manifest.args.keys())))
            })?;
            known.clone_from(value);
        }
        let base = match &manifest.base {
            Some(base) => Some(Box::new(self.resolve(&self.base_spec(base, &args))?)),
            None => None,
        };
        let artefact = |name: &String| {
            let name = substitute(name, &args)
                .map_err(|unknown| Error::internal(format!("${{{unknown}}} was not checked in {name}")))?;
            self.artefacts.get(&name).cloned()
        };
        let folder = self.folder(&spec.name);
        let mut resolved = Resolved {
            name: spec.name.clone(),
            manifest: manifest.clone(),
            artefacts: manifest.artefacts.iter().map(artefact).collect::<Result<_>>()?,
            files: context::files(&folder)?,
            folder,
            args,
            base,
            content: String::new(),
            sources: String::new(),
        };
        self.hash(&mut resolved)?;
        resolved.files.retain(|file| file.path != manifest::FILE);
        Ok(resolved)
    }

    /// A user's own folder: its `Dockerfile` is all the description it has.
    fn resolve_over(&self, spec: &ImageSpec, folder: &Path) -> Result<Resolved> {
        let base = self.resolve(&ImageSpec {
            over: None,
            ..spec.clone()
        })?;
        let reading = || format!("the image folder {} cannot be read", folder.display());
        let folder = folder.canonicalize().context(Kind::Usage, reading)?;
        let mut resolved = Resolved {
            name: own_name(&folder),
            manifest: Manifest::over(&base.name, &folder),
            args: BTreeMap::new(),
            base: Some(Box::new(base)),
            artefacts: Vec::new(),
            files: context::files(&folder)?,
            folder,
            content: String::new(),
            sources: String::new(),
        };
        self.hash(&mut resolved)?;
        Ok(resolved)
    }

    /// A base gets those arguments that it declares too.
    fn base_spec(&self, base: &str, args: &BTreeMap<String, String>) -> ImageSpec {
        let declared = &self.manifests[base].args;
        let shared = args.iter().filter(|(name, _)| declared.contains_key(*name));
        ImageSpec {
            name: base.to_owned(),
            args: shared.map(|(name, value)| (name.clone(), value.clone())).collect(),
            over: None,
        }
    }

    fn hash(&self, image: &mut Resolved) -> Result<()> {
        let mut digest = Digest::new();
        digest.field("format", FORMAT);
        digest.field("name", &image.name);
        for file in &image.files {
            digest.field(&format!("file {}", file.path), file.fingerprint()?);
        }
        for (name, value) in &image.args {
            digest.field(&format!("arg {name}"), value);
        }
        for artefact in &image.artefacts {
            digest.field(&format!("artefact {}", artefact.file), &artefact.sha256);
        }
        for service in &image.manifest.services {
            let folder = self.service(service);
            digest.field(&format!("service {service}"), self.workspace()?.digest(&folder)?);
        }
        let mut portable = digest.clone();
        match &image.base {
            Some(base) => {
                digest.field("base", &base.content);
                portable.field("base", &base.sources);
            }
            None => digest.field("certificates", self.certificates.digest()),
        }
        digest.hex()[..16].clone_into(&mut image.content);
        portable.hex()[..16].clone_into(&mut image.sources);
        Ok(())
    }

    fn workspace(&self) -> Result<&Workspace> {
        if let Some(workspace) = self.workspace.get() {
            return Ok(workspace);
        }
        let workspace = Workspace::read(self.workspace_root())?;
        Ok(self.workspace.get_or_init(|| workspace))
    }
}

/// A user's image is called as its folder is, as far as a reference allows, and never as one of ours.
fn own_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
    format!(
        "own-{}",
        if words.is_empty() {
            "image".to_owned()
        } else {
            words.join("-")
        }
    )
}

/// The names of the folders in `parent`; none where it does not exist.
fn folders(parent: &Path) -> Result<BTreeSet<String>> {
    let reading = || format!("the folder {} cannot be read", parent.display());
    let entries = match std::fs::read_dir(parent) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.context(Kind::Usage, reading)?,
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.context(Kind::Usage, reading)?;
        if entry.path().is_dir() {
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: &str = "[[artefact]]\nname = \"letters-1\"\nfile = \"letters.txt\"\nversion = \"1\"\nsha256 = \
        \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\nclient = \"pip\"\nrequest = \"letters\"\n";

    struct Fixtures(tempfile::TempDir);

    impl Fixtures {
        fn new() -> Self {
            let fixtures = Fixtures(tempfile::tempdir().unwrap());
            let bootstrap = "[bootstrap]\nsuite = \"bookworm\"\nregistry = \"r\"\nglibc = \"2.36\"\n";
            fixtures.write("images/root/image.toml", &format!("summary = \"root\"\n{bootstrap}"));
            fixtures.write("images/root/Dockerfile", "ARG BASE\nFROM ${BASE}\n");
            fixtures.write(
                "images/top/image.toml",
                "summary = \"top\"\nbase = \"root\"\nartefacts = [\"letters-${VERSION}\"]\n[args]\nVERSION = \"1\"\n",
            );
            fixtures.write("images/top/Dockerfile", "ARG BASE\nFROM ${BASE}\n");
            fixtures.write(
                LOCK_FILE,
                &format!("{LETTERS}{}", LETTERS.replace("letters-1", "letters-2")),
            );
            fixtures
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn resolve(&self, spec: &ImageSpec) -> Result<Resolved> {
            Catalogue::open(self.0.path(), Certificates::default())?.resolve(spec)
        }

        fn tag(&self) -> String {
            self.resolve(&ImageSpec::new("top")).unwrap().content
        }
    }

    #[test]
    fn the_tag_changes_with_everything_the_image_is_made_from() {
        let other = LETTERS.replace("ba78", "ba79");
        for (path, text) in [
            ("images/top/Dockerfile", "ARG BASE\nFROM ${BASE}\nCMD a\n"),
            ("images/top/added", ""),
            ("images/root/added", ""),
            (LOCK_FILE, &other),
        ] {
            let fixtures = Fixtures::new();
            let before = fixtures.tag();
            fixtures.write(path, text);
            assert_ne!(before, fixtures.tag(), "{path}");
        }
        let fixtures = Fixtures::new();
        let spec = ImageSpec::new("top").arg("VERSION", "2");
        assert_ne!(fixtures.tag(), fixtures.resolve(&spec).unwrap().content);
    }

    #[test]
    fn the_tag_stays_when_nothing_it_is_made_from_changes() {
        let fixtures = Fixtures::new();
        let before = fixtures.tag();
        assert_eq!(before, Fixtures::new().tag(), "another folder with the same files");
        fixtures.write("images/other/image.toml", "summary = \"other\"\nbase = \"root\"\n");
        let more = LETTERS.replace("letters-1", "numbers");
        fixtures.write(LOCK_FILE, &format!("{LETTERS}{more}"));
        assert_eq!(before, fixtures.tag(), "another image and another artefact");
        let spec = ImageSpec::new("top").arg("VERSION", "1");
        assert_eq!(before, fixtures.resolve(&spec).unwrap().content, "a default, given");
    }

    #[test]
    fn certificates_change_the_tag_and_not_the_sources() {
        let fixtures = Fixtures::new();
        let plain = fixtures.resolve(&ImageSpec::new("top")).unwrap();
        let proxied = Catalogue::open(fixtures.0.path(), Certificates::of(["pem"])).unwrap();
        let proxied = proxied.resolve(&ImageSpec::new("top")).unwrap();
        assert_ne!(plain.content, proxied.content);
        assert_eq!(plain.sources, proxied.sources);
    }

    #[test]
    fn an_unknown_argument_or_image_is_told_with_those_that_exist() {
        let fixtures = Fixtures::new();
        let text = fixtures
            .resolve(&ImageSpec::new("top").arg("VERSIO", "2"))
            .expect_err("unknown")
            .explain();
        assert!(text.contains("VERSIO") && text.contains("one of VERSION"), "{text}");
        let text = fixtures.resolve(&ImageSpec::new("tip")).expect_err("unknown").explain();
        assert!(text.contains("tip") && text.contains("one of root, top"), "{text}");
    }

    #[test]
    fn a_users_folder_over_an_image_counts_whole_and_has_a_name_of_its_own() {
        let fixtures = Fixtures::new();
        let own = tempfile::tempdir().unwrap();
        let folder = own.path().join("Our Agent_2");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("Dockerfile"), "ARG BASE\nFROM ${BASE}\n").unwrap();
        let over = |version: &str| ImageSpec::new("top").arg("VERSION", version).with_over(&folder);
        let first = fixtures.resolve(&over("1")).unwrap();
        assert_eq!(first.name, "own-our-agent-2");
        assert_eq!(first.base.as_ref().unwrap().content, fixtures.tag());
        assert_ne!(
            first.content,
            fixtures.resolve(&over("2")).unwrap().content,
            "what it is built over counts"
        );
        std::fs::write(folder.join("motd"), "").unwrap();
        assert_ne!(first.content, fixtures.resolve(&over("1")).unwrap().content);
        let gone = ImageSpec::new("top").with_over(own.path().join("gone"));
        let error = fixtures.resolve(&gone).expect_err("it is not there");
        assert_eq!(error.kind(), Kind::Usage);
        assert!(error.to_string().contains("gone"), "{error}");
    }

    #[test]
    fn bases_that_lead_in_a_circle_are_told() {
        let fixtures = Fixtures::new();
        fixtures.write("images/a/image.toml", "summary = \"a\"\nbase = \"b\"\n");
        fixtures.write("images/b/image.toml", "summary = \"b\"\nbase = \"a\"\n");
        let error = fixtures.resolve(&ImageSpec::new("top")).expect_err("a circle");
        assert!(error.to_string().contains("a → b → a"), "{error}");
    }

    /// Every test process computes the tags it needs: this keeps it a matter of milliseconds.
    #[test]
    fn the_tags_of_this_checkout_are_computed_without_an_engine() {
        let fixtures = crate::workspace::checkout().join("fixtures");
        let catalogue = Catalogue::open(&fixtures, Certificates::of_host()).unwrap();
        for (spec, manifest) in catalogue.specs() {
            let image = catalogue.resolve(&spec).unwrap();
            assert_eq!(image.content.len(), 16, "{spec}");
            assert!(!manifest.summary.is_empty(), "{spec}");
        }
    }
}
