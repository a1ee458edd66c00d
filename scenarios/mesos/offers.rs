//! Offers, and what does not fit into any.

mod readme {
    use std::time::Duration;

    use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
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
        let control = framework.run(TaskSpec::command("fits", "true")).await?;
        check!(
            control.await_terminal().await?.state == TaskState::TaskFinished,
            "a task that fits runs"
        );
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
        let known = cluster.mesos().get_tasks().await?;
        check!(
            known.named("oversized").count() == 0,
            "the master knows of no such task"
        );
        check!(known.named("fits").count() == 1, "it does know of the other one");
        framework.finish().await?;
        cluster.finish().await
    }
}
