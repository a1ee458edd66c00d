//! `junit.xml` for CI systems: a suite for each profile, a case for each requirement.
//!
//! `failed` and `flaky` are failures; `errored`, `inconclusive` and `not-run` are errors, since none of them may look
//! like a pass; `skipped` and `not-applicable` are skips with their reason; `nonstrict` and `informational` are
//! successes with a property. (`report-skipped` of nextest's own file keeps the runner's view.)

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report as JUnit, TestCase, TestCaseStatus, TestSuite};

use crate::error::Context;
use crate::report::model::{Report, RequirementResult};
use crate::report::{Outcome, words};
use crate::{Kind, Result};

/// The report as JUnit XML.
///
/// # Errors
/// [`Kind::Internal`] where it cannot be written as XML.
pub fn junit(report: &Report) -> Result<String> {
    let mut junit = JUnit::new("conformance");
    junit.set_time(Duration::from_secs_f64(report.run.duration_s.max(0.0)));
    for profile in &report.profiles {
        let mut suite = TestSuite::new(profile.name.as_str());
        suite.add_property(("result", profile.result.as_str()));
        suite.add_property(("verdict", report.verdict.as_str()));
        suite.add_property(Property::new("gaps", report.gaps.len().to_string()));
        let own = report.requirements.iter().filter(|one| one.profile == profile.name);
        let mut time = Duration::ZERO;
        for requirement in own {
            let case = case(requirement);
            time += case.time.unwrap_or_default();
            suite.add_test_case(case);
        }
        suite.set_time(time);
        junit.add_test_suite(suite);
    }
    junit.to_string().context(Kind::Internal, || {
        "the report does not serialise as JUnit XML".to_owned()
    })
}

fn case(requirement: &RequirementResult) -> TestCase {
    let reason = requirement.reason.as_deref().unwrap_or("no reason recorded");
    let unsuccessful = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_type(requirement.outcome.as_str())
            .set_message(reason.lines().next().unwrap_or_default())
            .set_description(account(requirement));
        status
    };
    let status = match requirement.outcome {
        Outcome::Passed | Outcome::Nonstrict | Outcome::Informational => TestCaseStatus::success(),
        Outcome::Failed | Outcome::Flaky => unsuccessful(NonSuccessKind::Failure),
        Outcome::Errored | Outcome::Inconclusive | Outcome::NotRun => unsuccessful(NonSuccessKind::Error),
        Outcome::Skipped | Outcome::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_type(requirement.outcome.as_str()).set_message(reason);
            status
        }
    };
    let mut case = TestCase::new(requirement.id.as_str(), status);
    case.set_classname(requirement.id.component())
        .set_assertions(requirement.checks.len())
        .set_time(Duration::from_secs_f64(requirement.duration_s().max(0.0)));
    case.add_property(("outcome", requirement.outcome.as_str()));
    case.add_property(Property::new("level", requirement.level.as_str()));
    case.add_property(Property::new("profile", requirement.profile.as_str()));
    case
}

fn account(requirement: &RequirementResult) -> String {
    let mut lines = vec![format!("{}: {}", requirement.id, requirement.statement)];
    lines.extend(requirement.reason.clone());
    for check in requirement.checks.iter().filter(|check| !check.ok) {
        lines.push(format!(
            "{}: expected {}, actual {} ({})",
            check.text, check.expected, check.actual, check.at
        ));
    }
    lines.extend(requirement.attempts.iter().map(|attempt| {
        let evidence = attempt.evidence.as_deref().unwrap_or("no evidence");
        format!(
            "attempt {} of {}: {}, {}, {evidence}",
            attempt.n,
            attempt.test,
            attempt.outcome,
            words::seconds(attempt.duration_s)
        )
    }));
    lines.extend(
        requirement
            .reproduce
            .as_ref()
            .map(|command| format!("again: {command}")),
    );
    lines.join("\n")
}
