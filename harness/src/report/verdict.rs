//! From outcomes to results: one attempt, the cases of a requirement, a profile, the run.

use super::Outcome;
use super::model::{Conformance, RequirementResult};
use crate::catalogue::{Class, Level};
use crate::evidence::ScenarioRecord;

/// How nextest calls a test that it ended for its time, as in 0.9.148.
const TIMEOUT: &str = "test timeout";

/// What the test runner says of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunnerVerdict {
    /// The process ended with 0.
    Passed,
    /// It did not, was killed, or left a process behind; what the runner said.
    Failed(String),
}

/// The outcome of one attempt and its reason, from what the runner says and what the scenario recorded. The
/// evidence is trusted above the runner, except that
///
/// * a pass of the runner without evidence, or without a recorded check, is `errored`: it shows nothing;
/// * a recorded pass that the runner saw fail afterwards (a leaked process, a panic on the way out) is `errored`;
/// * a scenario that a signal ended is `not-run`, and `errored` where the runner sent it for its time;
/// * a process that ended without an outcome `failed` where a check or an assertion had broken, and is `errored`
///   otherwise: a panic of the harness, a timeout, a signal.
#[must_use]
pub fn of_attempt(runner: Option<&RunnerVerdict>, evidence: Option<&ScenarioRecord>) -> (Outcome, Option<String>) {
    let Some(record) = evidence else {
        return match runner {
            Some(RunnerVerdict::Failed(said)) if was_ended(said) => (Outcome::NotRun, Some(said.clone())),
            None => (Outcome::NotRun, Some("it was never reached".to_owned())),
            Some(RunnerVerdict::Passed) => errored("the test passed but left no evidence"),
            Some(RunnerVerdict::Failed(said)) => errored(&format!("no evidence was left: {said}")),
        };
    };
    match (record.outcome, runner) {
        (Some(Outcome::Passed), _) if record.checks.is_empty() => errored("it passed without one recorded check"),
        (Some(Outcome::Passed), Some(RunnerVerdict::Failed(said))) => {
            errored(&format!("it failed after its pass was recorded: {said}"))
        }
        (Some(Outcome::Passed), _) => match broken_check(record) {
            None => (Outcome::Passed, None),
            broken => (Outcome::Failed, broken),
        },
        // The runner ends what takes too long with a signal as well: that was reached, and did not end.
        (Some(Outcome::NotRun), Some(RunnerVerdict::Failed(said))) if said.starts_with(TIMEOUT) => errored(said),
        (Some(outcome), _) => (outcome, record.reason.clone()),
        (None, runner) => without_outcome(record, runner),
    }
}

fn without_outcome(record: &ScenarioRecord, runner: Option<&RunnerVerdict>) -> (Outcome, Option<String>) {
    if let broken @ Some(_) = broken_check(record) {
        return (Outcome::Failed, broken);
    }
    let panic = record.panic.as_ref();
    let said = panic.map(|panic| format!("{} (at {})", panic.message, panic.at));
    match (panic, runner) {
        (Some(panic), _) if panic.is_assertion() => (Outcome::Failed, said),
        (Some(_), _) => (Outcome::Errored, said),
        (None, Some(RunnerVerdict::Failed(said))) if was_ended(said) => (Outcome::NotRun, Some(said.clone())),
        (None, Some(RunnerVerdict::Failed(said))) => errored(&format!("it ended without an outcome: {said}")),
        (None, Some(RunnerVerdict::Passed)) => errored("it ended without an outcome: nothing finished the scenario"),
        (None, None) => (Outcome::NotRun, Some("it was interrupted".to_owned())),
    }
}

/// True for a process that a person's signal ended, by way of the runner, before it could say so itself.
fn was_ended(said: &str) -> bool {
    said.starts_with("test abort")
        && ["(SIGINT)", "(SIGTERM)", "(SIGHUP)"]
            .iter()
            .any(|name| said.contains(name))
}

fn broken_check(record: &ScenarioRecord) -> Option<String> {
    let check = record.broken_check()?;
    Some(format!(
        "{}: expected {}, actual {}",
        check.text, check.expected, check.actual
    ))
}

fn errored(reason: &str) -> (Outcome, Option<String>) {
    (Outcome::Errored, Some(reason.to_owned()))
}

