//! The report in words: on the terminal, for a pull request, and as the README of the run's folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use owo_colors::{AnsiColors, OwoColorize as _};

use crate::provenance::ComponentRecord;
use crate::report::model::{Attempt, Conformance, Gap, Report, RequirementResult};
use crate::report::{Outcome, words};

/// Rows of the table in [`summary`]: a comment that nobody scrolls through.
const SUMMARY_ROWS: usize = 12;
/// Of a reason: what happened, what was expected and what was seen. The report has all of it.
const REASON_LINES: usize = 4;

/// What `harness conform` prints at its end. It carries colours: print it through `anstream`, which drops them
/// where `NO_COLOR` is set or nobody watches.
#[must_use]
pub fn terminal(report: &Report, directory: &str) -> String {
    let mut text = String::new();
    let summary = report.summary.color(colour_of_verdict(report.verdict));
    let _ = writeln!(text, "{}\n", summary.bold());
    let selection = report.run.selection.as_ref();
    let asked = |one: &&RequirementResult| selection.is_none_or(|selection| selection.selected.contains(&one.id));
    for one in report.requirements.iter().filter(asked) {
        requirement(&mut text, one, directory);
    }
    for problem in &report.problems {
        let _ = writeln!(text, "{}  {problem}", "       problem".color(AnsiColors::Red));
    }
    for leaked in &report.cleanup.leaked {
        let _ = writeln!(text, "{}  {leaked}", "        leaked".color(AnsiColors::Red));
    }
    text.push('\n');
    components(&mut text, &report.subject.components);
    gaps(&mut text, &report.gaps);
    let _ = writeln!(
        text,
        "\nfirst scenario after {}, {} in all\nreport: {directory}/report.html",
        first_scenario(report),
        words::seconds(report.run.duration_s)
    );
    text
}

/// How many sentences nothing tests, by component: the report has each with its reason.
fn gaps(text: &mut String, gaps: &[Gap]) {
    if gaps.is_empty() {
        return;
    }
    let mut components: BTreeMap<&str, usize> = BTreeMap::new();
    for gap in gaps {
        *components.entry(gap.id.component()).or_default() += 1;
    }
    let counts: Vec<String> = components
        .iter()
        .map(|(component, count)| format!("{component} {count}"))
        .collect();
    let count = words::plural(gaps.len(), "gap");
    let _ = writeln!(text, "\n{count} without a scenario: {}", counts.join(", "));
}

/// One requirement's line, why it is not a pass, where the evidence is, and how to repeat it.
fn requirement(text: &mut String, one: &RequirementResult, directory: &str) {
    let outcome = format!("{:>14}", one.outcome.as_str());
    let _ = writeln!(
        text,
        "{}  {:<60} {:>9}",
        outcome.color(colour(one.outcome)),
        one.id,
        words::seconds(one.duration_s())
    );
    let said = match one.outcome {
        Outcome::Skipped => None,
        // There is no verdict that would say what was found.
        Outcome::Informational => Some(one.statement.as_str()),
        _ => one.reason.as_deref(),
    };
    if let Some(said) = said {
        for line in said.lines().take(REASON_LINES) {
            let _ = writeln!(text, "                {line}");
        }
    }
    if !is_open(one.outcome) {
        return;
    }
    // Those of the attempt that the reason is of, where it has some.
    let said = one.reason.as_deref().unwrap_or_default();
    let is_of = |attempt: &&Attempt| attempt.reason.as_deref().is_some_and(|reason| said.ends_with(reason));
    let kept = || one.attempts.iter().filter(|attempt| !attempt.files.is_empty());
    let kept = kept().find(is_of).or_else(|| kept().next_back());
    if let Some(folder) = kept.and_then(|attempt| attempt.evidence.as_deref()) {
        let _ = writeln!(text, "                logs: {directory}/{folder}");
    }
    if let Some(again) = one.reproduce.as_deref() {
        let _ = writeln!(text, "                again: {again}");
    }
}

/// What the cluster was made of, in columns.
fn components(text: &mut String, components: &[ComponentRecord]) {
    let widest = |part: fn(&ComponentRecord) -> &str| components.iter().map(|one| part(one).len()).max().unwrap_or(0);
    let (names, versions) = (widest(|one| &one.name), widest(|one| &one.version));
    for one in components {
        let _ = writeln!(
            text,
            "  {:<names$}  {:<versions$}  {}",
            one.name, one.version, one.provenance
        );
    }
}

fn first_scenario(report: &Report) -> String {
    report
        .run
        .first_scenario_s
        .map_or_else(|| "none".to_owned(), words::seconds)
}

