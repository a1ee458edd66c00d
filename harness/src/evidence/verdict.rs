//! What a scenario returns: `async fn scenario() -> Verdict`.

use std::fmt;
use std::process::{ExitCode, Termination};

use super::current;
use super::record::Check;
use super::recorder::{Recorder, broken};
use crate::catalogue::Catalogue;
use crate::report::Outcome;
use crate::{Error, Kind, Result, workspace};

/// The result of a scenario. `?` on any [`harness::Error`](crate::Error) records the outcome and ends the scenario.
pub type Verdict = std::result::Result<Concluded, Failure>;

/// A scenario whose outcome is recorded and is no failure: made by [`passed`], [`skipped`], [`not_applicable`] and
/// [`inconclusive`] only. The test runner sees a success; the report has the outcome.
#[derive(Debug)]
#[must_use = "a scenario returns its verdict"]
pub struct Concluded(());

impl Termination for Concluded {
    fn report(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

/// Records that every check held. `Cluster::finish` calls it after the teardown.
///
/// # Errors
/// Where nothing was checked, a check did not hold, a background task panicked, or no evidence could be written.
pub fn passed() -> Verdict {
    current().pass()?;
    Ok(Concluded(()))
}

/// Ends a scenario that was not tried, for `reason`.
pub fn skipped(reason: impl Into<String>) -> Verdict {
    conclude(Outcome::Skipped, reason.into())
}

/// Ends a scenario about a feature that the subject does not have; `probe` is what was run, and what it said.
pub fn not_applicable(probe: impl Into<String>) -> Verdict {
    conclude(Outcome::NotApplicable, probe.into())
}

/// Ends a scenario whose checker cannot decide, for `reason`: a history too short, an observation lost.
pub fn inconclusive(reason: impl Into<String>) -> Verdict {
    conclude(Outcome::Inconclusive, reason.into())
}

fn conclude(outcome: Outcome, reason: String) -> Verdict {
    eprintln!("{outcome}: {reason}");
    current().conclude(outcome, Some(reason));
    Ok(Concluded(()))
}

/// A scenario that did not pass. Its `Debug` is what the test runner prints: the requirement, what happened, where
/// the evidence is, how to run it again.
pub struct Failure {
    text: String,
}

impl Failure {
    /// The whole account, on several lines.
    #[must_use]
    pub fn explain(&self) -> &str {
        &self.text
    }

    /// Records `error` as the outcome of the scenario of `recorder`.
    pub(super) fn record(recorder: &Recorder, error: &Error) -> Self {
        let outcome = match error.kind() {
            kind if kind.is_subjects_fault() => Outcome::Failed,
            Kind::Interrupted => Outcome::NotRun,
            _ => Outcome::Errored,
        };
        recorder.conclude(outcome, Some(error.explain()));
        Failure {
            text: account(recorder, outcome, error),
        }
    }
}

impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Self {
        Failure::record(&current(), &error)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.lines().next().unwrap_or_default())
    }
}

/// Records a check; [`check!`](crate::check) and its kin end here.
///
/// # Errors
/// A [`Failure`] where it does not hold.
pub fn judge(check: Check) -> Result<(), Failure> {
    let recorder = current();
    if recorder.check(check.clone()) {
        return Ok(());
    }
    Err(Failure::record(&recorder, &broken(&check)))
}

fn account(recorder: &Recorder, outcome: Outcome, error: &Error) -> String {
    let record = recorder.snapshot();
    let mut lines = vec![format!("{outcome}: {}", error.explain())];
    if let Some(id) = &record.requirement {
        let catalogue = Catalogue::of_workspace();
        let requirement = catalogue.as_ref().ok().and_then(|catalogue| catalogue.find(id));
        match requirement {
            Some(requirement) => lines.push(format!("  requires: {id}: {}", requirement.statement)),
            None if workspace::is_checkout() => lines.push(format!("  requires: {id}: not in the catalogue")),
            // A suite of somebody else's may have no catalogue.
            None => {}
        }
    }
    lines.push(format!("  evidence: {}", recorder.directory().display()));
    lines.push(format!("  again:    {}", rerun_command(&record.test)));
    lines.join("\n")
}

/// What runs one scenario again, and nothing else.
#[must_use]
pub fn rerun_command(test: &str) -> String {
    rerun_filtered(&format!("={test}"))
}

/// What runs the tests again whose names match, as nextest's `test(…)` takes it.
///
/// The scenarios are the library of their crate. `--workspace --lib` gives their dependencies the features that every
/// other build of the workspace gives them: `-p scenarios` would compile half of it a second time. In a workspace that
/// uses this crate as a library, tests may be anywhere.
#[must_use]
pub fn rerun_filtered(names: &str) -> String {
    let scope = if workspace::is_checkout() {
        " --workspace --lib"
    } else {
        ""
    };
    format!("cargo nextest run{scope} -E 'test({names})'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_error_decides_the_outcome() {
        let run = tempfile::tempdir().expect("a temporary folder");
        for (kind, outcome) in [
            (Kind::Component, Outcome::Failed),
            (Kind::Deadline, Outcome::Failed),
            (Kind::Answer, Outcome::Failed),
            (Kind::Environment, Outcome::Errored),
            (Kind::Image, Outcome::Errored),
            (Kind::Cleanup, Outcome::Errored),
            (Kind::Usage, Outcome::Errored),
            (Kind::Internal, Outcome::Errored),
            (Kind::Interrupted, Outcome::NotRun),
        ] {
            let recorder = Recorder::new(run.path(), &format!("a::b::{kind:?}"), 1);
            let _ = Failure::record(&recorder, &Error::new(kind, "it broke"));
            assert_eq!(recorder.snapshot().outcome, Some(outcome), "{kind:?}");
        }
    }

    #[test]
    fn a_failure_says_what_was_required_where_the_evidence_is_and_how_to_run_it_again() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let recorder = Recorder::new(run.path(), "mesos::agent::readme::started_slave_joins::case_1", 1);
        let failure = Failure::record(&recorder, &Error::new(Kind::Deadline, "mesos-slave2 did not register"));
        let text = format!("{failure:?}");
        for part in [
            "failed: mesos-slave2 did not register",
            "requires: mesos.agent.started-slave-joins: ",
            "evidence/mesos.agent.readme.started_slave_joins.case_1",
            "cargo nextest run --workspace --lib -E 'test(=mesos::agent::readme::started_slave_joins::case_1)'",
        ] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
    }

    #[test]
    fn a_late_skip_is_a_success_for_the_runner_and_a_skip_in_the_evidence() {
        let concluded = skipped("the kernel has no netem").expect("a skip is no failure");
        assert_eq!(concluded.report(), ExitCode::SUCCESS);
        assert_eq!(current().snapshot().outcome, Some(Outcome::Skipped));
    }
}
