//! Records what a scenario does, as it does it: the file on disk is complete after every call, so that it survives
//! SIGKILL.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::{now, write_atomically};
use super::place;
use super::record::{Check, Cleanup, Panic, ScenarioRecord};
use super::redact::redact;
use crate::catalogue::RequirementId;
use crate::error::Context;
use crate::provenance::ComponentRecord;
use crate::report::Outcome;
use crate::{Error, Kind, Result};

/// The name of the document in an attempt's folder.
pub const SCENARIO_FILE: &str = "scenario.json";
/// Attachments beyond this keep their end, where failures are.
const ATTACHMENT_LIMIT: usize = 16 << 20;
/// A check's two sides beyond this keep their beginning.
const VALUE_LIMIT: usize = 4000;

/// What one attempt of a scenario records of itself.
#[derive(Debug)]
pub struct Recorder {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    record: ScenarioRecord,
    write_error: Option<String>,
}

impl Recorder {
    /// A recorder of `test`'s attempt in the folder of a run. What an earlier run left in the attempt's folder goes.
    #[must_use]
    pub fn new(run_directory: &Path, test: &str, attempt: u32) -> Self {
        let directory = run_directory
            .join("evidence")
            .join(place::attempt_folder(test, attempt));
        // An absent folder is the ordinary case, and one that cannot be removed shows when the record is written.
        let _ = std::fs::remove_dir_all(&directory);
        let recorder = Recorder {
            directory,
            state: Mutex::new(State {
                record: ScenarioRecord {
                    test: test.to_owned(),
                    requirement: RequirementId::of_test(test),
                    attempt,
                    attempt_id: std::env::var("NEXTEST_ATTEMPT_ID").ok(),
                    started: now(),
                    ..ScenarioRecord::default()
                },
                write_error: None,
            }),
        };
        recorder.change(|_| {});
        recorder
    }

    /// The attempt's folder, where attachments lie beside `scenario.json`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What has been recorded so far.
    #[must_use]
    pub fn snapshot(&self) -> ScenarioRecord {
        self.lock().record.clone()
    }

    /// Records a check and returns whether it held.
    pub fn check(&self, mut check: Check) -> bool {
        let held = check.ok;
        for side in [&mut check.expected, &mut check.actual] {
            *side = redact(&shorten(side));
        }
        self.change(|record| record.checks.push(check));
        held
    }

    /// What the cluster is made of: added to what was recorded before, each component and image once.
    pub fn components(&self, components: impl IntoIterator<Item = ComponentRecord>) {
        self.change(|record| {
            for component in components {
                if !record.components.contains(&component) {
                    record.components.push(component);
                }
            }
        });
    }

    /// The cluster's name on its engine.
    pub fn cluster(&self, name: &str) {
        self.change(|record| record.cluster = Some(name.to_owned()));
    }

    /// What was made and removed, added to what was recorded before: a scenario may have had several clusters.
    pub fn cleanup(&self, cleanup: Cleanup) {
        self.change(|record| {
            record.cleanup.created += cleanup.created;
            record.cleanup.removed += cleanup.removed;
            record.cleanup.leaked.extend(cleanup.leaked);
        });
    }

    /// Whatever else a reader should know.
    pub fn note(&self, text: impl Into<String>) {
        let text = redact(&text.into());
        self.change(|record| record.notes.push(text));
    }

    /// Puts a file beside the record: a log, inspect JSON, an HTTP exchange. Text is redacted; of more than 16 MiB
    /// the end is kept. The same name again replaces the file.
    ///
    /// # Errors
    /// [`Kind::Internal`] where the file cannot be written.
    pub fn attach(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let name = name.replace(['/', '\\'], "-");
        let kept = &bytes[bytes.len().saturating_sub(ATTACHMENT_LIMIT)..];
        let text = std::str::from_utf8(kept).map(redact);
        let path = self.directory.join(&name);
        write_atomically(&path, text.as_deref().map_or(kept, str::as_bytes))?;
        self.change(|record| {
            if !record.attachments.contains(&name) {
                record.attachments.push(name);
            }
        });
        Ok(path)
    }

    /// Records the outcome. The first that is not a pass stays, since what follows it is its consequence: later
    /// reasons become notes.
    pub fn conclude(&self, outcome: Outcome, reason: Option<String>) {
        let reason = reason.map(|reason| redact(&reason));
        self.change(|record| {
            let settled = record.outcome.is_some_and(|outcome| outcome != Outcome::Passed);
            if settled || (outcome == Outcome::Passed && record.outcome.is_some()) {
                let said = reason.as_deref().unwrap_or("no reason");
                record.notes.push(format!("afterwards {outcome}: {said}"));
            } else {
                record.outcome = Some(outcome);
                record.reason = reason;
                record.ended = Some(now());
            }
        });
    }

    pub(super) fn interrupt(&self, reason: &str) {
        if self.snapshot().outcome.is_none() {
            self.conclude(Outcome::NotRun, Some(reason.to_owned()));
        }
    }

    /// Concludes with a pass.
    ///
    /// # Errors
    /// [`Kind::Internal`] where nothing was checked or the evidence cannot be written: neither shows anything.
    /// [`Kind::Component`] where a check did not hold or a background task panicked and the scenario went on.
    pub fn pass(&self) -> Result<()> {
        let record = self.snapshot();
        if let Some(check) = record.broken_check() {
            return Err(broken(check));
        }
        if let Some(panic) = &record.panic {
            let summary = format!("a task panicked in the background at {}: {}", panic.at, panic.message);
            let kind = if panic.is_assertion() {
                Kind::Answer
            } else {
                Kind::Internal
            };
            return Err(Error::new(kind, summary));
        }
        if record.checks.is_empty() {
            return Err(Error::internal("the scenario ended without one recorded check")
                .expected("at least one `check!`: a pass that checked nothing shows nothing")
                .hint("say with `check!(…)` what the requirement asks for"));
        }
        self.conclude(Outcome::Passed, None);
        match &self.lock().write_error {
            None => Ok(()),
            Some(error) => Err(Error::internal(format!("the evidence cannot be written: {error}"))),
        }
    }

