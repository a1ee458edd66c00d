//! The package that is judged.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::certificate::SubjectRecord;
use crate::image::digest;
use crate::package::artefacts::{INDEX_FILE, Index};
use crate::package::lint::Lint;
use crate::package::render::{Files, Rendered, labelled, labels};
use crate::package::source::{self, Package, Revision, Source};
use crate::package::{Finding, Universe, index};
use crate::suggest::hinted;
use crate::{Error, Kind, Result, workspace};

/// The folders of this checkout that a name is looked up in.
const OURS: [&str; 3] = ["universe", "multiverse", "universe-2.x"];
/// The archive's name: the top folder in it.
const ARCHIVE: &str = "subject";

/// One package, alone in a source.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// Nothing but the package.
    pub(super) source: Source,
    /// What the static checks look at: as it was named, beside others where there are some.
    named: Source,
    folder: String,
    path: PathBuf,
    number: u32,
    archive: Vec<u8>,
}

impl Subject {
    /// The package that a path or a name says, of that name where `package` is one, and its latest revision unless
    /// `revision` says another.
    ///
    /// # Errors
    /// [`Kind::Usage`] where there is no such package, or there are several; [`Kind::Package`] where it cannot be read.
    pub(super) fn open(named: &str, package: Option<&str>, revision: Option<u32>) -> Result<Self> {
        let path = path_of(named)?;
        let sources = source::open(&path)?;
        let all: Vec<(&Source, &Package)> = sources
            .iter()
            .flat_map(|source| source.packages.iter().map(move |package| (source, package)))
            .collect();
        let is_meant = |one: &&(&Source, &Package)| package.is_none_or(|name| one.1.name == name);
        let meant: Vec<_> = all.iter().filter(is_meant).collect();
        let [(source, package)] = meant.as_slice() else {
            if let (Some(name), []) = (package, meant.as_slice()) {
                let names: Vec<&str> = all.iter().map(|(_, package)| package.name.as_str()).collect();
                let error = Error::usage(format!("{} has no package {name}", path.display()));
                return Err(hinted(
                    error.expected(format!("one of {}", names.join(", "))),
                    name,
                    &names,
                ));
            }
            let names: Vec<String> = all
                .iter()
                .map(|(source, package)| source.shown(package.folder.trim_end_matches('/')))
                .collect();
            return Err(Error::usage(format!("{} has {} packages", path.display(), all.len()))
                .expected(format!("one of\n{}", names.join("\n")))
                .hint("name one by --package NAME"));
        };
        let number = package.revision(revision)?.number;
        let alone = source.alone(package)?;
        let mut subject = Subject {
            named: Source::clone(source),
            folder: package.folder.clone(),
            archive: Vec::new(),
            source: alone,
            number,
            path,
        };
        // What no index can be made of, the static checks tell with its place.
        subject.archive = index::zip(&subject.source, ARCHIVE).unwrap_or_default();
        Ok(subject)
    }

    /// What the checks without a cluster find.
    pub(super) fn lint(&self, lint: &Lint) -> Vec<Finding> {
        let meant = self.named.packages.iter().find(|one| one.folder == self.folder);
        meant
            .map(|package| lint.run_of(&self.named, package).findings)
            .unwrap_or_default()
    }

    pub(super) fn package(&self) -> &Package {
        &self.source.packages[0]
    }

    pub(super) fn name(&self) -> &str {
        &self.package().name
    }

    pub(super) fn revision(&self) -> Result<&Revision> {
        self.package().revision(Some(self.number))
    }

    /// The revisions before the one that is judged, the earliest first.
    pub(super) fn earlier(&self) -> Vec<Revision> {
        let all = self.package().revisions.iter();
        all.filter(|revision| revision.number < self.number).cloned().collect()
    }

    /// What a cluster serves for it.
    ///
    /// # Errors
    /// As [`Universe::artefacts`].
    pub(super) fn universe(&self, artefacts: &Index) -> Result<Universe> {
        Universe::default()
            .archive(ARCHIVE, self.archive.clone())
            .artefacts(artefacts)
    }