/// The outcome of one case from those of its attempts, in order: a pass after something else is `flaky`.
#[must_use]
pub fn of_case(attempts: &[Outcome]) -> Outcome {
    match attempts.split_last() {
        Some((Outcome::Passed, before)) if before.iter().any(|outcome| *outcome != Outcome::Passed) => Outcome::Flaky,
        Some((Outcome::Passed, _)) => Outcome::Passed,
        _ => Outcome::roll_up(attempts.iter().copied()),
    }
}

/// What an outcome means for a requirement of that level and class: a SHOULD or MAY that fails is `nonstrict`, and
/// what is only looked at has no verdict while it is as its sentence says, and is `nonstrict` too when it is not.
#[must_use]
pub fn of_requirement(level: Level, class: Class, cases: Outcome) -> Outcome {
    match (class, level, cases) {
        (_, _, Outcome::Errored) => Outcome::Errored,
        (Class::Informational, _, Outcome::Passed) => Outcome::Informational,
        (Class::Informational, _, Outcome::Failed) | (_, Level::Should | Level::May, Outcome::Failed) => {
            Outcome::Nonstrict
        }
        (_, _, other) => other,
    }
}

/// The result of a profile from its requirements. Of a requirement that needs features only an error counts, and a
/// failure of a MUST whose features are there; one that does not stand for the version judged leaves nothing open.
pub fn judge<'a>(requirements: impl IntoIterator<Item = &'a RequirementResult>) -> Conformance {
    let (mut ran, mut errored, mut failed, mut open) = (false, false, false, false);
    for one in requirements {
        ran |= !matches!(one.outcome, Outcome::NotRun | Outcome::Skipped | Outcome::NotApplicable);
        errored |= one.outcome == Outcome::Errored;
        let binding = one.level == Level::Must && one.class != Class::Informational;
        let core = one.features.is_empty();
        failed |= binding && one.outcome == Outcome::Failed;
        let elsewhere = one.applies.is_some() && one.outcome == Outcome::NotApplicable;
        open |= binding && core && !elsewhere && !matches!(one.outcome, Outcome::Passed | Outcome::Failed);
        // Not only of a MUST: a result that is no result leaves the profile undecided.
        open |= matches!(one.outcome, Outcome::NotRun | Outcome::Inconclusive | Outcome::Flaky);
    }
    match (ran, errored, failed, open) {
        (false, ..) => Conformance::NotRun,
        (_, true, ..) => Conformance::Invalid,
        (_, _, true, _) => Conformance::Nonconformant,
        (_, _, _, true) => Conformance::Partial,
        _ => Conformance::Conformant,
    }
}

