//! Builds the report: the catalogue says what must be, the runner and the evidence say what was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Outcome;
use super::model::{Attempt, Capability, CheckResult, Conformance, Report, RequirementResult, Run, SCHEMA};
use super::runner::{RunnerAttempt, RunnerResults};
use super::sections::{cleanup_of, gaps_of, profiles_of, readme_of, subject_of};
use super::tails::tails_of;
use super::verdict;
use crate::catalogue::{Catalogue, Channel, Requirement, RequirementId, Versions, case_of_test};
use crate::evidence::{SCENARIO_FILE, ScenarioRecord, reaped, rerun_command, rerun_filtered};

/// The record of one attempt and the folder it lies in.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Relative to the run's folder.
    pub folder: String,
    /// What the scenario recorded.
    pub record: ScenarioRecord,
}

/// All that a report is built from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// Every requirement of the suite.
    pub catalogue: &'a Catalogue,
    /// The names of the tests that exist.
    pub tests: &'a [String],
    /// What the runner saw; empty where it was killed before it wrote its results.
    pub runner: &'a RunnerResults,
    /// What the scenarios recorded.
    pub evidence: &'a [Evidence],
    /// What probes said about features.
    pub capabilities: &'a [Capability],
    /// The versions that are judged.
    pub versions: &'a Versions,
    /// The run's own facts.
    pub run: Run,
    /// `booted` or `attached`.
    pub mode: &'a str,
    /// What has gone wrong so far.
    pub problems: Vec<String>,
    /// The run's folder, for the tails of logs.
    pub directory: &'a Path,
}

/// Reads every attempt's record of a run, and says which cannot be read.
#[must_use]
pub fn read_evidence(run_directory: &Path) -> (Vec<Evidence>, Vec<String>) {
    let (mut evidence, mut problems) = (Vec::new(), Vec::new());
    let root = run_directory.join("evidence");
    let folders = std::fs::read_dir(&root).into_iter().flatten().flatten();
    let mut names: Vec<_> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let path = root.join(&name).join(SCENARIO_FILE);
        let read = std::fs::read(&path)
            .map_err(|error| error.to_string())
            .and_then(|json| serde_json::from_slice(&json).map_err(|error| error.to_string()));
        match read {
            Ok(record) => evidence.push(Evidence {
                folder: format!("evidence/{name}"),
                record,
            }),
            Err(error) => problems.push(format!("evidence/{name}/{SCENARIO_FILE} cannot be read: {error}")),
        }
    }
    (evidence, problems)
}

/// Builds the report.
#[must_use]
pub fn build(inputs: Inputs<'_>) -> Report {
    let tests = tests_by_requirement(&inputs);
    let (mut requirements, mut provisional) = (Vec::new(), Vec::new());
    for requirement in inputs.catalogue.tested() {
        let empty = BTreeSet::new();
        let result = of_requirement(&inputs, requirement, tests.get(&requirement.id).unwrap_or(&empty));
        match requirement.channel {
            Channel::Stable => requirements.push(result),
            Channel::Provisional => provisional.push(result),
        }
    }
    let mut cleanup = cleanup_of(inputs.evidence);
    cleanup.leaked.extend(reaped(inputs.directory));
    let mut problems = inputs.problems.clone();
    problems.extend(strays(&inputs));
    let profiles = profiles_of(&requirements, inputs.capabilities);
    let mut verdict = verdict::of_run(profiles.iter().map(|profile| profile.result));
    if !problems.is_empty() || !cleanup.leaked.is_empty() {
        verdict = Conformance::Invalid;
    }
    let mut capabilities = inputs.capabilities.to_vec();
    capabilities.sort_by(|a, b| a.feature.cmp(&b.feature));
    let flaky = requirements
        .iter()
        .filter(|one| one.outcome == Outcome::Flaky)
        .map(|one| one.id.clone())
        .collect();
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        summary: String::new(),
        verdict,
        subject: subject_of(&inputs),
        capabilities,
        profiles,
        gaps: gaps_of(inputs.catalogue),
        readme: readme_of(inputs.catalogue, &requirements),
        flaky,
        cleanup,
        problems,
        run: inputs.run,
        requirements,
        provisional,
    };
    report.summary = super::words::sentence(&report);
    report
}