    pub(super) fn release(&self, revision: &Revision, options: &Value) -> Result<Release> {
        let (files, findings) = Files::read(&self.source, revision);
        if let Some(finding) = findings.first() {
            return Err(Error::new(Kind::Package, finding.to_string()).expected(finding.check.what()));
        }
        let rendered = files.render(options)?;
        Ok(Release {
            number: revision.number,
            files,
            rendered,
            options: options.clone(),
        })
    }

    pub(super) fn record(&self) -> SubjectRecord {
        let version = self
            .revision()
            .ok()
            .map(|revision| Files::read(&self.source, revision).0);
        let version = version.and_then(|files| Some(files.package?.value["version"].as_str()?.to_owned()));
        SubjectRecord {
            name: self.name().to_owned(),
            revision: self.number,
            version: version.unwrap_or_default(),
            earlier: self.earlier().iter().map(|revision| revision.number).collect(),
            path: self.path.display().to_string(),
            sha256: digest::of_bytes(&self.archive),
        }
    }

    /// The artefact index that lies nearest above it, else that of this checkout.
    ///
    /// # Errors
    /// As [`Index::read`].
    pub(super) fn artefacts(&self) -> Result<Index> {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let near = path
            .ancestors()
            .map(|folder| folder.join(INDEX_FILE))
            .find(|file| file.is_file());
        near.map_or_else(Index::ours, |file| Index::read(&file))
    }
}

/// A revision, rendered for some options.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) number: u32,
    pub(super) files: Files,
    pub(super) rendered: Rendered,
    /// The user's, without the defaults.
    pub(super) options: Value,
}

impl Release {
    fn said(&self, key: &str) -> Option<&str> {
        self.files.package.as_ref()?.value[key]
            .as_str()
            .filter(|text| !text.is_empty())
    }

    pub(super) fn version(&self) -> &str {
        self.said("version").unwrap_or_default()
    }

    /// The notes that an install shows.
    pub(super) fn notes(&self) -> impl Iterator<Item = &str> {
        ["preInstallNotes", "postInstallNotes"]
            .into_iter()
            .filter_map(|key| self.said(key))
    }

    /// The paths that the note of an uninstall names: who reads it knows that these stay in ZooKeeper.
    pub(super) fn stays(&self) -> Vec<&str> {
        let note = self.said("postUninstallNotes").unwrap_or_default();
        let words = note
            .split_whitespace()
            .map(|word| word.trim_end_matches([',', '.', ';', ':']));
        words.filter(|word| word.len() > 1 && word.starts_with('/')).collect()
    }

    /// The app's id, with its slash; none of a package that is only a command.
    pub(super) fn app_id(&self) -> Option<String> {
        let id = self.rendered.app.as_ref()?["id"].as_str()?;
        Some(format!("/{}", id.trim_matches('/')))
    }

    /// How many tasks the app shall have.
    pub(super) fn instances(&self) -> u32 {
        let app = self.rendered.app.as_ref();
        let said = app.and_then(|app| app["instances"].as_u64());
        said.and_then(|said| u32::try_from(said).ok()).unwrap_or(1)
    }

    /// Whether package.json says that it is a framework, and the name that the client looks for.
    pub(super) fn framework(&self) -> Option<String> {
        let is_framework = self.files.package.as_ref()?.value["framework"] == true;
        let options = &self.rendered.options;
        let package = self.said("name")?;
        let option = options.get(package).and_then(|group| group["framework-name"].as_str());
        let label = self
            .rendered
            .app
            .as_ref()
            .and_then(|app| app["labels"]["DCOS_PACKAGE_FRAMEWORK_NAME"].as_str());
        let name = option.filter(|name| !name.is_empty()).or(label)?;
        is_framework.then(|| name.to_owned())
    }

