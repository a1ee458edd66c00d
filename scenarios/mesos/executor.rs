//! Executors of a framework's own.

use harness::client::mesos::{
    ExecutorSpec, Framework, FrameworkSpec, Reason, StatusSource, TaskHandle, TaskSpec, TaskState, Uri,
};
use harness::evidence::{Verdict, not_applicable};
use harness::toolbox::FileServer;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::{cluster, lacks_perl};

/// What `executor.pl` needs.
const MODULES: [&str; 3] = ["IO::Socket::INET", "JSON::PP", "MIME::Base64"];

/// Runs a task under our own executor, fetched from a web server that the caller keeps.
async fn run(cluster: &Cluster, framework: &Framework) -> Result<(TaskHandle, FileServer)> {
    let files = FileServer::start(cluster, &[("executor", include_bytes!("executor.pl").to_vec())]).await?;
    let executor = ExecutorSpec::command("own", "exec ./executor").uri(Uri::new(files.url("executor")).executable());
    let task = framework
        .run(TaskSpec::command("task", "a payload").executor(executor))
        .await?;
    Ok((task, files))
}

#[rstest]
#[tokio::test]
async fn exchanges_messages_with_its_framework(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &MODULES).await? {
        return not_applicable(said);
    }
    let framework = cluster.framework(FrameworkSpec::new("own-executor")).await?;
    let (task, _files) = run(&cluster, &framework).await?;
    let running = task.await_state(TaskState::TaskRunning).await?;

    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    task.send_to_executor(&every_byte).await?;

    let answer = task.await_message("answers", |_| true).await?;
    check!(
        answer.data == [b"echo: ", &every_byte[..]].concat(),
        "every byte comes through"
    );
    check!(
        running.message.as_deref() == Some("was given: a payload"),
        "it got the task's data"
    );
    check!(running.executor_id == Some(answer.executor_id));
    task.send_to_executor(b"finish").await?;
    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFinished && status.source == Some(StatusSource::SourceExecutor));
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn exit_without_a_last_status_fails_its_task(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &MODULES).await? {
        return not_applicable(said);
    }
    let framework = cluster.framework(FrameworkSpec::new("lost-executor")).await?;
    let (task, _files) = run(&cluster, &framework).await?;
    task.await_state(TaskState::TaskRunning).await?;

    task.send_to_executor(b"exit").await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::ExecutorTerminated));
    check!(
        status.source == Some(StatusSource::SourceAgent),
        "the agent speaks for it"
    );
    let failure = framework.await_executor_failure(&task).await?;
    check!(failure.status == Some(3 << 8), "the framework is told of its exit code");
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn kill_is_its_own_to_answer(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &MODULES).await? {
        return not_applicable(said);
    }
    let framework = cluster.framework(FrameworkSpec::new("killed-executor")).await?;
    let (task, _files) = run(&cluster, &framework).await?;
    task.await_state(TaskState::TaskRunning).await?;

    task.kill().await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled && status.source == Some(StatusSource::SourceExecutor));
    check_contains!(status.message.unwrap_or_default(), "killed by request");
    framework.finish().await?;
    cluster.finish().await
}
