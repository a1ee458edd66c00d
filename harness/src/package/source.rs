//! Sources, packages and revisions: where they are, whatever path they are named by.

use std::path::{Path, PathBuf};

use super::tree::{Tree, package};
use super::{archive, json::Document};
use crate::{Error, Result};

/// Which of the two formats a source has that the client of 2016 reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// 1.x: `marathon.json`, images in package.json.
    #[default]
    One,
    /// 2.x: `marathon.json.mustache`, resource.json, `packagingVersion`.
    Two,
}

/// A source of packages as in the client's `package.sources`, or a single package out of one.
#[derive(Clone, Debug)]
pub struct Source {
    /// All of its files.
    pub tree: Tree,
    /// The folder in `tree` that has `repo`, with a slash; none where a single package was named.
    pub root: Option<String>,
    /// Whether it was read out of an archive.
    pub archived: bool,
    /// By repo/meta/version.json.
    pub format: Format,
    /// By name.
    pub packages: Vec<Package>,
}

/// One package.
#[derive(Clone, Debug)]
pub struct Package {
    /// The name of its folder.
    pub name: String,
    /// The folder around it, as in `H`; none where only the package is known.
    pub letter: Option<String>,
    /// Its folder in the tree, with a slash; empty for the tree itself.
    pub folder: String,
    /// By number.
    pub revisions: Vec<Revision>,
    /// What else stands in its folder.
    pub strays: Vec<String>,
    /// Only some revisions were named: those before them are not missing.
    pub partial: bool,
}

/// One revision of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// As its folder is called.
    pub number: u32,
    /// Its folder in the tree, with a slash; empty for the tree itself.
    pub folder: String,
}

/// Every source or package that `path` names: an archive, a source, a package, a revision, or a folder of such.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) where there is none; [`Kind::Package`](crate::Kind::Package) as
/// [`archive::read`] and [`Tree::of_folder`].
pub fn open(path: &Path) -> Result<Vec<Source>> {
    let metadata = std::fs::metadata(path)
        .map_err(|error| Error::usage(format!("{} cannot be read", path.display())).caused_by(error))?;
    if metadata.is_file() {
        return Ok(vec![of_archive(archive::read(path)?)?]);
    }
    if path.join("repo/packages").is_dir() {
        return Ok(vec![of_source(Tree::of_folder(path)?, String::new(), false)]);
    }
    let path = std::path::absolute(path)
        .map_err(|error| Error::usage(format!("{} has no absolute path", path.display())).caused_by(error))
        .map(|absolute| (path, absolute))?;
    let (path, absolute) = path;
    if path.join("package.json").is_file() {
        return Ok(vec![of_revision(path, &absolute)?]);
    }
    let folders = folders(path)?;
    if folders.iter().any(|folder| number(&name(folder)).is_some()) {
        return Ok(vec![of_package(path, &absolute)?]);
    }
    let mut sources = Vec::new();
    for folder in folders.iter().filter(|folder| holds(folder)) {
        sources.extend(open(folder)?);
    }
    if sources.is_empty() {
        return Err(Error::usage(format!("{} has no package", path.display())).expected(
            "a package's folder (with 0, 1, … in it), one of its revisions, a source (with repo/packages), an archive, \
             or a folder of these",
        ));
    }
    Ok(sources)
}

/// Whether a folder is a source or a package, without a search through all of a disk.
fn holds(folder: &Path) -> bool {
    folder.join("repo/packages").is_dir()
        || folders(folder).is_ok_and(|inner| inner.iter().any(|inner| inner.join("package.json").is_file()))
}