/// Every test that is known by any of the three sources, by the requirement it proves.
fn tests_by_requirement(inputs: &Inputs<'_>) -> BTreeMap<RequirementId, BTreeSet<String>> {
    let listed = inputs.tests.iter().chain(inputs.runner.keys());
    let recorded = inputs.evidence.iter().map(|one| &one.record.test);
    let mut by_id: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for test in listed.chain(recorded) {
        let named = RequirementId::of_test(test).and_then(|id| inputs.catalogue.find(&id));
        if let Some(requirement) = named {
            by_id.entry(requirement.id.clone()).or_default().insert(test.clone());
        }
    }
    by_id
}

/// Tests that ran and prove nothing of the catalogue: a report that left them out would hide their failures.
fn strays(inputs: &Inputs<'_>) -> Vec<String> {
    let recorded = inputs.evidence.iter().map(|one| &one.record.test);
    let ran: BTreeSet<&String> = inputs.runner.keys().chain(recorded).collect();
    let known = |test: &str| {
        RequirementId::of_test(test)
            .and_then(|id| inputs.catalogue.find(&id))
            .is_some_and(Requirement::is_tested)
    };
    ran.into_iter()
        .filter(|test| !known(test))
        .map(|test| format!("test {test} ran and proves no requirement of the catalogue"))
        .collect()
}

fn of_requirement(inputs: &Inputs<'_>, requirement: &Requirement, tests: &BTreeSet<String>) -> RequirementResult {
    let mut result = RequirementResult {
        id: requirement.id.clone(),
        level: requirement.level,
        profile: requirement.profile.clone(),
        class: requirement.class,
        features: requirement.features.clone(),
        applies: requirement.applies.clone(),
        outcome: Outcome::NotRun,
        reason: None,
        statement: requirement.statement.clone(),
        sources: requirement.sources.clone(),
        attempts: Vec::new(),
        checks: Vec::new(),
        reproduce: reproduce(tests, inputs.run.stack.as_deref()),
    };
    if let Some((outcome, reason)) = left_out(inputs, requirement) {
        return RequirementResult {
            outcome,
            reason: Some(reason),
            ..result
        };
    }
    let mut cases = Vec::new();
    for test in tests {
        let attempts = attempts_of(inputs, test);
        let outcomes: Vec<Outcome> = attempts.iter().map(|attempt| attempt.outcome).collect();
        cases.push(verdict::of_case(&outcomes));
        result.checks.extend(checks_of(inputs, test));
        result.attempts.extend(attempts);
    }
    let worst = Outcome::roll_up(cases);
    result.outcome = verdict::of_requirement(requirement.level, requirement.class, worst);
    result.reason = reason_of(&result, worst, tests.len());
    result
}

/// A requirement that was not selected, with the outcome and the reason of that.
fn left_out(inputs: &Inputs<'_>, requirement: &Requirement) -> Option<(Outcome, String)> {
    let lacking = inputs
        .capabilities
        .iter()
        .find(|capability| !capability.supported && requirement.features.contains(&capability.feature));
    if let Some(capability) = lacking {
        let reason = format!("no {}: {}", capability.feature, capability.probe);
        return Some((Outcome::NotApplicable, reason));
    }
    if let Some(reason) = inputs.versions.exclude(requirement) {
        return Some((Outcome::NotApplicable, reason));
    }
    let selection = inputs.run.selection.as_ref()?;
    (!selection.selected.contains(&requirement.id)).then(|| {
        let reason = format!("not asked for: the run was limited to {}", selection.asked.join(" "));
        (Outcome::Skipped, reason)
    })
}

