//! Command tasks, from their launch to their last status.

use std::time::Duration;

use harness::client::mesos::{Capability, FrameworkSpec, HealthCheck, Reason, StatusSource, TaskSpec, TaskState};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::{GRACE, STUBBORN, cluster};

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
        check_contains!(
            cluster.sandbox(&task).await?.text("stdout").await?,
            "hello from a task\n"
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
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("grace-period")).await?;
    let task = framework
        .run(TaskSpec::command("stubborn", STUBBORN).kill_grace(GRACE))
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

#[rstest]
#[tokio::test]
async fn argv_reaches_the_program_without_a_shell(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("argv")).await?;

    let program = TaskSpec::command("argv", "/usr/bin/printf").argv(["printf", "<%s>", "a  b", "$HOME", "*"]);
    let task = framework.run(program).await?;

    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    check_contains!(cluster.sandbox(&task).await?.text("stdout").await?, "<a  b><$HOME><*>");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn environment_is_its_own_and_the_agents(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("environment")).await?;

    let prints = TaskSpec::command("prints", "env")
        .env("GREETING", "a = \"b\" $c")
        .ports(1);
    let task = framework.run(prints).await?;

    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    let sandbox = cluster.sandbox(&task).await?;
    let output = sandbox.text("stdout").await?;
    check_contains!(
        output,
        "\nGREETING=a = \"b\" $c\n",
        "its own variable, as it was written"
    );
    check_contains!(output, "\nPORT0=31", "the port that it was given");
    check_contains!(
        output,
        format!("\nMESOS_SANDBOX={}\n", sandbox.directory()),
        "where it is"
    );
    let agent = cluster.slave(1)?.address();
    check_contains!(
        output,
        format!("\nMESOS_AGENT_ENDPOINT={agent}:5051\n"),
        "where its agent is"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn user_of_the_command_runs_it(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("user")).await?;

    let writes = TaskSpec::command("writes", "id -un; touch mine").user("nobody");
    let task = framework.run(writes).await?;

    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    let sandbox = cluster.sandbox(&task).await?;
    check_contains!(sandbox.text("stdout").await?, "nobody\n");
    let files = sandbox.files().browse(sandbox.directory()).await?;
    let mine = files.iter().find(|file| file.name() == "mine");
    check!(
        mine.map(|file| file.uid.as_str()) == Some("nobody"),
        "what it writes is its user's"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn unknown_user_drops_the_task(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster
        .framework(FrameworkSpec::new("unknown-user").capability(Capability::PartitionAware))
        .await?;

    let task = framework
        .run(TaskSpec::command("never", "true").user("nosuchuser"))
        .await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskDropped, "it was never launched");
    check!(status.reason == Some(Reason::ExecutorTerminated));
    check!(
        status.source == Some(StatusSource::SourceAgent),
        "the agent says so: no executor ever ran"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn invalid_task_is_refused_by_the_master(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("invalid")).await?;

    let invalid = TaskSpec::command("invalid", "true").health_check(HealthCheck::http(31000, "no-slash"));
    let task = framework.run(invalid).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskError);
    check!(status.reason == Some(Reason::TaskInvalid));
    check!(status.source == Some(StatusSource::SourceMaster));
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn max_completion_time_ends_it(#[future] cluster: Result<Cluster>) -> Verdict {
    const LIMIT: Duration = Duration::from_secs(1);
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("max-completion-time")).await?;

    let endless = TaskSpec::command("endless", "sleep 1000").max_completion_time(LIMIT);
    let task = framework.run(endless).await?;

    let running = task.await_state(TaskState::TaskRunning).await?;
    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::MaxCompletionTimeReached));
    let ran = status.timestamp.unwrap_or_default() - running.timestamp.unwrap_or_default();
    check!(ran > LIMIT.as_secs_f64() - 0.2, "not before its time");
    framework.finish().await?;
    cluster.finish().await
}

/// Its own policy would leave it a minute.
#[rstest]
#[tokio::test]
async fn kill_policy_of_the_call_overrides_its_own(#[future] cluster: Result<Cluster>) -> Verdict {
    const SHORT: Duration = Duration::from_secs(1);
    let cluster = cluster.await?;
    let framework = cluster
        .framework(FrameworkSpec::new("kill-policy").capability(Capability::TaskKillingState))
        .await?;
    let stubborn = TaskSpec::command("stubborn", STUBBORN);
    let task = framework.run(stubborn.kill_grace(Duration::from_secs(60))).await?;
    cluster.sandbox(&task).await?.await_text("stdout", "ready").await?;

    let killed = std::time::Instant::now();
    task.kill_within(SHORT).await?;

    task.await_state(TaskState::TaskKilling).await?;
    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    let took = killed.elapsed();
    check!(took >= SHORT, "it has the grace period of the call");
    check!(took < Duration::from_secs(30), "and not that of its own policy");
    framework.finish().await?;
    cluster.finish().await
}
