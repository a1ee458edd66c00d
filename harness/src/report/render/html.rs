//! `report.html`: one file without external resources, light and dark, everything escaped by the template engine. The
//! pictures that scenarios took lie beside it, among the evidence.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use crate::catalogue::RequirementId;
use crate::error::Context;
use crate::report::model::{Attempt, Gap, Report, RequirementResult};
use crate::report::{Outcome, words};
use crate::{Kind, Result};

/// The report as a page.
///
/// # Errors
/// [`Kind::Internal`] where the template cannot be rendered.
pub fn html(report: &Report) -> Result<String> {
    let components: BTreeSet<&str> = report
        .requirements
        .iter()
        .map(|one| one.id.component())
        .chain(report.gaps.iter().map(|gap| gap.id.component()))
        .collect();
    let page = Page {
        report,
        style: include_str!("../../../templates/report.css"),
        open: open(report),
        rows: components.into_iter().map(|component| row(report, component)).collect(),
    };
    page.render().context(Kind::Internal, || {
        "the page of the report cannot be rendered".to_owned()
    })
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    style: &'static str,
    open: Vec<&'a RequirementResult>,
    rows: Vec<Row<'a>>,
}

/// A line of the matrix.
struct Row<'a> {
    component: &'a str,
    requirements: Vec<&'a RequirementResult>,
    gaps: Vec<&'a Gap>,
}

fn row<'a>(report: &'a Report, component: &'a str) -> Row<'a> {
    Row {
        component,
        requirements: report
            .requirements
            .iter()
            .filter(|one| one.id.component() == component)
            .collect(),
        gaps: report
            .gaps
            .iter()
            .filter(|gap| gap.id.component() == component)
            .collect(),
    }
}

/// What a reader must look at, worst first.
fn open(report: &Report) -> Vec<&RequirementResult> {
    let quiet = [
        Outcome::Passed,
        Outcome::Skipped,
        Outcome::NotApplicable,
        Outcome::Informational,
    ];
    let mut open: Vec<&RequirementResult> = Vec::new();
    for outcome in Outcome::WORST_FIRST
        .into_iter()
        .filter(|outcome| !quiet.contains(outcome))
    {
        open.extend(report.requirements.iter().filter(|one| one.outcome == outcome));
    }
    open
}

/// A picture among an attempt's evidence.
struct Picture<'a> {
    test: &'a str,
    name: &'a str,
    /// Relative to the report.
    path: String,
}

impl Page<'_> {
    /// The pictures that the attempts of a requirement left.
    fn pictures<'a>(&self, one: &'a RequirementResult) -> Vec<Picture<'a>> {
        let of = |attempt: &'a Attempt| {
            let folder = attempt.evidence.as_deref().unwrap_or_default();
            let names = attempt.files.iter().filter_map(|file| file.strip_suffix(".png"));
            names.map(move |name| Picture {
                test: &attempt.test,
                name,
                path: format!("{folder}/{name}.png"),
            })
        };
        one.attempts.iter().flat_map(of).collect()
    }

    /// The summary without the verdict, which stands before it.
    fn headline(&self) -> &str {
        let summary = &self.report.summary;
        summary.split_once(": ").map_or(summary, |(_, rest)| rest)
    }

    fn seconds(&self, seconds: &f64) -> String {
        words::seconds(*seconds)
    }

    fn duration(&self, one: &RequirementResult) -> String {
        words::seconds(one.duration_s())
    }

    fn first_line<'a>(&self, text: &'a str) -> &'a str {
        text.lines().next().unwrap_or_default()
    }

    fn behaviour<'a>(&self, id: &'a RequirementId) -> &'a str {
        id.as_str().split_once('.').map_or(id.as_str(), |(_, rest)| rest)
    }

    fn counts(&self, counts: &BTreeMap<String, u64>) -> String {
        let parts: Vec<String> = counts
            .iter()
            .map(|(outcome, count)| format!("{count} {outcome}"))
            .collect();
        if parts.is_empty() {
            "none".to_owned()
        } else {
            parts.join(", ")
        }
    }

    fn is_open(&self, one: &RequirementResult) -> bool {
        one.outcome != Outcome::Passed
    }

    fn checks(&self, one: &RequirementResult) -> String {
        let held = one.checks.iter().filter(|check| check.ok).count();
        format!("{} of {} held", held, words::plural(one.checks.len(), "check"))
    }

    fn attempts(&self, one: &RequirementResult) -> String {
        words::plural(one.attempts.len(), "attempt")
    }
}
