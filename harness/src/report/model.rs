//! The canonical report, as `report.json` has it; the JSON Schema beside it is
//! `harness/schema/conformance-report-v1.json`.
//!
//! Other programs read these names: a change of meaning is a new schema version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::catalogue::{Applies, Class, Level, RequirementId, Source};
use crate::evidence::Cleanup;
use crate::provenance::ComponentRecord;

/// Names the version of the report's form.
pub const SCHEMA: &str = "https://mesos-harness.org/schema/conformance-report/v1";

/// One run of the suite and what it showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// One sentence: the verdict, what it rests on, and how many gaps there are.
    pub summary: String,
    /// The worst of the profiles' results.
    pub verdict: Conformance,
    /// When, where and how it ran.
    pub run: Run,
    /// What was judged.
    pub subject: Subject,
    /// What the subject and the machine can do, by probe; sorted by feature.
    pub capabilities: Vec<Capability>,
    /// Sorted by name.
    pub profiles: Vec<Profile>,
    /// Those that count, sorted by id.
    pub requirements: Vec<RequirementResult>,
    /// New requirements that do not count yet, sorted by id.
    pub provisional: Vec<RequirementResult>,
    /// What nothing tests yet, sorted by id.
    pub gaps: Vec<Gap>,
    /// The README's sections, in its order.
    pub readme: Vec<ReadmeSection>,
    /// Requirements that passed only when tried again.
    pub flaky: Vec<RequirementId>,
    /// Over all scenarios.
    pub cleanup: Cleanup,
    /// What went wrong beside the requirements: tests that map to none, unreadable evidence.
    pub problems: Vec<String>,
}

/// The result of a profile, and of the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conformance {
    /// Every MUST of the core passed.
    Conformant,
    /// A MUST was skipped, not run, flaky or not decided.
    Partial,
    /// A MUST failed.
    Nonconformant,
    /// The harness or the machine failed: nothing is said of the subject.
    Invalid,
    /// Nothing ran.
    NotRun,
}

/// When, where and how the suite ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Sorts by time.
    pub id: String,
    /// Version of the suite.
    pub suite_version: String,
    /// The suite's sources; none where they are no git work tree.
    pub git: Option<Git>,
    /// As it was typed.
    pub command: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// RFC 3339, UTC.
    pub ended: String,
    /// Seconds from the start of the command to the first scenario.
    pub first_scenario_s: Option<f64>,
    /// Seconds in all.
    pub duration_s: f64,
    /// The machine.
    pub host: Host,
    /// What makes random choices repeatable, where any were made.
    pub seed: Option<u64>,
    /// The stack file, as given.
    pub stack: Option<String>,
    /// What was asked for, where that is not everything.
    pub selection: Option<Selection>,
    /// Whether a signal ended it.
    pub interrupted: bool,
}

/// A commit, and whether the work tree had changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// Full hash.
    pub head: String,
    /// Uncommitted changes.
    pub dirty: bool,
}

/// The machine that ran the suite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// As its os-release says.
    pub os: String,
    /// Release of the kernel.
    pub kernel: String,
    /// The engine.
    pub docker: Docker,
}

/// The Docker engine and the client that spoke to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Docker {
    /// The library, as in `bollard 0.21`.
    pub client: String,
    /// The engine's release.
    pub server: String,
    /// The API they agreed on.
    pub api: String,
}

/// A choice of requirements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The options as given: ids, beginnings of ids, or `--failed`.
    pub asked: Vec<String>,
    /// The requirements they select, sorted.
    pub selected: Vec<RequirementId>,
}

/// What was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// As in `Apache Mesos`.
    pub distribution: String,
    /// `booted` by the harness, or `attached`.
    pub mode: String,
    /// Sorted by name, version and image.
    pub components: Vec<ComponentRecord>,
}

/// What a probe said about a feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// The name that requirements use.
    pub feature: String,
    /// Whether it is there.
    pub supported: bool,
    /// What was run, and what it said.
    pub probe: String,
}

/// One profile's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// As in `mesos`.
    pub name: String,
    /// Decided by the core; an errored requirement of the extended part makes it invalid too.
    pub result: Conformance,
    /// Requirements that need no feature.
    pub core: Tally,
    /// Requirements that need one.
    pub extended: Extended,
}

/// Outcomes, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// How many had each outcome; outcomes that none had are absent.
    pub counts: BTreeMap<String, u64>,
    /// Those that did not pass, sorted.
    pub ids: Vec<RequirementId>,
}

