//! Which requirements a run is about, and which tests prove them.

use std::collections::BTreeSet;

use super::facts::Folders;
use super::{Options, Prepared, selection_of};
use crate::catalogue::{Catalogue, Requirement, RequirementId};
use crate::report::model::Selection;
use crate::report::{self, Outcome};
use crate::{Error, Result, suggest};

/// The selection that the options make: none for everything; the inner error where they select nothing.
pub(super) fn selection(
    options: &Options,
    catalogue: &Catalogue,
    folders: &Folders,
) -> Result<Result<Option<Selection>, Error>> {
    if options.failed {
        let path = folders.latest().join(report::REPORT_FILE);
        let hint = "`--failed` repeats what did not pass in the latest run: run `harness conform` once without it";
        if !path.is_file() {
            return Err(Error::usage("there is no latest run, so nothing failed in it")
                .expected(format!("its report, {}", path.display()))
                .hint(hint));
        }
        let report = report::read(&path).map_err(|error| error.hint(hint))?;
        let failed: Vec<RequirementId> = report
            .requirements
            .iter()
            .filter(|one| is_open(one.outcome))
            .map(|one| one.id.clone())
            .collect();
        if failed.is_empty() {
            return Ok(Err(Error::usage(format!(
                "nothing failed in the latest run, {}",
                report.run.id
            ))));
        }
        return Ok(Ok(Some(selection_of(options, failed))));
    }
    if options.only.is_empty() {
        return Ok(Ok(None));
    }
    let mut selected = Vec::new();
    for asked in &options.only {
        let matching: Vec<&Requirement> = catalogue
            .requirements
            .iter()
            .filter(|one| matches(one, asked))
            .collect();
        let tested = matching.iter().filter(|one| one.is_tested()).map(|one| one.id.clone());
        let before = selected.len();
        selected.extend(tested);
        if selected.len() == before {
            return Ok(Err(unmatched(asked, &matching, catalogue)));
        }
    }
    Ok(Ok(Some(selection_of(options, selected))))
}

fn is_open(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Passed | Outcome::Skipped | Outcome::NotApplicable | Outcome::Informational
    )
}

/// An id, one it had before, its beginning up to a dot, or a pattern in which `*` stands for anything.
fn matches(requirement: &Requirement, asked: &str) -> bool {
    std::iter::once(&requirement.id).chain(&requirement.aliases).any(|id| {
        fits(id.as_str(), asked)
            || id
                .as_str()
                .strip_prefix(asked)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// True where `id` is `pattern`, with anything, or nothing, in the place of each `*`.
fn fits(id: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return id == pattern;
    };
    let Some(mut left) = id.strip_prefix(start) else {
        return false;
    };
    let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    // The first place is as good as any later one: what follows it is longest.
    for part in between.split('*') {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

fn unmatched(asked: &str, gaps: &[&Requirement], catalogue: &Catalogue) -> Error {
    let ids: Vec<&str> = catalogue.tested().map(|one| one.id.as_str()).collect();
    let available = near(asked, &ids).join("\n");
    match gaps.first() {
        None => {
            let error = Error::usage(format!(
                "the filter matches nothing: no requirement is {asked} or begins with it up to a dot."
            ));
            suggest::hinted(error.expected(available), asked, &ids)
        }
        Some(gap) => {
            let why = gap.gap.as_deref().unwrap_or("It is retired.");
            Error::usage(format!("no scenario proves {asked} yet: {why}")).expected(available)
        }
    }
}

/// Those of `ids` that begin as `asked` does, by as many of its words as any has; their first words where none does.
fn near<'i>(asked: &str, ids: &[&'i str]) -> Vec<&'i str> {
    let mut start = asked;
    while let Some((words, _)) = start.rsplit_once('.') {
        start = words;
        let begins = |id: &&&str| id.strip_prefix(start).is_some_and(|rest| rest.starts_with('.'));
        let found: Vec<&str> = ids.iter().filter(begins).copied().collect();
        if !found.is_empty() {
            return found;
        }
    }
    let mut first: Vec<&str> = ids.iter().filter_map(|id| id.split('.').next()).collect();
    first.dedup();
    first
}

/// The tests of the selection, without those of features and versions that the subject does not have.
pub(super) fn tests(
    all: &[String],
    catalogue: &Catalogue,
    selection: Option<&Selection>,
    prepared: &Prepared,
) -> Vec<String> {
    let lacking: BTreeSet<&str> = prepared
        .capabilities
        .iter()
        .filter(|one| !one.supported)
        .map(|one| one.feature.as_str())
        .collect();
    let wanted = |test: &&String| {
        // A test that proves nothing of the catalogue runs with everything else: the report says so.
        let Some(requirement) = RequirementId::of_test(test).and_then(|id| catalogue.find(&id)) else {
            return selection.is_none();
        };
        selection.is_none_or(|selection| selection.selected.contains(&requirement.id))
            && prepared.versions.exclude(requirement).is_none()
            && !requirement
                .features
                .iter()
                .any(|feature| lacking.contains(feature.as_str()))
    };
    all.iter().filter(wanted).cloned().collect()
}

/// No test is left to run.
pub(super) fn nothing(all: &[String], selection: Option<&Selection>) -> Error {
    let summary = match selection {
        Some(selection) => {
            let ids: Vec<&str> = selection.selected.iter().map(RequirementId::as_str).collect();
            format!("no test proves what was selected: {}", ids.join(", "))
        }
        None => "there is no scenario that this stack and this machine can run".to_owned(),
    };
    let available = if all.is_empty() {
        "at least one test in the scenarios crate".to_owned()
    } else {
        all.join("\n")
    };
    Error::usage(summary)
        .expected(available)
        .ran("cargo nextest list --workspace --lib -E 'package(scenarios)'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_begins_as_what_was_asked_for() {
        let ids = [
            "kafka.topic.is-added",
            "mesos.task.ends",
            "mesos.task.runs",
            "mesos.volume.stays",
        ];
        assert_eq!(near("mesos.task.rums", &ids), ["mesos.task.ends", "mesos.task.runs"]);
        assert_eq!(near("mesos.tusk", &ids), ids[1..]);
        assert_eq!(near("tusk", &ids), ["kafka", "mesos"]);
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, is) in [
            ("mesos.task.runs", true),
            ("mesos.*.runs", true),
            ("*", true),
            ("*task*", true),
            ("mesos.task.runs*", true),
            ("mesos.*.run", false),
            ("task*", false),
            ("mesos.task", false),
        ] {
            assert_eq!(fits("mesos.task.runs", pattern), is, "{pattern}");
        }
    }
}
