//! Offers, and what does not fit into any.

mod readme {
    use std::time::Duration;

    use harness::client::mesos::{FrameworkSpec, TaskSpec};
    use harness::deadlines::Deadline;
    use harness::evidence::Verdict;
    use harness::{Cluster, Kind, Result, check, check_contains};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Insufficient Resources": offers are declined, and the reason is shown.
    #[rstest]
    #[tokio::test]
    async fn oversized_task_waits_and_the_shortage_is_shown(#[future] cluster: Result<Cluster>) -> Verdict {
        let cluster = cluster.await?;
        let framework = cluster.framework(FrameworkSpec::new("insufficient-resources")).await?;
        let oversized = TaskSpec::command("oversized", "true").resources(8.0, 4096.0);

        let patience = Deadline::custom("OVERSIZED", Duration::from_secs(3));
        let waited = framework.run_within(oversized.clone(), patience).await;

        check!(
            waited.as_ref().err().map(harness::Error::kind) == Some(Kind::Deadline),
            "no offer is taken"
        );
        let shortage = framework.shortfall(&oversized).await?.to_string();
        check_contains!(shortage, "short by 4", "the missing cpus are shown with their number");
        check_contains!(shortage, "1167", "so is the missing memory");
        check!(
            cluster.mesos().get_tasks().await?.is_empty(),
            "the master knows of no such task"
        );
        framework.finish().await?;
        cluster.finish().await
    }
}
