//! repo/meta/index.json, and the archive that a client downloads.
//!
//! After `scripts/build-index.py` of the Universe's version-1.x and version-2.x.

use serde::Serialize as _;
use serde_json::{Map, Value, json};

use super::source::{Format, Package, Source};
use super::tree::package;
use super::{archive, schema};
use crate::error::Context;
use crate::{Error, Kind, Result};

/// The index of a source, as its build writes it: by name, keys sorted.
///
/// # Errors
/// [`Kind::Usage`] for a single package; [`Kind::Package`] where version.json or a package.json cannot be read.
pub fn build(source: &Source) -> Result<Value> {
    let root = root(source)?;
    let file = format!("{root}repo/meta/version.json");
    let version = document(source, &file)?;
    let mut packages = Vec::new();
    for package in &source.packages {
        packages.push(entry(source, package)?);
    }
    Ok(json!({"packages": packages, "version": version["version"]}))
}

fn root(source: &Source) -> Result<&str> {
    source.root.as_deref().ok_or_else(|| {
        Error::usage(format!("{} is a single package", source.tree.path.display()))
            .expected("a source: a folder with repo/packages, or an archive of one")
    })
}

fn document(source: &Source, file: &str) -> Result<Value> {
    match source.document(file) {
        Some(Ok(document)) => Ok(document.value),
        Some(Err(finding)) => Err(super::render::error_of(&finding)),
        None => Err(package(format!("{} is missing", source.shown(file)))),
    }
}

fn entry(source: &Source, package: &Package) -> Result<Value> {
    let mut versions = Map::new();
    let mut revisions: Vec<_> = package.revisions.iter().collect();
    if source.format == Format::One {
        // Its build takes folders by their names as text: 10 comes before 2, and 9 is the last.
        revisions.sort_by_key(|revision| revision.number.to_string());
    }
    let mut last = json!({});
    for revision in revisions {
        last = document(source, &format!("{}package.json", revision.folder))?;
        let version = last["version"].as_str().unwrap_or_default();
        versions.insert(version.to_owned(), json!(revision.number.to_string()));
    }
    versions.sort_keys();
    let mut entry = json!({
        "currentVersion": last["version"],
        "description": last["description"],
        "framework": last.get("framework").cloned().unwrap_or(json!(false)),
        "name": package.name,
        "tags": last.get("tags").cloned().unwrap_or(json!([])),
        "versions": versions,
    });
    if let (Format::Two, Some(entry)) = (source.format, entry.as_object_mut()) {
        entry.insert(
            "selected".to_owned(),
            last.get("selected").cloned().unwrap_or(json!(false)),
        );
        entry.sort_keys();
    }
    Ok(entry)
}

/// `index` as the build writes it: two blanks for each level.
///
/// # Errors
/// [`Kind::Internal`] where JSON cannot be written, which is never.
pub fn text(index: &Value) -> Result<String> {
    let mut bytes = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b"  ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, format);
    let written = index.serialize(&mut serializer);
    written.context(Kind::Internal, || "the index cannot be written".to_owned())?;
    bytes.push(b'\n');
    String::from_utf8(bytes).context(Kind::Internal, || "the index is no UTF-8".to_owned())
}

/// The archive of a source as a client downloads it: one folder, called `name`, with `repo` (index and schemas included)
/// and `scripts`. The same files give the same bytes.
///
/// # Errors
/// As [`build`].
pub fn zip(source: &Source, name: &str) -> Result<Vec<u8>> {
    let root = root(source)?;
    let index = text(&build(source)?)?;
    let mut files: std::collections::BTreeMap<String, &[u8]> = source
        .tree
        .files()
        .filter_map(|(file, bytes)| Some((file.strip_prefix(root)?.to_owned(), bytes)))
        .collect();
    for (file, bytes) in schema::files(source.format) {
        files.entry(file).or_insert(bytes.as_bytes());
    }
    files.insert("repo/meta/index.json".to_owned(), index.as_bytes());
    archive::write(files.into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)))
}
