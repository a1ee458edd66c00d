//! What is fetched into a sandbox before a task starts.

use harness::client::mesos::{FrameworkSpec, Reason, StatusSource, TaskSpec, TaskState, Uri};
use harness::evidence::Verdict;
use harness::toolbox::{FileServer, tar_gz};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::cluster;

#[rstest]
#[tokio::test]
async fn uri_is_fetched_and_extracted(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let archive = tar_gz(&[("app/greeting.txt", b"hello from an archive\n")])?;
    let files = FileServer::start(
        &cluster,
        &[("app.tar.gz", archive), ("run.sh", b"#!/bin/sh\ncat $1\n".to_vec())],
    )
    .await?;
    let framework = cluster.framework(FrameworkSpec::new("fetcher")).await?;

    let task = framework
        .run(
            TaskSpec::command("fetched", "./run.sh app/greeting.txt")
                .uri(Uri::new(files.url("app.tar.gz")))
                .uri(Uri::new(files.url("run.sh")).executable()),
        )
        .await?;

    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    let sandbox = cluster.sandbox(&task).await?;
    check_contains!(sandbox.text("stdout").await?, "hello from an archive\n");
    check!(
        sandbox.list().await?.contains(&"app.tar.gz".to_owned()),
        "the archive itself stays beside what was in it"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn failing_fetch_says_so(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let files = FileServer::start(&cluster, &[]).await?;
    let framework = cluster.framework(FrameworkSpec::new("failing-fetch")).await?;

    let task = framework
        .run(TaskSpec::command("never", "true").uri(Uri::new(files.url("absent.tar.gz"))))
        .await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::ContainerLaunchFailed));
    check!(status.source == Some(StatusSource::SourceAgent), "no executor ever ran");
    check_contains!(status.message.unwrap_or_default(), "Failed to fetch all URIs");
    framework.finish().await?;
    cluster.finish().await
}
