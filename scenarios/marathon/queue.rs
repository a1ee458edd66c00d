//! Apps that wait: for room, and after failures.

use harness::client::http::{Method, StatusCode};
use harness::client::marathon::AppSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;
use serde_json::json;

use super::{SLEEPS, cluster};

/// As in the README's section on insufficient resources.
#[rstest]
#[case::cpus(100.0, 32.0, "InsufficientCpus")]
#[case::mem(0.1, 100_000.0, "InsufficientMemory")]
#[tokio::test]
async fn app_too_big_waits_and_says_why(
    #[future] cluster: Result<Cluster>,
    #[case] cpus: f64,
    #[case] mem: f64,
    #[case] reason: &str,
) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();

    let started = marathon
        .create(&AppSpec::command("/big", SLEEPS).resources(cpus, mem))
        .await?;

    let item = marathon
        .await_queued("/big", "/big is refused an offer", |item| !item.reasons().is_empty())
        .await?;
    check!(item.count == 1 && item.delay.overdue);
    check!(item.reasons() == [reason]);
    let under_way = marathon.deployments().await?;
    check!(
        under_way.len() == 1 && under_way[0].id == started.deployment_id,
        "its deployment waits"
    );
    check!(marathon.app("/big").await?.tasks.is_empty());
    let small = marathon.force("/big", &json!({ "cpus": 0.1, "mem": 32 })).await?;
    marathon.deployed(&small).await?;
    check!(marathon.app("/big").await?.tasks_running == 1, "made smaller, it runs");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn failing_app_is_delayed(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let spec = AppSpec::command("/a", "exit 3").with("backoffSeconds", json!(600));

    marathon.create(&spec).await?;

    let item = marathon
        .await_queued("/a", "/a waits after its failure", |item| !item.delay.overdue)
        .await?;
    check!(item.delay.time_left_seconds > 500 && item.delay.time_left_seconds <= 600);
    let failure = marathon.app("/a").await?.last_task_failure;
    check!(
        failure.as_ref().map(|failure| failure.state.as_str()) == Some("TASK_FAILED"),
        "{failure:?}"
    );
    let reset = marathon.ask(Method::DELETE, "v2/queue//a/delay", None).await?;
    check!(reset.status() == StatusCode::NO_CONTENT);
    let again = marathon
        .await_app("/a", "/a fails again", |app| app.last_task_failure != failure)
        .await?;
    check!(again.tasks_running == 0);
    cluster.finish().await
}
