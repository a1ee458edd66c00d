//! Reasons that the agent and the master give for what no task brought upon itself.

use harness::client::mesos::{ExecutorSpec, FrameworkSpec, Reason, StatusSource, TaskGroupSpec, TaskSpec, TaskState};
use harness::component::{mesos_agent, mesos_master};
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::cluster;

/// Sends a signal to what runs `program` on the first slave: its agent sees the processes of its tasks.
async fn signal(cluster: &Cluster, signal: &str, program: &str) -> Result<()> {
    let line = format!(
        "for one in /proc/[0-9]*; do grep -qs '^{program}' $one/cmdline && kill -{signal} ${{one#/proc/}}; done; true"
    );
    let line = ExecSpec::new(["sh", "-c", &line]);
    cluster.slave(1)?.exec(mesos_agent::NAME, line).await?.success()?;
    Ok(())
}

/// The task runs on for a moment, and then goes with its container.
#[rstest]
#[tokio::test]
async fn killed_command_executor_is_told_by_the_agent(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("orphan")).await?;
    let task = framework.run(TaskSpec::command("orphan", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;

    signal(&cluster, "KILL", "mesos-executor").await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::ExecutorTerminated));
    check!(status.source == Some(StatusSource::SourceAgent));
    framework.finish().await?;
    cluster.finish().await
}

/// It is stopped, and so says nothing to the agent that comes back; one that had ended would be told as that.
#[rstest]
#[tokio::test]
async fn executor_that_does_not_return_is_given_up(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let framework = cluster.framework(FrameworkSpec::new("stunned").checkpoint()).await?;
    let task = framework.run(TaskSpec::command("stunned", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;

    signal(&cluster, "STOP", "mesos-executor").await?;
    cluster.kill(slave, mesos_agent::NAME).await?;
    cluster.revive_agent(slave).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskLost);
    check!(status.reason == Some(Reason::ExecutorReregistrationTimeout));
    check!(status.source == Some(StatusSource::SourceAgent));
    framework.finish().await?;
    cluster.finish().await
}

/// Its executor runs, and never says a word to the agent.
#[rstest]
#[tokio::test]
async fn kill_before_the_executor_registers_is_told(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("hasty")).await?;
    let mute = ExecutorSpec::command("mute", "touch started; sleep 1000");
    let task = framework.run(TaskSpec::command("task", "").executor(mute)).await?;
    cluster.sandbox(&task).await?.await_text("started", "").await?;

    task.kill().await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    check!(status.reason == Some(Reason::TaskKilledDuringLaunch));
    check!(status.source == Some(StatusSource::SourceAgent));
    framework.finish().await?;
    cluster.finish().await
}

/// The agent forgets what a framework that does not checkpoint has on it, so the master need not wait for its return.
#[rstest]
#[tokio::test]
async fn task_without_checkpoints_goes_with_its_agent(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let framework = cluster.framework(FrameworkSpec::new("forgetful")).await?;
    let task = framework.run(TaskSpec::command("task", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;

    cluster.kill(slave, mesos_agent::NAME).await?;

    let status = task.await_state(TaskState::TaskLost).await?;
    check!(status.reason == Some(Reason::AgentDisconnected));
    check!(status.source == Some(StatusSource::SourceMaster));
    cluster.revive_agent(slave).await?;
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn group_with_a_task_that_is_there_is_refused(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("twice")).await?;
    let sleeps = |name: &str| TaskSpec::command(name, "sleep 1000");
    let first = framework.run(sleeps("first").id("taken")).await?;
    first.await_state(TaskState::TaskRunning).await?;

    let group = TaskGroupSpec::new("pod").task(sleeps("innocent"));
    let tasks = framework.run_group(group.task(sleeps("second").id("taken"))).await?;

    for task in &tasks {
        let status = task.await_state(TaskState::TaskError).await?;
        check!(status.reason == Some(Reason::TaskGroupInvalid));
        check!(status.source == Some(StatusSource::SourceMaster));
        check_contains!(status.message.unwrap_or_default(), "duplicate");
    }
    check!(
        cluster
            .mesos()
            .get_tasks()
            .await?
            .named("first")
            .next()
            .map(|task| task.state)
            == Some(TaskState::TaskRunning),
        "the first goes on"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// A master whose ACLs let nobody run a task as any user.
#[tokio::test]
async fn task_of_a_user_who_may_not_is_refused() -> Verdict {
    const ACLS: &str = r#"{"run_tasks": [{"principals": {"type": "ANY"}, "users": {"type": "NONE"}}]}"#;
    let cluster = Cluster::builder()
        .env(mesos_master::NAME, "MESOS_ACLS", ACLS)
        .boot()
        .await?;
    let framework = cluster.framework(FrameworkSpec::new("guest")).await?;
    let task = || TaskSpec::command("task", "true");

    let alone = framework.run(task()).await?;
    let group = framework.run_group(TaskGroupSpec::new("pod").task(task())).await?;

    for (task, reason) in [
        (&alone, Reason::TaskUnauthorized),
        (&group[0], Reason::TaskGroupUnauthorized),
    ] {
        let status = task.await_state(TaskState::TaskError).await?;
        check!(status.reason == Some(reason));
        check!(status.source == Some(StatusSource::SourceMaster));
        check_contains!(status.message.unwrap_or_default(), "authorized");
    }
    framework.finish().await?;
    cluster.finish().await
}

/// Whoever carries the streams of a task with a terminal is killed: nobody could read it any more.
#[rstest]
#[tokio::test]
async fn task_ends_with_who_carries_its_terminal(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("unplugged")).await?;
    let task = framework
        .run(TaskSpec::command("task", "sleep 1000").terminal())
        .await?;
    task.await_state(TaskState::TaskRunning).await?;

    signal(&cluster, "KILL", "mesos-io-switchboard").await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::IoSwitchboardExited));
    check!(status.source == Some(StatusSource::SourceAgent));
    framework.finish().await?;
    cluster.finish().await
}
