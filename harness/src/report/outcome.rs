//! What became of a requirement, and how many outcomes become one.

use serde::{Deserialize, Serialize};

/// The outcome of an attempt, and of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check held.
    Passed,
    /// A check did not hold, or a component broke.
    Failed,
    /// A SHOULD was not kept.
    Nonstrict,
    /// It passed only when it was tried again.
    Flaky,
    /// The checker could not decide.
    Inconclusive,
    /// The harness, Docker or the machine is at fault.
    Errored,
    /// A feature that the subject does not have, with the probe that said so.
    NotApplicable,
    /// Left out on purpose, with the reason.
    Skipped,
    /// In the catalogue, and never reached.
    NotRun,
    /// Looked at, without a verdict.
    Informational,
}

impl Outcome {
    /// Every outcome, worst first: the order in which one covers another.
    pub const WORST_FIRST: [Outcome; 10] = [
        Outcome::Errored,
        Outcome::Failed,
        Outcome::Inconclusive,
        Outcome::Flaky,
        Outcome::NotRun,
        Outcome::Nonstrict,
        Outcome::Skipped,
        Outcome::NotApplicable,
        Outcome::Passed,
        Outcome::Informational,
    ];

    /// The worst of `outcomes`; [`Outcome::NotRun`] where there is none.
    pub fn roll_up(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
        outcomes
            .into_iter()
            .min_by_key(|outcome| outcome.rank())
            .unwrap_or(Outcome::NotRun)
    }

    /// The name as it stands in report.json.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Nonstrict => "nonstrict",
            Outcome::Flaky => "flaky",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Errored => "errored",
            Outcome::NotApplicable => "not-applicable",
            Outcome::Skipped => "skipped",
            Outcome::NotRun => "not-run",
            Outcome::Informational => "informational",
        }
    }

    fn rank(self) -> usize {
        Outcome::WORST_FIRST
            .iter()
            .position(|other| *other == self)
            .unwrap_or(0)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_covers_the_others() {
        for (place, worse) in Outcome::WORST_FIRST.into_iter().enumerate() {
            for better in Outcome::WORST_FIRST.into_iter().skip(place) {
                assert_eq!(
                    Outcome::roll_up([better, worse, better]),
                    worse,
                    "{worse} covers {better}"
                );
            }
        }
    }

    #[test]
    fn many_skips_are_not_hidden_by_one_pass() {
        let outcomes = [Outcome::Skipped, Outcome::Passed, Outcome::Skipped];
        assert_eq!(Outcome::roll_up(outcomes), Outcome::Skipped);
    }

    #[test]
    fn nothing_at_all_was_not_run() {
        assert_eq!(Outcome::roll_up([]), Outcome::NotRun);
    }

    #[test]
    fn every_outcome_reads_back_from_what_it_writes() {
        for outcome in Outcome::WORST_FIRST {
            let json = serde_json::to_string(&outcome).expect("an outcome is a string");
            assert_eq!(json, format!("\"{outcome}\""));
            assert_eq!(
                serde_json::from_str::<Outcome>(&json).expect("it is what was written"),
                outcome
            );
        }
    }
}
