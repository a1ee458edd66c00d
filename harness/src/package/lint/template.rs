//! Templates: what they ask for, and what they do not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rendered::{Render, Renders};
use crate::package::checks::Check;
use crate::package::finding::{Finding, Position};
use crate::package::json::Document;
use crate::package::mustache::{Read, Template, join};
use crate::package::options::{declares, leaves};
use crate::package::render::Files;
use crate::suggest::closest;

pub(super) fn check(files: &Files, config: &Document, renders: &Renders, findings: &mut Vec<Finding>) {
    for (file, template) in files.marathon.iter().chain(&files.command_template) {
        for (name, position) in template.partials() {
            let message = format!("it includes {name}, and writes nothing there");
            findings.push(Finding::new(Check::TemplatePartial, file.clone(), message).at(position));
        }
        unknown(file, template, config, renders, findings);
        escaped(file, template, renders, findings);
    }
    ignored(files, config, renders, findings);
}

/// Names that were missing every time and that nothing declares.
fn unknown(file: &str, template: &Template, config: &Document, renders: &Renders, findings: &mut Vec<Finding>) {
    let mut missing: BTreeMap<usize, &Read> = BTreeMap::new();
    let mut found: BTreeSet<usize> = BTreeSet::new();
    for read in reads(file, renders) {
        if read.found.is_some() || read.name == "." {
            found.insert(read.at);
        } else {
            missing.insert(read.at, read);
        }
    }
    let mut known = Vec::new();
    leaves(&config.value, "", "", &mut |path, _, _| known.push(path.to_owned()));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for (at, read) in missing.into_iter().filter(|(at, _)| !found.contains(at)) {
        let declared = std::iter::once(read.name.clone()).chain(read.around.iter().map(|path| join(path, &read.name)));
        if declared.into_iter().any(|path| declares(&config.value, &path)) {
            continue;
        }
        let mut message = format!("{} is no option: it is rendered as nothing", read.name);
        if let Some(nearest) = closest(&read.name, &known) {
            message.push_str(&format!("; the nearest is {nearest}"));
        }
        let position = Position::of(&template.text, at);
        findings.push(Finding::new(Check::TemplateUnknownOption, file, message).at(position));
    }
}

fn reads<'r>(file: &'r str, renders: &'r Renders) -> impl Iterator<Item = &'r Read> {
    let of_file = move |render: &&Render| render.file == file;
    renders
        .all
        .iter()
        .filter(of_file)
        .flat_map(|render| &render.output.reads)
}

/// Defaults that come out changed.
fn escaped(file: &str, template: &Template, renders: &Renders, findings: &mut Vec<Finding>) {
    let with_defaults = renders
        .all
        .iter()
        .filter(|render| render.defaults && render.file == file);
    for read in with_defaults
        .flat_map(|render| &render.output.reads)
        .filter(|read| read.altered)
    {
        let position = Position::of(&template.text, read.at);
        let message = format!("{{{{{}}}}} escapes its default as HTML", read.name);
        let finding = Finding::new(Check::TemplateEscaped, file, message).at(position);
        findings.push(finding.remedy(format!("write {{{{{{{}}}}}}}", read.name)));
    }
}

/// Options that no render of any template read.
fn ignored(files: &Files, config: &Document, renders: &Renders, findings: &mut Vec<Finding>) {
    let unrendered = files.marathon.is_some() && renders.app.is_none();
    if unrendered || files.marathon.is_none() && files.command_template.is_none() {
        return;
    }
    let reads = renders.all.iter().flat_map(|render| &render.output.reads);
    let mut read: BTreeSet<&str> = BTreeSet::new();
    let mut whole: BTreeSet<&str> = BTreeSet::new();
    for one in reads {
        if let Some(path) = &one.found {
            read.insert(path);
            if one.written {
                whole.insert(path);
            }
        }
    }
    let name = files
        .package
        .as_ref()
        .and_then(|package| package.value["name"].as_str());
    // The client itself reads this one, for a label.
    let by_client = name.map(|name| format!("{name}.framework-name"));
    let used = |option: &str| {
        let inside = format!("{option}.");
        let group_written = option.match_indices('.').any(|(dot, _)| whole.contains(&option[..dot]));
        read.contains(option)
            || group_written
            || by_client.as_deref() == Some(option)
            || read
                .range(inside.as_str()..)
                .next()
                .is_some_and(|next| next.starts_with(&inside))
    };
    leaves(&config.value, "", "", &mut |option, pointer, _: &Value| {
        if !used(option) {
            let message = format!("no template reads {option}");
            let position = config.key_position(pointer);
            findings.push(Finding::new(Check::TemplateIgnoredOption, config.file.clone(), message).at(position));
        }
    });
}