fn attempts_of(inputs: &Inputs<'_>, test: &str) -> Vec<Attempt> {
    let ran = inputs.runner.get(test).map_or(&[][..], Vec::as_slice);
    let recorded = evidence_of(inputs, test);
    let last_recorded = recorded.keys().next_back().map_or(0, |n| *n as usize);
    (1..=ran.len().max(last_recorded))
        .map(|n| {
            let number = u32::try_from(n).unwrap_or(u32::MAX);
            attempt(
                inputs.directory,
                test,
                number,
                ran.get(n - 1),
                recorded.get(&number).copied(),
            )
        })
        .collect()
}

fn evidence_of<'a>(inputs: &'a Inputs<'_>, test: &str) -> BTreeMap<u32, &'a Evidence> {
    let own = inputs.evidence.iter().filter(|one| one.record.test == test);
    own.map(|one| (one.record.attempt, one)).collect()
}

fn attempt(directory: &Path, test: &str, n: u32, ran: Option<&RunnerAttempt>, evidence: Option<&Evidence>) -> Attempt {
    let record = evidence.map(|one| &one.record);
    let (outcome, reason) = verdict::of_attempt(ran.map(|ran| &ran.verdict), record);
    let recorded = record.and_then(recorded_seconds);
    let mut files = record.map(|record| record.attachments.clone()).unwrap_or_default();
    files.sort();
    let tails = match outcome {
        Outcome::Passed => Vec::new(),
        _ => tails_of(
            directory,
            evidence.map(|one| one.folder.as_str()),
            &files,
            ran.map(|ran| ran.output.as_str()),
        ),
    };
    Attempt {
        n,
        test: test.to_owned(),
        case: case_of_test(test),
        outcome,
        reason,
        duration_s: ran.map(|ran| ran.duration.as_secs_f64()).or(recorded).unwrap_or(0.0),
        evidence: evidence.map(|one| one.folder.clone()),
        files,
        tails,
    }
}

fn recorded_seconds(record: &ScenarioRecord) -> Option<f64> {
    let ended: jiff::Timestamp = record.ended.as_deref()?.parse().ok()?;
    let started: jiff::Timestamp = record.started.parse().ok()?;
    Some(ended.duration_since(started).as_secs_f64())
}

fn checks_of(inputs: &Inputs<'_>, test: &str) -> Vec<CheckResult> {
    let Some((_, last)) = evidence_of(inputs, test).pop_last() else {
        return Vec::new();
    };
    let checks = last.record.checks.iter();
    checks
        .map(|check| CheckResult {
            text: check.text.clone(),
            expected: check.expected.clone(),
            actual: check.actual.clone(),
            ok: check.ok,
            at: check.at.clone(),
            case: case_of_test(test),
        })
        .collect()
}

fn reason_of(result: &RequirementResult, worst: Outcome, tests: usize) -> Option<String> {
    if tests == 0 {
        return Some(format!("no test {} exists", result.id.test_path()));
    }
    match worst {
        Outcome::Passed => None,
        Outcome::Flaky => {
            let first = result
                .attempts
                .iter()
                .find(|attempt| attempt.outcome != Outcome::Passed)?;
            let said = first.reason.as_deref().unwrap_or("no reason recorded");
            Some(format!(
                "it passed when tried again; attempt {}: {}: {said}",
                first.n, first.outcome
            ))
        }
        _ => {
            let found = result.attempts.iter().find(|attempt| attempt.outcome == worst);
            let Some(attempt) = found else {
                return Some("it was never reached".to_owned());
            };
            let said = attempt.reason.as_deref().unwrap_or("no reason recorded");
            Some(match &attempt.case {
                Some(case) if tests > 1 => format!("{case}: {said}"),
                _ => said.to_owned(),
            })
        }
    }
}

fn reproduce(tests: &BTreeSet<String>, stack: Option<&str>) -> Option<String> {
    let first = tests.first()?;
    let command = if tests.len() == 1 {
        rerun_command(first)
    } else {
        let case = case_of_test(first).unwrap_or_default();
        let common = first.strip_suffix(&case).unwrap_or(first);
        rerun_filtered(&format!("/^{common}/"))
    };
    Some(match stack {
        None => command,
        Some(stack) => format!("HARNESS_STACK={stack} {command}"),
    })
}
