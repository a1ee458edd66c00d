//! `dcos service`: frameworks.

use std::time::Duration;

use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{cells, dcos, document, routed};

#[rstest]
#[tokio::test]
async fn lists_frameworks_with_what_they_use(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let framework = cluster
        .framework(FrameworkSpec::new("busy").hostname("busy.example"))
        .await?;
    let task = framework
        .run(TaskSpec::command("sleeps", "sleep 1000").resources(0.5, 64.0))
        .await?;
    task.await_state(TaskState::TaskRunning).await?;

    let table = dcos(&cluster, &["service"]).await?.success()?.stdout;

    let id = framework.id().to_string();
    let rows = cells(&table);
    check!(rows[0] == ["NAME", "HOST", "ACTIVE", "TASKS", "CPU", "MEM", "DISK", "ID"]);
    check!(rows.len() == 2, "one framework");
    let row = &rows[1];
    check!(row[..4] == ["busy", "busy.example", "True", "1"]);
    check!(row[4] == "0.5" && row[5] == "64.0" && row[7] == id);
    let services = document(&cluster, &["service", "--json"]).await?;
    check!(services[0]["id"] == id && services[0]["name"] == "busy");
    check!(services[0]["tasks"][0]["id"] == task.id().to_string());
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn shutdown_ends_a_framework_and_its_tasks(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let doomed = FrameworkSpec::new("doomed").failover_timeout(Duration::from_secs(600));
    let framework = cluster.framework(doomed).await?;
    let task = framework.run(TaskSpec::command("sleeps", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    let id = framework.disconnect().await.to_string();

    dcos(&cluster, &["service", "shutdown", &id]).await?.success()?;

    let services = dcos(&cluster, &["service"]).await?.success()?;
    check!(services.stdout == "", "no framework is left");
    let ended = dcos(&cluster, &["service", "--completed"]).await?.success()?;
    check_contains!(ended.stdout, id);
    cluster.finish().await
}