/// The part of a profile that depends on features.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extended {
    /// How many had each outcome.
    pub counts: BTreeMap<String, u64>,
    /// Those that did not pass, sorted.
    pub ids: Vec<RequirementId>,
    /// Features that the subject has.
    pub supported: Vec<String>,
    /// Features that it has not.
    pub unsupported: Vec<String>,
}

/// One requirement's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequirementResult {
    /// From the catalogue.
    pub id: RequirementId,
    /// From the catalogue: stated, never inferred.
    pub level: Level,
    /// From the catalogue.
    pub profile: String,
    /// From the catalogue.
    pub class: Class,
    /// From the catalogue; empty in the core.
    pub features: Vec<String>,
    /// From the catalogue: the versions it applies to, and why; none where it applies to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<Applies>,
    /// The worst of its cases.
    pub outcome: Outcome,
    /// Why it is not a pass.
    pub reason: Option<String>,
    /// The sentence.
    pub statement: String,
    /// Where it comes from.
    pub sources: Vec<Source>,
    /// Each try of each case, in order.
    pub attempts: Vec<Attempt>,
    /// Of the last attempt of each case.
    pub checks: Vec<CheckResult>,
    /// What runs it again; none where no test exists.
    pub reproduce: Option<String>,
}

/// One try of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// 1 for the first.
    pub n: u32,
    /// The test's full name.
    pub test: String,
    /// Which case of the test.
    pub case: Option<String>,
    /// Of this try.
    pub outcome: Outcome,
    /// Why it is not a pass.
    pub reason: Option<String>,
    /// Wall clock; 0 where the runner did not say.
    pub duration_s: f64,
    /// The folder of its evidence, relative to the report; none where it left none.
    pub evidence: Option<String>,
    /// Names of the files there.
    pub files: Vec<String>,
    /// The last lines of what it and its components wrote; of attempts that did not pass only.
    pub tails: Vec<Tail>,
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// A file of the evidence folder, or `output` for the test's own.
    pub name: String,
    /// Its last lines, without colours and secrets.
    pub text: String,
}

/// One check of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckResult {
    /// A sentence, or the expression.
    pub text: String,
    /// What must be seen.
    pub expected: String,
    /// What was seen.
    pub actual: String,
    /// Whether it held.
    pub ok: bool,
    /// `file:line`.
    pub at: String,
    /// Which case of the test.
    pub case: Option<String>,
}

/// A requirement that nothing tests yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// From the catalogue.
    pub id: RequirementId,
    /// The README section it stands for, if it is one.
    pub anchor: Option<String>,
    /// The sentence that would be tested.
    pub statement: String,
    /// Why nothing tests it.
    pub reason: String,
}

/// One section of the README, and what covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadmeSection {
    /// As in `adding-slaves`.
    pub anchor: String,
    /// The worst of its requirements; none where only gaps stand for it.
    pub outcome: Option<Outcome>,
    /// Requirements that restate it.
    pub requirements: Vec<RequirementId>,
    /// Gaps that stand for it.
    pub gaps: Vec<RequirementId>,
}

impl Conformance {
    /// The exit code of `harness conform`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Conformance::Conformant => 0,
            Conformance::Nonconformant => 1,
            Conformance::Partial => 2,
            Conformance::Invalid => 3,
            Conformance::NotRun => 4,
        }
    }

    /// The name as it stands in report.json.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Conformance::Conformant => "conformant",
            Conformance::Partial => "partial",
            Conformance::Nonconformant => "nonconformant",
            Conformance::Invalid => "invalid",
            Conformance::NotRun => "not-run",
        }
    }
}

impl std::fmt::Display for Conformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl RequirementResult {
    /// Seconds of all attempts.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        // A sum of no floats is minus zero.
        self.attempts.iter().fold(0.0, |sum, attempt| sum + attempt.duration_s)
    }
}

impl Report {
    /// The exit code: that of the verdict, or, of a run that was asked for a selection, that of the selection.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let Some(selection) = &self.run.selection else {
            return self.verdict.exit_code();
        };
        if matches!(self.verdict, Conformance::Invalid | Conformance::NotRun) {
            return self.verdict.exit_code();
        }
        let chosen = self
            .requirements
            .iter()
            .filter(|one| selection.selected.contains(&one.id));
        super::verdict::judge(chosen).exit_code()
    }

    /// How many requirements had `outcome`.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.requirements.iter().filter(|one| one.outcome == outcome).count()
    }
}
