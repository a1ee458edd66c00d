//! The document one attempt of a scenario leaves: `evidence/<attempt>/scenario.json` of the run.

use serde::{Deserialize, Serialize};

use crate::catalogue::RequirementId;
use crate::provenance::ComponentRecord;
use crate::report::Outcome;

/// All that one attempt of a scenario recorded of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScenarioRecord {
    /// The test's name, as nextest has it.
    pub test: String,
    /// The requirement that the name maps to; none where it maps to none.
    pub requirement: Option<RequirementId>,
    /// 1 for the first try.
    pub attempt: u32,
    /// nextest's own id of the attempt, unsanitised.
    pub attempt_id: Option<String>,
    /// When the first thing was recorded (RFC 3339, UTC).
    pub started: String,
    /// When the outcome was recorded.
    pub ended: Option<String>,
    /// None where the process ended without one: a panic, a signal.
    pub outcome: Option<Outcome>,
    /// Why the outcome is not a pass.
    pub reason: Option<String>,
    /// In the order they were made.
    pub checks: Vec<Check>,
    /// What the scenario's cluster is made of.
    pub components: Vec<ComponentRecord>,
    /// The cluster's name on its engine.
    pub cluster: Option<String>,
    /// What the harness made and removed.
    pub cleanup: Cleanup,
    /// The first panic of the process, on whichever thread.
    pub panic: Option<Panic>,
    /// Whatever else a reader should know, in order.
    pub notes: Vec<String>,
    /// Names of the files beside this one.
    pub attachments: Vec<String>,
}

/// One check: what should be, and what is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// A sentence, or the expression itself.
    pub text: String,
    /// What must be seen.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// Whether it held.
    pub ok: bool,
    /// `file:line` of the check.
    pub at: String,
}

/// What the harness made on the engine for a scenario, and whether all of it is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// Containers, networks and volumes made.
    pub created: u64,
    /// Of these, how many were removed.
    pub removed: u64,
    /// What is still there, by name.
    pub leaked: Vec<String>,
}

/// A panic, as the panic hook saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panic {
    /// Its message.
    pub message: String,
    /// `file:line`.
    pub at: String,
}

impl Panic {
    /// True for the panic of an assertion (the standard `assert` macros, an insta snapshot): a check that did not
    /// hold, and not a fault of the harness.
    #[must_use]
    pub fn is_assertion(&self) -> bool {
        self.message.starts_with("assertion ") || self.message.starts_with("snapshot assertion for ")
    }
}

impl ScenarioRecord {
    /// The first check that did not hold.
    #[must_use]
    pub fn broken_check(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.ok)
    }
}
