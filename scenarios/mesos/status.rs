//! Who says what of a task, and why: the sources and the reasons of its statuses.

use harness::client::mesos::{Capability, ExecutorSpec, FrameworkSpec, Reason, StatusSource, TaskSpec, TaskState};
use harness::component::mesos_agent;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::cluster;

#[rstest]
#[tokio::test]
async fn of_a_commands_end_comes_from_its_executor(#[future] cluster: Result<Cluster>) -> Verdict {
    use TaskState::{TaskFailed, TaskFinished};
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("table")).await?;

    for (command, state, message) in [
        ("exit 0", TaskFinished, "exited with status 0"),
        ("exit 255", TaskFailed, "exited with status 255"),
        ("nosuchprogram", TaskFailed, "exited with status 127"),
        ("kill -SEGV $$", TaskFailed, "terminated with signal Segmentation fault"),
        ("kill -KILL $$", TaskFailed, "terminated with signal Killed"),
    ] {
        let status = framework
            .run(TaskSpec::command("row", command))
            .await?
            .await_terminal()
            .await?;
        check!(status.state == state, "{command}: {status}");
        check!(status.source == Some(StatusSource::SourceExecutor), "{command}");
        check!(
            status.reason.is_none(),
            "{command}: Mesos gives no reason for what a command does itself"
        );
        check_contains!(status.message.unwrap_or_default(), message, "{command}");
    }
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn of_a_second_task_with_the_same_id_is_an_error(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("twice")).await?;
    let first = framework
        .run(TaskSpec::command("first", "sleep 1000").id("taken"))
        .await?;
    first.await_state(TaskState::TaskRunning).await?;

    let second = framework
        .run(TaskSpec::command("second", "sleep 1000").id("taken"))
        .await?;

    let status = second.await_state(TaskState::TaskError).await?;
    check!(status.reason == Some(Reason::TaskInvalid));
    check!(status.source == Some(StatusSource::SourceMaster));
    check_contains!(status.message.unwrap_or_default(), "duplicate");
    let known = cluster.mesos().get_tasks().await?;
    check!(
        known.named("first").next().map(|task| task.state) == Some(TaskState::TaskRunning),
        "the first goes on"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// One second, instead of the minute that Mesos waits.
#[tokio::test]
async fn of_an_executor_that_never_registers_says_so() -> Verdict {
    let cluster = Cluster::builder()
        .env(mesos_agent::NAME, "MESOS_EXECUTOR_REGISTRATION_TIMEOUT", "1secs")
        .boot()
        .await?;
    let framework = cluster.framework(FrameworkSpec::new("mute")).await?;

    let mute = ExecutorSpec::command("mute", "sleep 1000");
    let task = framework.run(TaskSpec::command("task", "").executor(mute)).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::ExecutorRegistrationTimeout));
    check!(status.source == Some(StatusSource::SourceAgent));
    framework.finish().await?;
    cluster.finish().await
}

/// One framework asks for another's task: the master knows the agent, and no such task of the one who asks.
#[rstest]
#[tokio::test]
async fn of_a_task_that_nobody_knows_is_told_when_asked(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let owner = cluster.framework(FrameworkSpec::new("owner")).await?;
    let task = owner.run(TaskSpec::command("task", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    let aware = FrameworkSpec::new("stranger").capability(Capability::PartitionAware);
    let stranger = cluster.framework(aware).await?;

    let foreign = stranger.adopt(&task);
    foreign.reconcile().await?;
    task.reconcile().await?;

    let unknown = foreign.await_state(TaskState::TaskGone).await?;
    check!(unknown.reason == Some(Reason::Reconciliation));
    check!(unknown.source == Some(StatusSource::SourceMaster));
    let known = task
        .await_status("is reconciled", |status| status.reason == Some(Reason::Reconciliation))
        .await?;
    check!(
        known.state == TaskState::TaskRunning,
        "its own framework is told what it is"
    );
    owner.finish().await?;
    stranger.finish().await?;
    cluster.finish().await
}
