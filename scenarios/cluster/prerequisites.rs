//! What a machine needs before a cluster boots on it.

use harness::check;
use harness::doctor::examine_bare;
use harness::evidence::{self, Verdict};
use rstest::rstest;

mod readme {
    use super::*;

    /// README "Prerequisites": a machine that has none of them is told each, and what to do.
    #[rstest]
    #[tokio::test]
    async fn doctor_names_each_with_its_remedy() -> Verdict {
        let diagnosis = examine_bare().await?;

        let missing: Vec<&str> = diagnosis.missing().map(|check| check.name.as_str()).collect();
        check!(
            missing
                == [
                    "cargo",
                    "rustc",
                    "C compiler",
                    "C++ compiler",
                    "cargo-nextest",
                    "docker engine"
                ]
        );
        check!(diagnosis.missing().all(|check| check.remedy.is_some()));
        evidence::passed()
    }
}
