//! The certificate: what was checked, with what outcome, on what, and why.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::checks::LiveCheck;
use crate::package::{Check, Finding, Severity};
use crate::provenance::ComponentRecord;
use crate::report::Outcome;

/// The version of the document's form.
pub const SCHEMA: &str = "mesos-harness/package-certificate/v1";

/// What a certificate comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// No check failed, and every one that applies was made.
    Certified,
    /// A check failed.
    Refused,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Verdict::Certified => "certified",
            Verdict::Refused => "refused",
        })
    }
}

/// Which package was judged. The names of the fields here and in the rest of the document stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectRecord {
    /// Its name.
    pub name: String,
    /// The revision that was installed.
    pub revision: u32,
    /// Its version.
    pub version: String,
    /// The earlier revisions that it was upgraded from.
    pub earlier: Vec<u32>,
    /// The path that it was read from.
    pub path: String,
    /// Of the archive that the client got it from, in lower-case hex: every revision of the package, and nothing else.
    pub sha256: String,
}

/// When, by what and on what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRecord {
    /// RFC 3339, UTC.
    pub started: String,
    /// The same.
    pub ended: String,
    /// From the first file that was read to the last container that was removed.
    pub seconds: f64,
    /// Of the harness.
    pub version: String,
    /// What repeats it.
    pub command: String,
    /// The stack's name.
    pub stack: String,
}

/// A check of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnyCheck {
    /// One that needs no cluster.
    Static(Check),
    /// One that does.
    Live(LiveCheck),
}

impl AnyCheck {
    /// Every check, in the order they are made.
    pub fn all() -> impl Iterator<Item = AnyCheck> {
        let statics = Check::ALL.iter().copied().map(AnyCheck::Static);
        statics.chain(LiveCheck::ALL.iter().copied().map(AnyCheck::Live))
    }

    /// As in `install.healthy`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            AnyCheck::Static(check) => check.id(),
            AnyCheck::Live(check) => check.id(),
        }
    }

    /// What it demands.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            AnyCheck::Static(check) => check.what(),
            AnyCheck::Live(check) => check.what(),
        }
    }

    /// What to do where it is not met.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            AnyCheck::Static(check) => check.remedy(),
            AnyCheck::Live(check) => check.remedy(),
        }
    }
}

impl Serialize for AnyCheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Which.
    pub check: AnyCheck,
    /// What it demands.
    pub demands: &'static str,
    /// `passed`; `failed`; `nonstrict`, which is a warning; `not-applicable`; `not-run`.
    pub outcome: Outcome,
    /// How long it took; 0 of those without a cluster, which are made together.
    pub seconds: f64,
    /// Why it is no pass.
    pub reason: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What was seen.
    pub evidence: Vec<String>,
}

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certificate {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What it comes to.
    pub verdict: Verdict,
    /// The verdict, and how many checks had which outcome.
    pub summary: String,
    /// Which package.
    pub subject: SubjectRecord,
    /// The options that it was installed with.
    pub options: Value,
    /// When, by what and on what.
    pub run: RunRecord,
    /// What the cluster was made of; empty where there was none.
    pub components: Vec<ComponentRecord>,
    /// Every check.
    pub checks: Vec<Judged>,
    /// What the checks without a cluster found, with file, line and column.
    pub findings: Vec<Finding>,
}

impl Certificate {
    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Judged> {
        self.checks.iter().filter(|judged| judged.outcome == Outcome::Failed)
    }

    /// How many checks had an outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|judged| judged.outcome == outcome).count()
    }
}

/// What `checks` come to. One that was never made is no pass: only a failure keeps a check from being made.
pub(super) fn verdict(checks: &[Judged]) -> Verdict {
    let good = |judged: &Judged| {
        matches!(
            judged.outcome,
            Outcome::Passed | Outcome::Nonstrict | Outcome::NotApplicable
        )
    };
    match !checks.is_empty() && checks.iter().all(good) {
        true => Verdict::Certified,
        false => Verdict::Refused,
    }
}

/// The first line of everything that is shown.
pub(super) fn summary(verdict: Verdict, checks: &[Judged]) -> String {
    let mut counts: BTreeMap<usize, (Outcome, usize)> = BTreeMap::new();
    for judged in checks {
        let rank = Outcome::WORST_FIRST
            .iter()
            .position(|outcome| *outcome == judged.outcome);
        counts.entry(rank.unwrap_or_default()).or_insert((judged.outcome, 0)).1 += 1;
    }
    let counts: Vec<String> = counts
        .values()
        .map(|(outcome, count)| format!("{count} {}", word(*outcome)))
        .collect();
    format!("{verdict}: {}", counts.join(", "))
}

/// As people read it.
pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Nonstrict => "with a warning",
        Outcome::NotApplicable => "not applicable",
        Outcome::NotRun => "not run",
        other => other.as_str(),
    }
}

/// The checks without a cluster, of what they found.
pub(super) fn judge_findings(findings: &[Finding]) -> Vec<Judged> {
    let of = |check: &Check| {
        let own: Vec<&Finding> = findings.iter().filter(|finding| finding.check == *check).collect();
        let worst = own.iter().map(|finding| finding.severity).min();
        let outcome = match worst {
            None => Outcome::Passed,
            Some(Severity::Warning) => Outcome::Nonstrict,
            Some(_) => Outcome::Failed,
        };
        Judged {
            check: AnyCheck::Static(*check),
            demands: check.what(),
            outcome,
            seconds: 0.0,
            reason: own.first().map(|finding| finding.message.clone()),
            remedy: own.first().map(|finding| finding.remedy.clone()),
            evidence: own
                .iter()
                .map(|finding| format!("{}: {}", finding.place(), finding.message))
                .collect(),
        }
    };
    Check::ALL.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(outcome: Outcome) -> Judged {
        Judged {
            check: AnyCheck::Live(LiveCheck::InstallRuns),
            demands: "",
            outcome,
            seconds: 0.0,
            reason: None,
            remedy: None,
            evidence: Vec::new(),
        }
    }

    #[test]
    fn only_what_was_made_and_held_is_certified() {
        let of = |outcomes: &[Outcome]| verdict(&outcomes.iter().copied().map(judged).collect::<Vec<_>>());
        let (pass, fail) = (Outcome::Passed, Outcome::Failed);
        assert_eq!(
            of(&[pass, Outcome::Nonstrict, Outcome::NotApplicable]),
            Verdict::Certified
        );
        for refused in [
            &[][..],
            &[pass, fail],
            &[pass, Outcome::NotRun],
            &[Outcome::Inconclusive],
        ] {
            assert_eq!(of(refused), Verdict::Refused, "{refused:?}");
        }
    }

    #[test]
    fn the_summary_counts_the_worst_first() {
        let checks = [Outcome::Passed, Outcome::NotRun, Outcome::Failed, Outcome::Passed].map(judged);
        assert_eq!(
            summary(Verdict::Refused, &checks),
            "refused: 1 failed, 1 not run, 2 passed"
        );
    }

    #[test]
    fn a_warning_alone_does_not_fail_a_check() {
        let mut finding = Finding::new(Check::ConfigDefault, "config.json", "odd");
        let outcome = |finding: &Finding| {
            let checks = judge_findings(std::slice::from_ref(finding));
            checks
                .iter()
                .find(|one| one.check == AnyCheck::Static(Check::ConfigDefault))
                .map(|one| one.outcome)
        };
        assert_eq!(outcome(&finding), Some(Outcome::Failed));
        finding.severity = Severity::Warning;
        assert_eq!(outcome(&finding), Some(Outcome::Nonstrict));
    }
}