/// The verdict of a run from its profiles' results: the worst. A profile of which nothing ran makes a run that ran
/// something partial.
pub fn of_run(profiles: impl IntoIterator<Item = Conformance>) -> Conformance {
    let results: Vec<Conformance> = profiles.into_iter().collect();
    let any = |result| results.contains(&result);
    if results.iter().all(|result| *result == Conformance::NotRun) {
        Conformance::NotRun
    } else if any(Conformance::Invalid) {
        Conformance::Invalid
    } else if any(Conformance::Nonconformant) {
        Conformance::Nonconformant
    } else if any(Conformance::Partial) || any(Conformance::NotRun) {
        Conformance::Partial
    } else {
        Conformance::Conformant
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Check, Panic};

    fn record(outcome: Option<Outcome>, checks: &[bool]) -> ScenarioRecord {
        let check = |ok: &bool| Check {
            text: "it holds".to_owned(),
            expected: "true".to_owned(),
            actual: ok.to_string(),
            ok: *ok,
            at: "scenario.rs:1".to_owned(),
        };
        ScenarioRecord {
            outcome,
            checks: checks.iter().map(check).collect(),
            ..ScenarioRecord::default()
        }
    }

    fn panicked(message: &str) -> ScenarioRecord {
        let panic = Some(Panic {
            message: message.to_owned(),
            at: "a.rs:1".to_owned(),
        });
        ScenarioRecord {
            panic,
            ..record(None, &[true])
        }
    }

    #[test]
    fn each_combination_of_runner_and_evidence_has_its_outcome() {
        let failed = Some(RunnerVerdict::Failed("test timeout".to_owned()));
        let aborted = Some(RunnerVerdict::Failed(
            "test abort: process aborted with signal 2 (SIGINT)".to_owned(),
        ));
        let passed = Some(RunnerVerdict::Passed);
        let skipped = record(Some(Outcome::Skipped), &[]);
        let cases = [
            (&passed, Some(record(Some(Outcome::Passed), &[true])), Outcome::Passed),
            (&passed, None, Outcome::Errored),
            (&passed, Some(record(Some(Outcome::Passed), &[])), Outcome::Errored),
            (&passed, Some(record(None, &[true])), Outcome::Errored),
            (
                &passed,
                Some(record(Some(Outcome::Passed), &[true, false])),
                Outcome::Failed,
            ),
            (&passed, Some(skipped.clone()), Outcome::Skipped),
            (
                &passed,
                Some(record(Some(Outcome::Inconclusive), &[true])),
                Outcome::Inconclusive,
            ),
            (&failed, Some(record(Some(Outcome::Failed), &[false])), Outcome::Failed),
            (&failed, Some(record(Some(Outcome::Errored), &[true])), Outcome::Errored),
            (&failed, Some(record(Some(Outcome::Passed), &[true])), Outcome::Errored),
            (&failed, Some(record(None, &[true])), Outcome::Errored),
            (&failed, Some(record(None, &[true, false])), Outcome::Failed),
            (
                &failed,
                Some(panicked("assertion `left == right` failed")),
                Outcome::Failed,
            ),
            (
                &failed,
                Some(panicked("snapshot assertion for 'state' failed in line 7")),
                Outcome::Failed,
            ),
            (&failed, Some(panicked("index out of bounds")), Outcome::Errored),
            (&failed, Some(skipped), Outcome::Skipped),
            (&failed, Some(record(Some(Outcome::NotRun), &[true])), Outcome::Errored),
            (&aborted, Some(record(Some(Outcome::NotRun), &[true])), Outcome::NotRun),
            (&aborted, Some(record(None, &[true])), Outcome::NotRun),
            (&aborted, None, Outcome::NotRun),
            (&failed, None, Outcome::Errored),
            (&None, None, Outcome::NotRun),
            (&None, Some(record(None, &[true])), Outcome::NotRun),
            (&None, Some(record(Some(Outcome::Failed), &[false])), Outcome::Failed),
        ];
        for (runner, evidence, wanted) in cases {
            let (outcome, reason) = of_attempt(runner.as_ref(), evidence.as_ref());
            assert_eq!(outcome, wanted, "{runner:?} with {evidence:?}");
            let says_why = reason.is_some() || evidence.is_some_and(|record| record.outcome == Some(wanted));
            assert!(says_why, "{wanted} has a reason");
        }
    }

    #[test]
    fn a_pass_after_a_failure_is_flaky_and_no_pass() {
        assert_eq!(of_case(&[Outcome::Failed, Outcome::Passed]), Outcome::Flaky);
        assert_eq!(of_case(&[Outcome::Passed]), Outcome::Passed);
        assert_eq!(of_case(&[Outcome::Failed, Outcome::Errored]), Outcome::Errored);
        assert_eq!(of_case(&[]), Outcome::NotRun);
    }

    #[test]
    fn a_should_that_fails_is_nonstrict() {
        let of = |level, outcome| of_requirement(level, Class::Functional, outcome);
        assert_eq!(of(Level::Should, Outcome::Failed), Outcome::Nonstrict);
        assert_eq!(of(Level::Must, Outcome::Failed), Outcome::Failed);
        assert_eq!(of(Level::Should, Outcome::Errored), Outcome::Errored);
        assert_eq!(
            of_requirement(Level::Must, Class::Informational, Outcome::Passed),
            Outcome::Informational
        );
        assert_eq!(
            of_requirement(Level::Must, Class::Informational, Outcome::Failed),
            Outcome::Nonstrict
        );
    }

    #[test]
    fn the_run_is_as_good_as_its_worst_profile() {
        use Conformance::{Conformant, Invalid, Nonconformant, NotRun, Partial};
        for (profiles, wanted) in [
            (&[][..], NotRun),
            (&[NotRun, NotRun], NotRun),
            (&[Conformant, Conformant], Conformant),
            (&[Conformant, NotRun], Partial),
            (&[Partial, Nonconformant], Nonconformant),
            (&[Nonconformant, Invalid], Invalid),
        ] {
            assert_eq!(of_run(profiles.iter().copied()), wanted, "{profiles:?}");
        }
    }
}
