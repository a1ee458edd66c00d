//! Folders: sources, packages and revisions.

use std::collections::BTreeMap;

use crate::package::checks::Check;
use crate::package::finding::Finding;
use crate::package::schema::Schema;
use crate::package::source::{Format, Package, Source};
use crate::package::{index, json};

/// A source as a whole; of its index what stands there of `only`, where it is about one package.
pub(super) fn source(source: &Source, only: Option<&Package>, findings: &mut Vec<Finding>) {
    let Some(root) = &source.root else { return };
    version(source, root, findings);
    if source.archived && source.tree.list(&format!("{root}scripts/")).is_empty() {
        let file = source.shown(root.trim_end_matches('/'));
        findings.push(Finding::new(Check::SourceScripts, file, "it has no folder scripts"));
    }
    let name = format!("{root}repo/meta/index.json");
    match source.document(&name) {
        None => {}
        Some(Err(finding)) => findings.push(*finding),
        Some(Ok(document)) => is_current(source, only, &document, findings),
    }
}

fn version(source: &Source, root: &str, findings: &mut Vec<Finding>) {
    let name = format!("{root}repo/meta/version.json");
    let shown = source.shown(&name);
    let document = match source.document(&name) {
        None => return findings.push(Finding::new(Check::SourceVersion, shown, "there is no such file")),
        Some(Err(finding)) => return findings.push(*finding),
        Some(Ok(document)) => document,
    };
    for misfit in Schema::Version.misfits(&document.value) {
        let position = document.position(&misfit.pointer);
        findings.push(Finding::new(Check::SourceVersion, shown.clone(), misfit.message).at(position));
    }
    let version = document.value["version"].as_str().unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default();
    if !version.is_empty() && !["1", "2"].contains(&major) {
        let message = format!("the client refuses the version {version}");
        findings.push(Finding::new(Check::SourceVersion, shown, message).at(document.position("/version")));
    }
}

fn is_current(source: &Source, only: Option<&Package>, document: &json::Document, findings: &mut Vec<Finding>) {
    let mut add = |pointer: &str, message: String| {
        let position = document.position(pointer);
        findings.push(Finding::new(Check::SourceIndex, document.file.clone(), message).at(position));
    };
    for misfit in Schema::Index.misfits(&document.value) {
        add(&misfit.pointer, misfit.message);
    }
    // What cannot be built has findings of its own.
    let Ok(wanted) = index::build(source) else { return };
    let entries = |index: &serde_json::Value| -> BTreeMap<String, serde_json::Value> {
        let packages = index["packages"].as_array().into_iter().flatten();
        packages
            .map(|entry| (entry["name"].as_str().unwrap_or_default().to_owned(), entry.clone()))
            .collect()
    };
    let (wanted, listed) = (entries(&wanted), entries(&document.value));
    let names = wanted
        .keys()
        .chain(listed.keys().filter(|name| !wanted.contains_key(*name)));
    for name in names.filter(|name| only.is_none_or(|only| only.name == **name)) {
        let position = document.value["packages"]
            .as_array()
            .and_then(|entries| entries.iter().position(|entry| entry["name"] == name.as_str()))
            .map_or_else(|| "/packages".to_owned(), |index| format!("/packages/{index}"));
        match (wanted.get(name), listed.get(name)) {
            (Some(_), None) => add(&position, format!("{name} is missing")),
            (None, Some(_)) => add(&position, format!("there is no package {name}")),
            (Some(wanted), Some(listed)) if wanted != listed => {
                add(&position, format!("{name} is not as its packages say: {wanted}"));
            }
            _ => {}
        }
    }
}

pub(super) fn package(source: &Source, package: &Package, findings: &mut Vec<Finding>) {
    let shown = source.shown(package.folder.trim_end_matches('/'));
    if let Some(letter) = &package.letter {
        let wanted: String = package.name.chars().take(1).flat_map(char::to_uppercase).collect();
        if *letter != wanted {
            let message = format!("{} stands in {letter}: the client looks in {wanted}", package.name);
            findings.push(Finding::new(Check::PackageFolder, shown.clone(), message));
        }
    }
    if !package.partial {
        revisions(package, &shown, findings);
    }
    versions(source, package, findings);
}

fn revisions(package: &Package, shown: &str, findings: &mut Vec<Finding>) {
    let mut add = |message: String| findings.push(Finding::new(Check::PackageRevisions, shown, message));
    if package.revisions.is_empty() {
        add("it has no revision".to_owned());
    }
    for stray in &package.strays {
        add(format!(
            "{} is no revision: the client fails at its name",
            stray.trim_end_matches('/')
        ));
    }
    for (number, revision) in (0..).zip(&package.revisions) {
        let folder = revision.folder.trim_end_matches('/');
        let folder = folder.rsplit('/').next().unwrap_or(folder);
        if revision.number != number {
            return add(format!("the revision {folder} stands where {number} is due"));
        }
        if folder != revision.number.to_string() {
            add(format!("the revision {folder} is written with zeros"));
        }
    }
}

fn versions(source: &Source, package: &Package, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for revision in &package.revisions {
        let Some(Ok(document)) = source.document(&format!("{}package.json", revision.folder)) else {
            continue;
        };
        let Some(version) = document.value["version"].as_str() else {
            continue;
        };
        if let Some(before) = seen.insert(version.to_owned(), revision.number) {
            let message = format!("the revisions {before} and {} are both {version}", revision.number);
            let position = document.position("/version");
            findings.push(Finding::new(Check::PackageVersion, document.file.clone(), message).at(position));
        }
    }
    if source.format != Format::One {
        return;
    }
    let by_text = package
        .revisions
        .iter()
        .map(|revision| revision.number.to_string())
        .max();
    let latest = package.revisions.last().map(|revision| revision.number.to_string());
    if let (Some(by_text), Some(latest)) = (by_text, latest)
        && by_text != latest
    {
        let shown = source.shown(package.folder.trim_end_matches('/'));
        let message = format!("the index shows the version of revision {by_text}; the client installs {latest}");
        findings.push(Finding::new(Check::PackageOrder, shown, message));
    }
}
