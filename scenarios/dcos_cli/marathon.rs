//! `dcos marathon`: apps, their tasks and their deployments.

use harness::component::Service;
use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::{fixture, rstest};

use super::{cells, dcos, document};

/// The cluster of the other commands, and Marathon.
#[fixture]
async fn apps() -> Result<Cluster> {
    let builder = Cluster::builder().service(Service::AdminRouter);
    builder.service(Service::Marathon).boot().await
}

const WEB: &str = r#"{"id": "/web", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 1}"#;

/// `dcos marathon app add`, with the descriptor on standard input.
async fn add(cluster: &Cluster, app: &str) -> Result<ExecOutput> {
    let command = ExecSpec::new(["dcos", "marathon", "app", "add"]).stdin(app);
    cluster.toolbox().await?.run(command).await
}

/// Waits for the end of the deployment that `output` tells of.
async fn deployed(cluster: &Cluster, output: ExecOutput) -> Result<()> {
    let output = output.success()?;
    let id = output
        .stdout
        .trim()
        .trim_start_matches("Created deployment ")
        .to_owned();
    let watch = ["marathon", "deployment", "watch", "--max-count=60", "--interval=1", &id];
    dcos(cluster, &watch).await?.success().map(drop)
}

#[rstest]
#[tokio::test]
async fn app_is_added_scaled_and_removed(#[future] apps: Result<Cluster>) -> Verdict {
    let cluster = apps.await?;

    let added = add(&cluster, WEB).await?.success()?;
    deployed(
        &cluster,
        dcos(&cluster, &["marathon", "app", "update", "web", "instances=2"]).await?,
    )
    .await?;

    check!(added.stdout.is_empty(), "a new app is no news");
    let table = dcos(&cluster, &["marathon", "app", "list"]).await?.success()?.stdout;
    let rows = cells(&table);
    check!(rows[0] == ["ID", "MEM", "CPUS", "TASKS", "HEALTH", "DEPLOYMENT", "CONTAINER", "CMD"]);
    check!(rows[1][..5] == ["/web", "16.0", "0.1", "2/2", "---"]);
    let tasks = document(&cluster, &["marathon", "task", "list", "--json"]).await?;
    check!(tasks.as_array().map(Vec::len) == Some(2));
    let again = add(&cluster, WEB).await?;
    check!(again.exit_code == 1);
    check_contains!(again.stderr, "Application '/web' already exists");
    dcos(&cluster, &["marathon", "app", "remove", "web"]).await?.success()?;
    let none = dcos(&cluster, &["marathon", "app", "show", "web"]).await?;
    check!(none.exit_code == 1);
    check_contains!(none.stderr, "Error: App '/web' does not exist");
    cluster.finish().await
}
