//! The files of a revision: which there are, what they are, and whether they fit their schemas.

use crate::package::checks::Check;
use crate::package::finding::Finding;
use crate::package::json::{Document, dotted};
use crate::package::render::Files;
use crate::package::schema::Schema;
use crate::package::source::{Package, Revision, Source};
use crate::suggest::closest;

/// What the client or the build reads.
const KNOWN: [&str; 6] = [
    "package.json",
    "config.json",
    "command.json",
    "resource.json",
    "marathon.json",
    "marathon.json.mustache",
];

pub(super) fn check(
    source: &Source,
    package: &Package,
    revision: &Revision,
    files: &Files,
    findings: &mut Vec<Finding>,
) {
    names(source, revision, files, findings);
    let documents = [&files.package, &files.config, &files.command, &files.resource];
    for document in documents.into_iter().flatten() {
        for (pointer, position) in document.duplicates() {
            let message = format!("{} stands there twice", dotted(pointer));
            findings.push(Finding::new(Check::JsonDuplicateKey, document.file.clone(), message).at(position));
        }
    }
    if let Some(document) = &files.package {
        fits(document, Schema::Package(source.format), Check::PackageSchema, findings);
        let name = document.value["name"].as_str().unwrap_or(&package.name);
        if name != package.name {
            let message = format!("it says {name}, and its folder is called {}", package.name);
            let position = document.position("/name");
            findings.push(Finding::new(Check::PackageName, document.file.clone(), message).at(position));
        }
    }
    if let Some(document) = &files.resource {
        fits(document, Schema::Resource, Check::ResourceSchema, findings);
    }
    if let Some(document) = &files.command {
        fits(document, Schema::Command, Check::CommandSchema, findings);
    }
}

fn names(source: &Source, revision: &Revision, files: &Files, findings: &mut Vec<Finding>) {
    let present = source.tree.list(&revision.folder);
    for needed in ["package.json", "config.json"] {
        if !present.iter().any(|name| name == needed) {
            let message = format!("there is no {needed}");
            findings.push(Finding::new(Check::FileMissing, files.folder.clone(), message));
        }
    }
    let has = |name: &str| present.iter().any(|present| present == name);
    if has("marathon.json") && has("marathon.json.mustache") {
        let message = "the client reads marathon.json and not marathon.json.mustache";
        findings.push(Finding::new(Check::FileUnknown, files.folder.clone(), message));
    }
    for name in present.iter().filter(|name| !KNOWN.contains(&name.as_str())) {
        let message = match closest(name, &KNOWN) {
            Some(meant) => format!("nothing reads it: is it meant to be {meant}?"),
            None => "nothing reads it".to_owned(),
        };
        let file = source.shown(&format!("{}{}", revision.folder, name.trim_end_matches('/')));
        findings.push(Finding::new(Check::FileUnknown, file, message));
    }
}

fn fits(document: &Document, schema: Schema, check: Check, findings: &mut Vec<Finding>) {
    for misfit in schema.misfits(&document.value) {
        let option = misfit.option();
        let message = if option.is_empty() {
            misfit.message
        } else {
            format!("{option}: {}", misfit.message)
        };
        let position = document.position(&misfit.pointer);
        findings.push(Finding::new(check, document.file.clone(), message).at(position));
    }
}