    /// A label of the rendered app.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.rendered.app.as_ref()?["labels"][name].as_str()
    }

    /// What the client posts: the app with its labels, out of the source at `url`.
    pub(super) fn posted(&self, url: &str, registry: &str) -> Option<Value> {
        let app = self.rendered.app.as_ref()?;
        Some(labelled(
            app,
            &labels(&self.files, &self.rendered, self.number, url, registry),
        ))
    }

    /// Whether command.json is there.
    pub(super) fn has_command(&self) -> bool {
        self.files.command.is_some()
    }
}

/// The path that a path or a name means.
fn path_of(named: &str) -> Result<PathBuf> {
    if Path::new(named).exists() || named.contains('/') {
        return Ok(PathBuf::from(named));
    }
    let mut known = Vec::new();
    for folder in OURS {
        for source in source::open(&workspace::fixtures().join("packages").join(folder))? {
            for package in &source.packages {
                if package.name == named {
                    return Ok(PathBuf::from(source.shown(package.folder.trim_end_matches('/'))));
                }
                known.push(package.name.clone());
            }
        }
    }
    known.sort();
    known.dedup();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let error = Error::usage(format!("there is no package {named}, and no path"));
    Err(hinted(
        error.expected(format!("a path, or one of {}", names.join(", "))),
        named,
        &names,
    ))
}

/// What the client reads in repo/meta/version.json, for one of its labels.
pub(super) fn registry(source: &Source) -> String {
    let name = format!("{}repo/meta/version.json", source.root.as_deref().unwrap_or_default());
    let document = source.document(&name).and_then(std::result::Result::ok);
    let version = document.and_then(|document| document.value["version"].as_str().map(str::to_owned));
    version.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_of_ours_and_a_wrong_one_is_told_the_nearest() {
        let subject = Subject::open("helloworld", None, None).expect("it is there");
        assert_eq!((subject.name(), subject.number), ("helloworld", 1));
        assert_eq!(subject.record().earlier, [0]);
        assert_eq!(subject.record().version, "0.2.0");
        let error = Subject::open("helloword", None, None).expect_err("no such package");
        assert_eq!(error.hint_text(), Some("did you mean helloworld?"));
        let error = Subject::open("helloworld", None, Some(7)).expect_err("no such revision");
        assert!(error.to_string().contains("no revision 7"), "{error}");
    }

    #[test]
    fn a_source_of_several_packages_is_no_subject() {
        let path = workspace::fixtures().join("packages/multiverse");
        let path = path.display().to_string();
        let error = Subject::open(&path, None, None).expect_err("two packages");
        assert!(error.explain().contains("H/hello-cli"), "{}", error.explain());
        let subject = Subject::open(&path, Some("hello-cli"), None).expect("it is one of them");
        assert_eq!((subject.name(), subject.source.packages.len()), ("hello-cli", 1));
        let error = Subject::open(&path, Some("hello-cl"), None).expect_err("it is none of them");
        assert_eq!(error.hint_text(), Some("did you mean hello-cli?"));
    }

    /// As `harness package zip` makes one of a whole source.
    #[test]
    fn of_an_archive_of_several_packages_one_is_taken_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = folder.path().join("multiverse.zip");
        let sources = source::open(&workspace::fixtures().join("packages/multiverse")).expect("it is there");
        std::fs::write(&archive, index::zip(&sources[0], "multiverse").expect("it is made")).expect("it is written");
        let subject = Subject::open(&archive.display().to_string(), Some("helloworld"), None).expect("it is in it");
        assert_eq!(subject.record().version, "0.2.0-multiverse");
        let (_, findings) = Files::read(&subject.source, subject.revision().expect("it has one"));
        assert_eq!(findings, []);
        // Its index has the other one too, which is not missing.
        let lint = Lint {
            artefacts: Index::ours().expect("it is there"),
            offline: true,
        };
        assert_eq!(subject.lint(&lint), []);
    }
}