/// About thirty lines of Markdown for a comment on a pull request.
#[must_use]
pub fn summary(report: &Report) -> String {
    let mut text = format!("**{}**\n\n", escaped(&report.summary));
    let _ = writeln!(
        text,
        "Run `{}`: {} in all, first scenario after {}.\n",
        report.run.id,
        words::seconds(report.run.duration_s),
        first_scenario(report)
    );
    open_table(&mut text, &report.requirements);
    for problem in report.problems.iter().take(3) {
        let _ = writeln!(text, "Problem: {}\n", escaped(problem));
    }
    text.push_str("| profile | result | core |\n|---|---|---|\n");
    for profile in &report.profiles {
        let counts = profile.core.counts.iter();
        let counts: Vec<String> = counts.map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            profile.name,
            profile.result,
            counts.join(", ")
        );
    }
    let covered = report.readme.iter().filter(|section| section.outcome.is_some()).count();
    let _ = writeln!(
        text,
        "\nREADME: {covered} of {} have a scenario. Clean-up: {} made, {} removed, {} leaked.",
        words::plural(report.readme.len(), "section"),
        report.cleanup.created,
        report.cleanup.removed,
        report.cleanup.leaked.len()
    );
    text
}

/// What did not pass, with why; nothing where all did.
fn open_table(text: &mut String, requirements: &[RequirementResult]) {
    let open: Vec<&RequirementResult> = requirements.iter().filter(|one| is_open(one.outcome)).collect();
    if open.is_empty() {
        return;
    }
    text.push_str("| outcome | requirement | why |\n|---|---|---|\n");
    for one in open.iter().take(SUMMARY_ROWS) {
        let why = one.reason.as_deref().unwrap_or_default();
        let why = escaped(why.lines().next().unwrap_or_default());
        let _ = writeln!(text, "| {} | `{}` | {why} |", one.outcome, one.id);
    }
    if open.len() > SUMMARY_ROWS {
        let _ = writeln!(text, "\n… and {} more, in report.html.", open.len() - SUMMARY_ROWS);
    }
    text.push('\n');
}

/// The README of the run's folder: what lies there, and how to repeat the run.
#[must_use]
pub fn readme(report: &Report) -> String {
    let mut text = format!(
        "# Conformance run {}\n\n{}\n\n",
        report.run.id,
        escaped(&report.summary)
    );
    text.push_str(
        "| file | what it is |\n|---|---|\n\
         | `report.json` | the canonical report; all others are made from it |\n\
         | `report.html` | the report to read |\n\
         | `junit.xml` | the report for CI systems: a suite for each profile, a case for each requirement |\n\
         | `nextest-junit.xml` | the test runner's own view |\n\
         | `summary.md` | the report in thirty lines |\n\
         | `capabilities.json` | what probes said of the subject and the machine |\n\
         | `evidence/` | a folder for each attempt: its checks, logs and documents |\n\
         | `MANIFEST.sha256` | every file with its sum: `sha256sum -c MANIFEST.sha256` |\n\n## Reproduce\n\n",
    );
    text.push_str(&suite(report));
    let _ = writeln!(text, "```sh\n{}\n```\n", report.run.command);
    let docker = &report.run.host.docker;
    let _ = writeln!(
        text,
        "It ran on {}, kernel {}, Docker {} (API {}), with {}.",
        report.run.host.os, report.run.host.kernel, docker.server, docker.api, docker.client
    );
    if report.run.stack.is_some() {
        text.push_str("The stack file, without secrets, is `config.redacted.toml`.\n");
    }
    if let Some(seed) = report.run.seed {
        let _ = writeln!(text, "The seed of its random choices was {seed}.");
    }
    for one in report.requirements.iter().filter(|one| is_open(one.outcome)) {
        if let Some(command) = &one.reproduce {
            let _ = writeln!(text, "\n`{}` ({}):\n\n```sh\n{command}\n```", one.id, one.outcome);
        }
    }
    text
}

/// Which suite it was, by version and commit.
fn suite(report: &Report) -> String {
    let version = &report.run.suite_version;
    let Some(git) = &report.run.git else {
        return format!("Suite {version}, not from a git work tree.\n\n");
    };
    let state = if git.dirty {
        " (there were uncommitted changes on top)"
    } else {
        ""
    };
    format!("Suite {version} at commit `{}`{state}.\n\n", git.head)
}

fn is_open(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Passed | Outcome::Skipped | Outcome::NotApplicable | Outcome::Informational
    )
}

fn colour(outcome: Outcome) -> AnsiColors {
    match outcome {
        Outcome::Passed => AnsiColors::Green,
        Outcome::Failed | Outcome::Errored => AnsiColors::Red,
        Outcome::Flaky | Outcome::Inconclusive | Outcome::NotRun | Outcome::Nonstrict => AnsiColors::Yellow,
        Outcome::Skipped | Outcome::NotApplicable | Outcome::Informational => AnsiColors::Blue,
    }
}

fn colour_of_verdict(verdict: Conformance) -> AnsiColors {
    match verdict {
        Conformance::Conformant => AnsiColors::Green,
        Conformance::Nonconformant | Conformance::Invalid => AnsiColors::Red,
        Conformance::Partial | Conformance::NotRun => AnsiColors::Yellow,
    }
}

/// Text inside Markdown, where it stands in a table's cell.
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '#' => plain.extend(['\\', c]),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\n' | '\r' => plain.push(' '),
            _ => plain.push(c),
        }
    }
    plain
}