/// The folders in `folder`, by name.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable =
        |error: std::io::Error| Error::usage(format!("{} cannot be read", folder.display())).caused_by(error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() && !name(&path).starts_with('.') {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A revision's number, as the client reads it: `int()` of the folder's name.
fn number(name: &str) -> Option<u32> {
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if digits { name.parse().ok() } else { None }
}

fn of_archive(tree: Tree) -> Result<Source> {
    let top = tree.list("");
    let [folder] = top.as_slice() else {
        return Err(package(format!(
            "{}: {} names stand at its top: {}",
            tree.path.display(),
            top.len(),
            top.join(" ")
        ))
        .expected("one folder, with repo and scripts in it: the client unpacks nothing else"));
    };
    let root = folder.clone();
    if tree.list(&format!("{root}repo/packages/")).is_empty() {
        return Err(
            package(format!("{}: {root}repo/packages is empty", tree.path.display()))
                .expected("packages, each as repo/packages/<letter>/<name>/<revision>/package.json"),
        );
    }
    Ok(of_source(tree, root, true))
}

fn of_source(tree: Tree, root: String, archived: bool) -> Source {
    let base = format!("{root}repo/packages/");
    let mut packages = Vec::new();
    for letter in tree.list(&base).iter().filter_map(|name| name.strip_suffix('/')) {
        for name in tree.list(&format!("{base}{letter}/")) {
            if let Some(name) = name.strip_suffix('/') {
                let folder = format!("{base}{letter}/{name}/");
                packages.push(package_in(&tree, name, Some(letter.to_owned()), folder));
            }
        }
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    let format = tree
        .get(&format!("{root}repo/meta/version.json"))
        .map_or(Format::One, format_of);
    Source {
        tree,
        root: Some(root),
        archived,
        format,
        packages,
    }
}

fn package_in(tree: &Tree, name: &str, letter: Option<String>, folder: String) -> Package {
    let mut package = Package {
        name: name.to_owned(),
        letter,
        revisions: Vec::new(),
        strays: Vec::new(),
        partial: false,
        folder,
    };
    for entry in tree.list(&package.folder) {
        match entry.strip_suffix('/').and_then(number) {
            Some(number) => package.revisions.push(Revision {
                number,
                folder: format!("{}{entry}", package.folder),
            }),
            None => package.strays.push(entry),
        }
    }
    package.revisions.sort_by_key(|revision| revision.number);
    package
}

/// A single package: its letter and its format are known where it stands in a source.
fn of_package(path: &Path, absolute: &Path) -> Result<Source> {
    let tree = Tree::of_folder(path)?;
    let (letter, format) = surroundings(absolute);
    let package = package_in(&tree, &name(absolute), letter, String::new());
    Ok(of_one(tree, format, package))
}

fn of_revision(path: &Path, absolute: &Path) -> Result<Source> {
    let tree = Tree::of_folder(path)?;
    let number = number(&name(absolute)).ok_or_else(|| {
        Error::usage(format!("{} is no revision of a package", path.display()))
            .expected("a folder called 0, 1 or so in a folder called as the package")
    })?;
    let around = absolute.parent().unwrap_or(absolute);
    let (letter, format) = surroundings(around);
    let package = Package {
        name: name(around),
        letter,
        folder: String::new(),
        revisions: vec![Revision {
            number,
            folder: String::new(),
        }],
        strays: Vec::new(),
        partial: true,
    };
    Ok(of_one(tree, format, package))
}

/// A source that is but one package.
fn of_one(tree: Tree, format: Format, package: Package) -> Source {
    Source {
        tree,
        root: None,
        archived: false,
        format,
        packages: vec![package],
    }
}

/// The letter and the format of a package's folder, if it stands in a source.
fn surroundings(package: &Path) -> (Option<String>, Format) {
    let letter = package.parent();
    let packages = letter.and_then(Path::parent);
    let (Some(letter), Some(packages)) = (letter, packages) else {
        return (None, Format::One);
    };
    let meta = packages.with_file_name("meta").join("version.json");
    if name(packages) != "packages" || !meta.is_file() {
        return (None, Format::One);
    }
    let format = std::fs::read(meta).map_or(Format::One, |bytes| format_of(&bytes));
    (Some(name(letter)), format)
}

/// Of a version.json; 1.x where it says nothing that can be understood, which a check tells.
fn format_of(bytes: &[u8]) -> Format {
    let version: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let version = version.as_ref().and_then(|json| json["version"].as_str());
    match version {
        Some(version) if version.starts_with("2.") => Format::Two,
        _ => Format::One,
    }
}

impl Source {
    /// How a file of the tree is shown to people.
    #[must_use]
    pub fn shown(&self, file: &str) -> String {
        let path = self.tree.path.display();
        if file.is_empty() {
            path.to_string()
        } else {
            format!("{path}/{file}")
        }
    }

    /// A JSON file; none where there is no such file.
    ///
    /// # Errors
    /// A finding where it is no UTF-8 or no JSON.
    pub fn document(&self, file: &str) -> Option<Result<Document, Box<super::Finding>>> {
        let text = match self.text(file)? {
            Ok(text) => text,
            Err(finding) => return Some(Err(finding)),
        };
        Some(Document::parse(self.shown(file), text))
    }

    /// A text file; none where there is no such file.
    ///
    /// # Errors
    /// A finding where it is no UTF-8.
    pub fn text(&self, file: &str) -> Option<Result<&str, Box<super::Finding>>> {
        let bytes = self.tree.get(file)?;
        Some(std::str::from_utf8(bytes).map_err(|error| {
            let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            let finding = super::Finding::new(super::Check::FileEncoding, self.shown(file), "the file is not UTF-8");
            Box::new(finding.at(super::Position::of(valid, valid.len())))
        }))
    }

    /// The package of a name.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) where there is none, with the nearest name.
    pub fn package(&self, name: &str) -> Result<&Package> {
        let names: Vec<&str> = self.packages.iter().map(|package| package.name.as_str()).collect();
        let unknown = || {
            let error = Error::usage(format!("{} has no package {name}", self.tree.path.display()));
            crate::suggest::hinted(error.expected(format!("one of {}", names.join(", "))), name, &names)
        };
        self.packages
            .iter()
            .find(|package| package.name == name)
            .ok_or_else(unknown)
    }
}

impl Package {
    /// The revision of a number, or the latest.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) where there is none.
    pub fn revision(&self, number: Option<u32>) -> Result<&Revision> {
        let found = match number {
            Some(number) => self.revisions.iter().find(|revision| revision.number == number),
            None => self.revisions.last(),
        };
        found.ok_or_else(|| {
            let numbers: Vec<String> = self.revisions.iter().map(|one| one.number.to_string()).collect();
            let wanted = number.map_or_else(|| "at all".to_owned(), |number| number.to_string());
            Error::usage(format!("the package {} has no revision {wanted}", self.name))
                .expected(format!("one of {}", numbers.join(", ")))
        })
    }
}
