//! Commands that a person runs in a task's container, and streams to and from them.

use harness::client::ContainerId;
use harness::client::mesos::session::Command;
use harness::client::mesos::{FrameworkSpec, TaskHandle, TaskSpec, TaskState};
use harness::evidence::Verdict;
use harness::{Cluster, Error, Kind, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::cluster;

/// The container of a running task.
async fn container(task: &TaskHandle) -> Result<ContainerId> {
    let status = task.await_state(TaskState::TaskRunning).await?;
    let container = status.container_status.and_then(|status| status.container_id);
    container.ok_or_else(|| Error::new(Kind::Answer, "the status of a running task names no container"))
}

#[rstest]
#[tokio::test]
async fn streams_in_and_out_of_a_command(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let agent = cluster.slave(1)?.agent();
    let framework = cluster.framework(FrameworkSpec::new("exec")).await?;
    let task = framework.run(TaskSpec::command("task", "sleep 1000")).await?;
    let parent = container(&task).await?;

    let session = agent
        .exec(&parent, Command::shell("echo oops >&2; tr a-z A-Z; exit 3"))
        .await?;
    let second = agent.attach_output(session.container()).await?;
    let inner = session.container().clone();
    agent.attach_input(&inner, b"hello\0there\n").await?;

    let output = session.read_to_end().await?;
    check!(output.stdout == b"HELLO\0THERE\n");
    check!(output.stderr == b"oops\n");
    check!(
        second.read_to_end().await?.stdout == output.stdout,
        "whoever attaches gets it too"
    );
    check!(task.state() == TaskState::TaskRunning, "the task itself goes on");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn terminal_has_the_size_that_it_is_given(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let agent = cluster.slave(1)?.agent();
    let framework = cluster.framework(FrameworkSpec::new("terminal")).await?;
    let task = framework.run(TaskSpec::command("task", "sleep 1000")).await?;
    let parent = container(&task).await?;

    // It ends when it is told to: what a terminal holds when its session ends is dropped.
    let command = Command::shell("tty; read line; stty size; echo \"<$line>\"; read end").terminal();
    let mut session = agent.exec(&parent, command).await?;
    let inner = session.container().clone();
    agent.attach_terminal(&inner, (33, 77), b"typed\n").await?;
    session.read_until("<typed>\r\n").await?;
    agent.attach_terminal(&inner, (33, 77), b"\n").await?;

    let output = session.read_to_end().await?;
    // The terminal echoes what is typed, before or after the first line.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    check_contains!(text, "/dev/pts/");
    check_contains!(text, "33 77\r\n<typed>\r\n");
    framework.finish().await?;
    cluster.finish().await
}

/// No session: the terminal is that of the task itself.
#[rstest]
#[tokio::test]
async fn task_with_a_terminal_is_read_and_typed_to(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let agent = cluster.slave(1)?.agent();
    let framework = cluster.framework(FrameworkSpec::new("own-terminal")).await?;
    let types = "tty; read line; stty size; echo \"<$line>\"; read end";

    let task = framework.run(TaskSpec::command("task", types).terminal()).await?;
    let own = container(&task).await?;
    let mut output = agent.attach_output(&own).await?;
    agent.attach_terminal(&own, (33, 77), b"typed\n").await?;
    output.read_until("<typed>\r\n").await?;
    agent.attach_terminal(&own, (33, 77), b"\n").await?;

    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    let all = cluster.sandbox(&task).await?.text("stdout").await?;
    check_contains!(all, "/dev/pts/", "what came before anybody attached is in its sandbox");
    check_contains!(all, "33 77\r\n<typed>\r\n", "and so is what came since");
    framework.finish().await?;
    cluster.finish().await
}
