//! What nextest says: the list of tests, and the JUnit file of a run.
//!
//! Its form is that of cargo-nextest 0.9.148. Of a test that was tried again, the main element is the first try
//! where all failed, and the last try where the last passed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use quick_junit::{FlakyOrRerun, NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestRerun, XmlString};
use serde_json::Value;

use super::verdict::RunnerVerdict;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// The type that nextest gives a test that passed in the end and is configured to fail all the same.
const FLAKY_FAILURE: &str = "flaky failure";

/// One attempt, as the runner saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunnerAttempt {
    /// How its process ended.
    pub verdict: RunnerVerdict,
    /// Wall clock.
    pub duration: Duration,
    /// What it wrote to both streams.
    pub output: String,
}

/// The attempts of each test that ran, in order, by the test's name.
pub type RunnerResults = BTreeMap<String, Vec<RunnerAttempt>>;

/// Reads the JUnit file of a run.
///
/// # Errors
/// [`Kind::Internal`] where it cannot be read: without it nothing is known about the run.
pub fn read_junit(path: &Path) -> Result<RunnerResults> {
    let unreadable = || format!("cannot read nextest's results {}", path.display());
    let text = std::fs::read_to_string(path).context(Kind::Internal, unreadable)?;
    let report = JUnit::deserialize_from_str(&text).context(Kind::Internal, unreadable)?;
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    Ok(cases
        .filter_map(|case| attempts(case).map(|attempts| (case.name.as_str().to_owned(), attempts)))
        .collect())
}

/// None for a test that was not selected.
fn attempts(case: &TestCase) -> Option<Vec<RunnerAttempt>> {
    let main = |verdict| RunnerAttempt {
        verdict,
        duration: case.time.unwrap_or_default(),
        output: joined(case.system_out.as_ref(), case.system_err.as_ref()),
    };
    match &case.status {
        TestCaseStatus::Skipped { .. } => None,
        TestCaseStatus::Success { flaky_runs } => {
            let before = flaky_runs.iter().map(again);
            Some(before.chain([main(RunnerVerdict::Passed)]).collect())
        }
        TestCaseStatus::NonSuccess {
            message, ty, reruns, ..
        } => {
            let passed = ty.as_ref().is_some_and(|ty| ty.as_str() == FLAKY_FAILURE);
            let verdict = if passed {
                RunnerVerdict::Passed
            } else {
                failed(message.as_ref(), ty.as_ref())
            };
            let others = reruns.runs.iter().map(again);
            Some(match reruns.kind {
                FlakyOrRerun::Flaky => others.chain([main(verdict)]).collect(),
                FlakyOrRerun::Rerun => [main(verdict)].into_iter().chain(others).collect(),
            })
        }
    }
}

fn again(run: &TestRerun) -> RunnerAttempt {
    let kind = match run.kind {
        NonSuccessKind::Failure | NonSuccessKind::Error => failed(run.message.as_ref(), run.ty.as_ref()),
    };
    RunnerAttempt {
        verdict: kind,
        duration: run.time.unwrap_or_default(),
        output: joined(run.system_out.as_ref(), run.system_err.as_ref()),
    }
}

fn failed(message: Option<&XmlString>, ty: Option<&XmlString>) -> RunnerVerdict {
    let said: Vec<&str> = [ty, message].into_iter().flatten().map(XmlString::as_str).collect();
    RunnerVerdict::Failed(said.join(": "))
}

fn joined(out: Option<&XmlString>, err: Option<&XmlString>) -> String {
    let streams = [out, err].into_iter().flatten().map(|text| text.as_str().trim());
    streams.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The names of all tests, from `cargo nextest list --message-format json`.
///
/// # Errors
/// [`Kind::Internal`] where it is not that list.
pub fn read_list(json: &[u8]) -> Result<Vec<String>> {
    let list: Value = serde_json::from_slice(json).context(Kind::Internal, || "nextest lists no JSON".to_owned())?;
    let suites = list["rust-suites"]
        .as_object()
        .ok_or_else(|| Error::internal("nextest's list of tests has no rust-suites"))?;
    let mut tests: Vec<String> = suites
        .values()
        .filter_map(|suite| suite["testcases"].as_object())
        .flatten()
        .filter(|(_, test)| test["ignored"] != Value::Bool(true))
        .map(|(name, _)| name.clone())
        .collect();
    tests.sort();
    Ok(tests)
}
