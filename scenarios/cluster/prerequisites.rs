//! What a machine needs before a cluster boots on it.

use harness::check;
use harness::doctor::Verdict::{Missing, Warn};
use harness::doctor::{self, examine_bare};
use harness::evidence::{self, Verdict};
use rstest::rstest;

mod readme {
    use super::*;

    /// What no machine brings by itself, and what its absence comes to: no cluster, or only less comfort.
    const PREREQUISITES: [(&str, doctor::Verdict); 8] = [
        ("cargo", Missing),
        ("rustc", Missing),
        ("C compiler", Missing),
        ("C++ compiler", Missing),
        ("make", Warn),
        ("pip", Warn),
        ("cargo-nextest", Missing),
        ("docker engine", Missing),
    ];

    /// README "Prerequisites": a machine that has none of them is told each, and what to do.
    #[rstest]
    #[tokio::test]
    async fn doctor_names_each_with_its_remedy() -> Verdict {
        let diagnosis = examine_bare().await?;

        for (name, verdict) in PREREQUISITES {
            let told = diagnosis.checks.iter().find(|check| check.name == name);
            check!(told.map(|check| check.verdict) == Some(verdict), "{name}");
            let remedy = told.and_then(|check| check.remedy.as_deref()).unwrap_or_default();
            check!(!remedy.is_empty(), "{name} has a remedy");
        }
        check!(!diagnosis.usable);
        evidence::passed()
    }
}