    fn change(&self, change: impl FnOnce(&mut ScenarioRecord)) {
        let mut state = self.lock();
        change(&mut state.record);
        self.save(&mut state);
    }

    fn save(&self, state: &mut State) {
        let written = serde_json::to_vec_pretty(&state.record)
            .context(Kind::Internal, || "the record does not serialise".to_owned())
            .and_then(|json| write_atomically(&self.directory.join(SCENARIO_FILE), &json));
        if let Err(error) = written
            && state.write_error.is_none()
        {
            eprintln!("{}", error.explain());
            state.write_error = Some(error.to_string());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never waits for a lock: the thread that panics may hold it.
    pub(super) fn panicked(&self, panic: Panic) {
        if let Ok(mut state) = self.state.try_lock()
            && state.record.panic.is_none()
        {
            state.record.panic = Some(panic);
            self.save(&mut state);
        }
    }
}

/// A check that did not hold, as an error of the subject.
pub(super) fn broken(check: &Check) -> Error {
    Error::new(Kind::Answer, format!("check failed at {}: {}", check.at, check.text))
        .expected(check.expected.clone())
        .evidence(format!("actual: {}", check.actual))
}

fn shorten(value: &str) -> String {
    match value.char_indices().nth(VALUE_LIMIT) {
        None => value.to_owned(),
        Some((end, _)) => format!("{} … ({} bytes in all)", &value[..end], value.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ok: bool) -> Check {
        Check {
            text: "the agent is registered".to_owned(),
            expected: "1".to_owned(),
            actual: if ok { "1" } else { "0" }.to_owned(),
            ok,
            at: "scenario.rs:7".to_owned(),
        }
    }

    fn on_disk(recorder: &Recorder) -> ScenarioRecord {
        let text = std::fs::read(recorder.directory().join(SCENARIO_FILE)).expect("it is written at once");
        serde_json::from_slice(&text).expect("it reads back")
    }

    #[test]
    fn the_file_is_complete_after_every_change() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let recorder = Recorder::new(run.path(), "mesos::agent::started_slave_joins", 1);
        assert_eq!(on_disk(&recorder).outcome, None);
        recorder.check(check(true));
        recorder.cleanup(Cleanup {
            created: 3,
            removed: 3,
            leaked: Vec::new(),
        });
        recorder.attach("master.log", b"--secret=x\n").expect("it is written");
        assert_eq!(on_disk(&recorder), recorder.snapshot());
        assert_eq!(on_disk(&recorder).attachments, ["master.log"]);
        let log = std::fs::read_to_string(recorder.directory().join("master.log")).expect("it is there");
        assert_eq!(log, "--secret=[REDACTED]\n");
        recorder.pass().expect("a check held");
        assert_eq!(on_disk(&recorder).outcome, Some(Outcome::Passed));
    }

    #[test]
    fn a_pass_needs_a_check() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let recorder = Recorder::new(run.path(), "a::b::c", 1);
        let error = recorder.pass().expect_err("nothing was checked");
        assert_eq!(error.kind(), Kind::Internal);
        assert_eq!(on_disk(&recorder).outcome, None);
    }

    #[test]
    fn a_pass_needs_every_check_to_hold() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let recorder = Recorder::new(run.path(), "a::b::c", 1);
        recorder.check(check(false));
        let error = recorder.pass().expect_err("a check did not hold");
        assert!(error.kind().is_subjects_fault(), "{error}");
    }

    #[test]
    fn a_pass_needs_its_evidence_on_disk() {
        let run = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(run.path().join("evidence"), "a file where a folder must be").expect("it is written");
        let recorder = Recorder::new(run.path(), "a::b::c", 1);
        recorder.check(check(true));
        let error = recorder.pass().expect_err("no evidence was written");
        assert!(error.to_string().contains("cannot be written"), "{error}");
    }

    #[test]
    fn the_first_outcome_that_is_no_pass_stays() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let recorder = Recorder::new(run.path(), "a::b::c", 1);
        recorder.conclude(Outcome::Passed, None);
        recorder.conclude(Outcome::Failed, Some("the agent is gone".to_owned()));
        recorder.conclude(Outcome::Errored, Some("teardown failed".to_owned()));
        let record = on_disk(&recorder);
        assert_eq!(record.outcome, Some(Outcome::Failed));
        assert_eq!(record.reason.as_deref(), Some("the agent is gone"));
        assert_eq!(record.notes, ["afterwards errored: teardown failed"]);
    }

    #[test]
    fn what_breaks_after_a_signal_is_no_failure() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let recorder = Recorder::new(run.path(), "a::b::c", 1);
        recorder.interrupt("SIGTERM");
        recorder.conclude(Outcome::Failed, Some("the container exited with status 137".to_owned()));
        assert_eq!(on_disk(&recorder).outcome, Some(Outcome::NotRun));

        let passed = Recorder::new(run.path(), "a::b::d", 1);
        passed.check(check(true));
        passed.pass().expect("a check held");
        passed.interrupt("SIGTERM");
        assert_eq!(on_disk(&passed).outcome, Some(Outcome::Passed));
    }
}
