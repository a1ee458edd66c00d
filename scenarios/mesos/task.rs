//! Command tasks, from their launch to their last status.

use std::time::Duration;

use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::cluster;

mod readme {
    use super::*;

    /// README "Sandbox Output": what a task printed is in its sandbox.
    #[rstest]
    #[tokio::test]
    async fn finishes_with_its_stdout_in_the_sandbox(#[future] cluster: Result<Cluster>) -> Verdict {
        let cluster = cluster.await?;
        let framework = cluster.framework(FrameworkSpec::new("sandbox-output")).await?;

        let task = framework
            .run(TaskSpec::command("hello", "echo hello from $HOSTNAME_OF_TASK").env("HOSTNAME_OF_TASK", "a task"))
            .await?;

        let status = task.await_terminal().await?;
        check!(status.state == TaskState::TaskFinished);
        check!(
            cluster
                .sandbox(&task)
                .await?
                .text("stdout")
                .await?
                .contains("hello from a task\n")
        );
        framework.finish().await?;
        cluster.finish().await
    }
}

#[rstest]
#[case::small(1)]
#[case::large(42)]
#[tokio::test]
async fn nonzero_exit_fails_with_the_code(#[future] cluster: Result<Cluster>, #[case] code: i32) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("exit-code")).await?;

    let task = framework
        .run(TaskSpec::command("fails", format!("exit {code}")))
        .await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check_contains!(status.message.unwrap_or_default(), format!("exited with status {code}"));
    framework.finish().await?;
    cluster.finish().await
}

/// The task ignores SIGTERM and says when it got it; SIGKILL ends it when the grace period is over.
#[rstest]
#[tokio::test]
async fn kill_honours_the_grace_period(#[future] cluster: Result<Cluster>) -> Verdict {
    // Above the 3 s that an executor gives by default: one that ignores the kill policy is too early.
    const GRACE: Duration = Duration::from_secs(4);
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("grace-period")).await?;
    let stubborn = "trap 'echo got SIGTERM' TERM; echo ready; while :; do sleep 0.05; done";
    let task = framework
        .run(TaskSpec::command("stubborn", stubborn).kill_grace(GRACE))
        .await?;
    let sandbox = cluster.sandbox(&task).await?;
    sandbox.await_text("stdout", "ready").await?;

    let killed = std::time::Instant::now();
    task.kill().await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    check!(killed.elapsed() >= GRACE, "it lives as long as its grace period");
    check_contains!(sandbox.text("stdout").await?, "got SIGTERM", "it gets SIGTERM first");
    check_contains!(status.message.unwrap_or_default(), "Killed", "SIGKILL ends it");
    framework.finish().await?;
    cluster.finish().await
}
